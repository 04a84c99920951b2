"""An async client for Afterword servers, in Python's units. Imports no torch."""

from afterword.client.connection import Client, connect
from afterword.client.document import Document
from afterword.client.errors import ClientError, ConnectionLost, OutOfStep, Refused, RequestFailed
from afterword.client.suggestion import Part, Suggestion

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
