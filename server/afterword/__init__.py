"""Afterword: a server for live ghost text."""
