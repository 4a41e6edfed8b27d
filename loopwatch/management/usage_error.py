"""Ends a command that could not do its job."""

from django.core.management.base import CommandError

WRONG_USAGE = 2
"""The exit status, the same as argparse's. A status of 1 is left for findings."""


def usage_error(message: str) -> CommandError:
    """Return the error that ends a command with ``WRONG_USAGE``."""
    return CommandError(message, returncode=WRONG_USAGE)
