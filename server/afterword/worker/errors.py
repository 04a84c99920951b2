"""The error for a model that the worker cannot serve."""


class UnsupportedModelError(Exception):
    """The worker cannot serve this model; the message says why, to whoever chose it."""
