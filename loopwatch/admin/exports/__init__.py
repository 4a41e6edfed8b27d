"""Exports lists as CSV and JSON, and flame graphs as files for other programs."""

from loopwatch.admin.exports.admin import (
    COMPARED,
    EVENTS_DRAWN,
    FRAMES_DRAWN,
    FlameExports,
    ListExports,
    compared_releases,
)

__all__ = ["COMPARED", "EVENTS_DRAWN", "FRAMES_DRAWN", "FlameExports", "ListExports", "compared_releases"]
