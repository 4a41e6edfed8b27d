"""Renders places in the repository as locations of SARIF, and a stack as a code flow through them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from loopwatch.escaping.sarif import sarif_text
from loopwatch.reporting.repository import Repository, RepositoryLine
from loopwatch.rows.stacks import StoredFrame

ROOT = "%SRCROOT%"
_LONGEST_FLOW = 100
"""The innermost locations that a flow shows: a recursion would have thousands."""


def physical_location(place: RepositoryLine) -> dict[str, Any]:
    """Return the location of a line, as a relative reference of RFC 3986."""
    return {
        "artifactLocation": {"uri": quote(place.path), "uriBaseId": ROOT},
        "region": {"startLine": place.lineno},
    }


def code_flows(frames: Sequence[StoredFrame], repository: Repository) -> list[dict[str, Any]]:
    """Return the way from the outermost call in the repository to the innermost, or nothing without one."""
    places = [(frame, repository.line(frame.filename, frame.lineno, frame.source_line)) for frame in frames]
    steps = [
        {"location": {"physicalLocation": physical_location(place), "message": {"text": sarif_text(frame.name)}}}
        for frame, place in places
        if place
    ]
    return [{"threadFlows": [{"locations": steps[-_LONGEST_FLOW:]}]}] if steps else []
