"""An async client for Afterword servers, in Python's units. Imports no torch."""

from .connection import Client, connect
from .document import Document
from .errors import ClientError, ConnectionLost, OutOfStep, Refused, RequestFailed
from .suggestion import Part, Suggestion

__all__ = [
    "Client",
    "ClientError",
    "ConnectionLost",
    "Document",
    "OutOfStep",
    "Part",
    "Refused",
    "RequestFailed",
    "Suggestion",
    "connect",
]
