"""Finding a model and making it ready to load: built in, from the Hugging Face hub, a folder, or a GGUF file.

Nothing in this package imports torch, except `convert`, which runs in a process of its own.
"""

from afterword.models.files import ModelError, ModelFiles
from afterword.models.resolve import resolve

__all__ = ["ModelError", "ModelFiles", "resolve"]
