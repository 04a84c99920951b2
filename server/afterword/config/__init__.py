"""The settings of the server: where values come from, what is allowed, and their text."""
