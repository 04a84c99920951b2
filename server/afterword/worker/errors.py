"""The one way in which a model is turned down."""


class UnsupportedModelError(Exception):
    """The engine cannot serve this model; the message says why, for whoever chose it."""
