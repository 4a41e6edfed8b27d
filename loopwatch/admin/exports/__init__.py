"""Lists as CSV and JSON, and flame graphs as files for other programs."""

from loopwatch.admin.exports.admin import ExportsAdmin

__all__ = ["ExportsAdmin"]
