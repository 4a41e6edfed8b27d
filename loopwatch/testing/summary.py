"""What the terminal says at the end of a run."""

from collections.abc import Iterable, Iterator, Sequence

from loopwatch.durations import human_duration
from loopwatch.reporting.terminal import visible
from loopwatch.testing.found import Verdict
from loopwatch.testing.places import shown
from loopwatch.testing.tally import Finding, Tally

MAX_LISTED = 20
_WORDS = {
    Verdict.NEW: "new",
    Verdict.KNOWN: "known from the baseline",
    Verdict.ALLOWED: "allowed",
}


def summary_lines(tally: Tally, unused: Sequence[str]) -> Iterator[str]:
    """Nothing at all if there is nothing to say."""
    for verdict, words in _WORDS.items():
        findings = tally.of(verdict)
        if findings:
            yield f"{_count(len(findings), 'blocking call')} {words}:"
            yield from _listed(map(_line, findings), len(findings))
    if unused:
        yield f"{_count(len(unused), 'rule')} that allowed nothing in this run, and can go:"
        yield from _listed(unused, len(unused))


def _line(finding: Finding) -> str:
    longest = finding.longest
    times = "once" if finding.events == 1 else f"{finding.events} times, longest"
    tests = next(iter(finding.tests)) if len(finding.tests) == 1 else _count(len(finding.tests), "test")
    rule = f" [{longest.rule}]" if longest.rule else ""
    return (
        f"{longest.blocking_call} in {longest.function} ({shown(longest.filename)}:{longest.lineno}): "
        f"{times} {human_duration(longest.duration_ms)}, in {tests}{rule}"
    )


def _listed(lines: Iterable[str], total: int) -> Iterator[str]:
    for _, line in zip(range(MAX_LISTED), lines, strict=False):
        yield f"  {visible(line)}"
    if total > MAX_LISTED:
        yield f"  … and {total - MAX_LISTED} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
