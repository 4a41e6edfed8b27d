"""What was found as pytest shows a failure: a traceback that ends at the call, with the expression marked."""

import linecache
from collections.abc import Sequence

from _pytest._code.code import ExceptionChainRepr, ReprEntry, ReprFileLocation, ReprTraceback

from loopwatch.detection.calls import StackFrame
from loopwatch.testing.found import Found
from loopwatch.testing.places import shown

MAX_SHOWN = 5
MAX_LINES = 8
_INDENT = "    "


def failure(found: Sequence[Found], threshold_ms: float) -> ExceptionChainRepr:
    """All that is new in a test. The longest stall comes last, where pytest takes the headline from.

    ``found`` is not empty.
    """
    by_length = sorted(found, key=lambda each: each.duration_ms)
    longest = by_length[-MAX_SHOWN:]
    left_out = len(by_length) - len(longest)
    said = [f"{left_out} shorter stalls are not shown. And:"] if left_out else []
    said += ["And again:"] * (len(longest) - len(said) - 1)
    return ExceptionChainRepr(
        [
            (_traceback(each, threshold_ms), ReprFileLocation(shown(each.filename), each.lineno, title(each)), then)
            for each, then in zip(longest, [*said, None], strict=True)
        ]
    )


def _traceback(found: Found, threshold_ms: float) -> ReprTraceback:
    frames = found.stack or (StackFrame(found.filename, "", found.function, found.lineno),)
    return ReprTraceback([*map(_entry, frames), _verdict(found, threshold_ms)], None, "short")


def title(found: Found) -> str:
    """``time.sleep blocked the event loop for 61.2 ms``, and in which fixture's phase if not in the test itself."""
    phase = "" if found.phase == "call" else f" in the {found.phase}"
    return f"{found.blocking_call} blocked the event loop for {found.duration_ms:.1f} ms{phase}"


def _verdict(found: Found, threshold_ms: float) -> ReprEntry:
    doubt = "" if found.exact else " (the call is likely; the function is certain)"
    lines = [
        f"E   {title(found)}{doubt}",
        f"E   in {found.function}, {found.cause}; the threshold is {threshold_ms:g} ms",
    ]
    return ReprEntry(lines, None, None, None, "short")


def _entry(frame: StackFrame) -> ReprEntry:
    place = ReprFileLocation(shown(frame.filename), frame.lineno, f"in {frame.function.rpartition('.')[2]}")
    return ReprEntry(_marked(frame), None, None, place, "short")


def _marked(frame: StackFrame) -> list[str]:
    """The lines of the expression, with carets under it where it is a part of its line."""
    last = min(max(frame.end_lineno, frame.lineno), frame.lineno + MAX_LINES - 1)
    lines = [line.rstrip("\n") for line in linecache.getlines(frame.filename)[frame.lineno - 1 : last]]
    if not lines:
        return []
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip() or len(lines) == 1)
    text = [_INDENT + line[indent:] for line in lines]
    if len(lines) == 1 and frame.end_column > 0:
        begin, end = _characters(lines[0], frame.column), _characters(lines[0], frame.end_column)
        text.append(_INDENT + " " * max(0, begin - indent) + "^" * max(1, end - max(begin, indent)))
    return text


def _characters(line: str, utf8_bytes: int) -> int:
    return len(line.encode(errors="surrogatepass")[:utf8_bytes].decode(errors="ignore"))
