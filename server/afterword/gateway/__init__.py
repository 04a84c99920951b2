"""The gateway: sockets in front, an engine behind."""
