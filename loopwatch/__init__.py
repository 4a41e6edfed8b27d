"""Finds the calls that block the event loop of an async Django site."""

__version__ = "0.1.0"
