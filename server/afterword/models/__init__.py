"""Finding a model and making it ready to load: built in, from the Hugging Face hub, a folder, or a GGUF file.

Only `convert`, which runs in a process of its own, imports torch.
"""

from afterword.models.files import ModelError, ModelFiles
from afterword.models.resolve import resolve

__all__ = ["ModelError", "ModelFiles", "resolve"]
