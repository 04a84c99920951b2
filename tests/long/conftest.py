"""Long tests use the servers of the end-to-end tests."""

from ..e2e.conftest import start_server

__all__ = ["start_server"]
