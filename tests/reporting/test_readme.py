"""The report in the README: what the command prints of two mistakes of the demo."""

import io
import re
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.utils.timezone import override

from testproject.mistakes import MISTAKES, ROOT
from tests.stored import stored_finding, stored_hour

README = (ROOT / "README.md").read_text(encoding="utf-8")
BY_NAME = {mistake.name: mistake for mistake in MISTAKES}
LAST_SEEN = datetime(2026, 11, 28, 9, 59, tzinfo=UTC)


def found(name, *durations_ms, method="GET", **columns):
    """Store the finding of a mistake as a run of the demo did."""
    mistake = BY_NAME[name]
    finding = stored_finding(
        blocking_call=mistake.blocking_calls[0],
        function=mistake.function,
        filename=str(mistake.filename.relative_to(ROOT)),
        lineno=min(mistake.line_numbers()),
        source=mistake.source_lines[0].removeprefix("answer = "),
        events=len(durations_ms),
        blocked_us=sum(durations_ms) * 1000,
        longest_us=max(durations_ms) * 1000,
        first_seen=LAST_SEEN,
        last_seen=LAST_SEEN,
        **columns,
    )
    stored_hour(finding, *durations_ms, method=method, route=mistake.visit.route)


@pytest.mark.django_db
def test_the_report_in_the_readme_is_what_the_command_prints(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    found("lock", 302, 260, 259, requests_delayed=8, requests_kept_out=8)
    found("chat", 284, 260, 260, method="WebSocket", requests_delayed=14, requests_kept_out=10)
    printed = io.StringIO()
    with override(UTC):
        call_command("loopwatch_report", stdout=printed)
    shown = re.search(r"\$ python manage.py loopwatch_report\n(.*?)```", README, re.DOTALL)[1]
    assert printed.getvalue() == shown
