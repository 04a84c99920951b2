"""The Afterword wire protocol, as far as both ends share it: messages, codec, close codes, lengths in UTF-16."""
