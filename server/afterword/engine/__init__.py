"""Engines as the rest of the server knows them: the interface, and who may serve it. Nothing here imports torch."""
