"""Text work: tokens from text, text from tokens, where words and sentences end."""
