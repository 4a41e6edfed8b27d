"""Writes the summary that pytest prints at the end of a run."""

from collections.abc import Iterable, Iterator, Sequence

from loopwatch.escaping.terminal import visible
from loopwatch.testing.finding import Channel, Verdict, short_path
from loopwatch.testing.totals import FindingTotals, RunTotals
from loopwatch.wording.durations import human_duration

MAX_LISTED = 20
MAX_CALLS = 3
_NOUNS = {Channel.STALL: "blocking call", Channel.STRICT: "strict finding"}
_VERDICTS = {Verdict.NEW: "new", Verdict.KNOWN: "known", Verdict.ALLOWED: "allowed"}


def summary_lines(totals: RunTotals, unused: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the summary, or nothing if there is nothing to report."""
    for channel, noun in _NOUNS.items():
        for verdict, adjective in _VERDICTS.items():
            findings = totals.of(channel, verdict)
            if findings:
                yield f"{_count(len(findings), f'{adjective} {noun}')}:"
                yield from _listed(map(_line, findings), len(findings))
    if totals.disturbances:
        yield f"{_count(totals.disturbances, 'stall')} caused by the machine, not attributed to any test"
    if totals.dropped:
        yield f"{_count(totals.dropped, 'call')} dropped because a buffer was full"
    if unused:
        yield f"{_count(len(unused), 'unused rule')}, which can be removed:"
        yield from _listed(unused, len(unused))


def _line(finding: FindingTotals) -> str:
    longest = finding.longest
    place = f" ({short_path(longest.filename)}:{longest.lineno})" if longest.filename else ""
    how = _how_often(finding) if longest.channel is Channel.STRICT else _how_long(finding)
    tests = next(iter(finding.tests)) if len(finding.tests) == 1 else _count(len(finding.tests), "test")
    rule = f" [{longest.rule}]" if longest.rule else ""
    return f"{longest.name} in {longest.function}{place}: {how}, in {tests}{rule}"


def _how_long(finding: FindingTotals) -> str:
    times = "" if finding.events == 1 else f"{finding.events} times, longest "
    return f"{times}{human_duration(finding.longest.duration_ms)}"


def _how_often(finding: FindingTotals) -> str:
    calls = finding.calls.most_common()
    if [name for name, _ in calls] == [finding.longest.name]:
        return _times(finding.events)
    listed = [name if count == 1 else f"{name} {_times(count)}" for name, count in calls[:MAX_CALLS]]
    return ", ".join(listed) + (f" and {len(calls) - MAX_CALLS} more" if len(calls) > MAX_CALLS else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(lines: Iterable[str], total: int) -> Iterator[str]:
    for _, line in zip(range(MAX_LISTED), lines, strict=False):
        yield f"  {visible(line)}"
    if total > MAX_LISTED:
        yield f"  … and {total - MAX_LISTED} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
