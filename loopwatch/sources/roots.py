"""The directory that a site names as its own."""

import os

from django.conf import settings


def base_directory() -> str:
    """Return the setting ``BASE_DIR``; ``""`` if there is none, or it is no path."""
    try:
        return os.fsdecode(getattr(settings, "BASE_DIR", ""))
    except TypeError:
        return ""
