"""Exports lists as CSV and JSON, and flame graphs as files for other programs."""

from loopwatch.admin.exports.admin import EVENTS_DRAWN, FRAMES_DRAWN, FlameExports, ListExports

__all__ = ["EVENTS_DRAWN", "FRAMES_DRAWN", "FlameExports", "ListExports"]
