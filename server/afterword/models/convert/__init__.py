"""The converter: turns GGUF files and slow tokenizers into files that load fast. A program of its own.

It alone of `models` imports torch and transformers, and runs in a process of its own so that nobody else pays for that.
`conversion` starts it.
"""
