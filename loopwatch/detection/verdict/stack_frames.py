"""A stack as it is shown: the frames, and where each stood in its source."""

from collections.abc import Iterable

from loopwatch.detection.calls import StackFrame
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.code_owner import Owner, owner_of
from loopwatch.detection.cpython.sites import Site


def frames_of(sites: Iterable[Site]) -> tuple[StackFrame, ...]:
    """The frames of sites that are given innermost first, outermost first."""
    return tuple(_frame(site) for site in sites)[::-1]


def _frame(site: Site) -> StackFrame:
    code = site.code
    span = source.span_at(code, site.offset)
    if site.template is not None:
        return StackFrame(code.co_filename, "", site.template.part_of(code), site.template.line_of(span.lineno))
    is_in_app = owner_of(code, site.module) is Owner.IN_APP
    return StackFrame(code.co_filename, site.module, code.co_qualname, *span, is_in_app=is_in_app)
