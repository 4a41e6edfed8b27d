"""How a command says that it could not do what it is for."""

from django.core.management.base import CommandError

WRONG_USAGE = 2
"""The exit status; argparse has the same. A status of 1 says what was found."""


def usage_error(message: str) -> CommandError:
    """The error that ends a command with ``WRONG_USAGE``."""
    return CommandError(message, returncode=WRONG_USAGE)
