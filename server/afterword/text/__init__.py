"""Between text and tokens: prompts from text, text from tokens, and where words, sentences and suggestions end."""
