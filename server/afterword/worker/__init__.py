"""The worker: a model in memory, slots of its key/value cache, and a step loop. The only package that imports torch."""

from afterword.spinning import limit_spinning

limit_spinning()
