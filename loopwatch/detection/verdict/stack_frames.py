"""Turns the sites of a stack into the frames that are shown, with their places in the source."""

from collections.abc import Iterable

from loopwatch.detection.calls import StackFrame, ThreadStack
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.code_owner import Owner, owner_of, owner_of_file
from loopwatch.detection.cpython.places import place_of
from loopwatch.detection.cpython.sites import Site


def frames_of(sites: Iterable[Site]) -> tuple[StackFrame, ...]:
    """Return the frames of a stack, outermost first. Its sites are innermost first."""
    return tuple(_frame(site) for site in sites)[::-1]


def threads_of(stacks: Iterable[tuple[Iterable[Site], int]]) -> tuple[ThreadStack, ...]:
    """Return the stacks of other threads, those that run in-app code first."""
    threads = [ThreadStack(frames_of(sites), count) for sites, count in stacks]
    return tuple(sorted(threads, key=lambda thread: not any(frame.is_in_app for frame in thread.frames)))


def _frame(site: Site) -> StackFrame:
    code = site.code
    span = source.span_at(code, site.offset)
    template = site.template
    if template is not None:
        filename = template.file_of(code)
        is_in_app = filename[:1] not in ("", "<") and owner_of_file(filename) is Owner.IN_APP
        return StackFrame(filename, "", template.part_of(code), template.line_of(span.lineno), is_in_app=is_in_app)
    is_in_app = owner_of(code, site.module) is Owner.IN_APP
    return StackFrame(code.co_filename, site.module, place_of(code, site.module), *span, is_in_app=is_in_app)
