"""Where words, phrases, sentences and suggestions end."""
