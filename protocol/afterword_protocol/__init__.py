"""The Afterword wire protocol: messages, codec, and the sans-I/O state of a connection and its documents."""
