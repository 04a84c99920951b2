"""The way of one keystroke, and of one cancel, through both processes of a running server, function by function."""
