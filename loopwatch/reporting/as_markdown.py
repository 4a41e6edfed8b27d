"""Renders the report as Markdown tables, for an issue, a pull request or a chat."""

import re
from collections.abc import Iterable, Iterator, Sequence

from loopwatch.escaping.terminal import visible
from loopwatch.reporting import wording
from loopwatch.reporting.finding_message import message, title
from loopwatch.reporting.release_change import KINDS
from loopwatch.reporting.report import FINDING, Group, Report, ReportedFinding
from loopwatch.reporting.thread_waits import ReportedThreadWait

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_NO_SPAN = re.compile(r"[`|\\]")
_NO_NAME = re.compile(r"[^a-zA-Z0-9 .]")


def render_markdown(report: Report) -> str:
    """Render tables in the dialect of GitHub and GitLab. Names are escaped, so that they are text only."""
    if not report.stored:
        blocks = ["\n".join(line.replace("  - ", "- ", 1) for line in wording.EMPTY_STORE.splitlines())]
    else:
        blocks = [f"### {plain(wording.headline(report))}", *map(plain, wording.notes(report)), *_tables(report)]
    blocks += filter(
        None, (plain(wording.left_out(report)), *_thread_waits(report), plain(wording.waits_left_out(report)))
    )
    blocks += filter(None, (plain(wording.recorded_by(report.health)),))
    return "\n\n".join(blocks)


def finding_markdown(finding: ReportedFinding, url: str) -> str:
    """Render one finding for an issue or a chat: what happened, where, since when, and the address of its page."""
    seen = f"First seen {wording.when(finding.first_seen)}, last seen {wording.when(finding.last_seen)}."
    blocks = [f"### {plain(title(finding))}", plain(message(finding)), finding.place and code(finding.place)]
    blocks += [finding.source and code(finding.source), plain(seen), f"<{url}>"]
    return "\n\n".join(filter(None, blocks)) + "\n"


def plain(text: str) -> str:
    """Escape text, on one line."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def code(text: str) -> str:
    """Mark text as code; as an HTML element if it could end a code span or a cell."""
    shown = visible(text)
    if not _NO_SPAN.search(shown):
        return f"`{shown}`"
    return f"<code>{_NO_NAME.sub(lambda match: f'&#{ord(match[0])};', shown)}</code>"


def _tables(report: Report) -> Iterator[str]:
    if report.comparison:
        yield from _changes(report)
    elif report.group_by != FINDING:
        rows = [(_group(group, report.group_by), *wording.group_figures(group)) for group in report.groups]
        yield from _table((report.group_by.capitalize(), *wording.GROUP_HEADINGS), rows)
    else:
        findings = [(_finding(finding), *wording.finding_figures(finding)) for finding in report.findings]
        yield from _table(("Blocking call", *wording.FINDING_HEADINGS), findings)


def _changes(report: Report) -> Iterator[str]:
    for kind in KINDS:
        rows = [
            (_finding(finding), *wording.change_figures(finding.change))
            for finding in report.findings
            if finding.change and finding.change.kind == kind
        ]
        if rows:
            yield f"#### {wording.KIND_HEADINGS[kind]}"
            yield from _table(("Blocking call", *wording.CHANGE_HEADINGS), rows)


def _thread_waits(report: Report) -> Iterator[str]:
    rows = [(_holder(wait), *wording.thread_wait_figures(wait)) for wait in report.thread_waits]
    if rows:
        yield f"#### {wording.THREAD_WAITS}"
        yield from _table(("Held by", *wording.THREAD_WAIT_HEADINGS), rows)


def _holder(wait: ReportedThreadWait) -> str:
    lines = [f"**{code(wording.holder(wait))}**", plain(wording.whose_thread(wait))]
    if wait.routes:
        more = f" + {len(wait.routes) - 1} more" if len(wait.routes) > 1 else ""
        lines.append(code(wait.routes[0]) + more)
    return "<br>".join(lines)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [_line(row) for row in rows]
    if lines:
        rule = _line([":---", *["---:"] * (len(headings) - 1)])
        yield "\n".join([_line(headings), rule, *lines])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _finding(finding: ReportedFinding) -> str:
    marks = "".join(f" ({plain(mark)})" for mark in wording.marks(finding))
    lines = [f"**{code(finding.headline)}**{marks}"]
    if finding.function != finding.headline:
        lines.append(f"in {code(finding.function)}")
    if finding.place:
        lines.append(code(finding.place))
    if notes := wording.step_notes(finding):
        lines.append(plain(notes))
    if finding.routes:
        more = f" + {len(finding.routes) - 1} more" if len(finding.routes) > 1 else ""
        lines.append(code(finding.routes[0]) + more)
    return "<br>".join(lines)


def _group(group: Group, group_by: str) -> str:
    name = f"**{code(group.name)}**" if group.name else f"*{wording.group_name(group, group_by)}*"
    if group.worst in {"", group.name}:
        return name
    return f"{name}<br>{'mostly ' if group.findings > 1 else ''}{code(group.worst)}"
