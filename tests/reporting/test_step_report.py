"""``loopwatch_report --steps`` shows how long steps lasted, so that a threshold is chosen by looking."""

import io
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import override

from loopwatch.histogram import COLUMNS
from loopwatch.models import LoopTime
from loopwatch.reporting import step_report
from loopwatch.reporting.step_report import NO_STEPS
from loopwatch.stored_time import whole_hour
from tests.support.children import ROOT

THIS_HOUR = whole_hour(datetime.now(UTC))

pytestmark = pytest.mark.django_db


def stored_steps(steps, *, hours_ago=0, process_id=1, minutes=60):
    start = THIS_HOUR - timedelta(hours=hours_ago)
    return LoopTime.objects.create(
        minutes=minutes, start=start, host="web-1", process_id=process_id, since=THIS_HOUR, steps=steps
    )


def report(*arguments):
    stdout = io.StringIO()
    call_command("loopwatch_report", "--steps", *arguments, stdout=stdout)
    return stdout.getvalue()


def table(text):
    lines = text.split("\n\n")[1].splitlines()
    return [tuple(cell.strip() for cell in line.split("  ") if cell.strip()) for line in lines]


def test_each_row_counts_the_steps_that_lasted_at_least_so_long(settings):
    settings.LOOPWATCH = {"THRESHOLD_MS": 40}
    stored_steps({"under_5ms": 1_000, "under_10ms": 20})
    stored_steps({"under_5ms": 200, "under_35ms": 2}, process_id=2)
    text = report("--since", "1m")
    assert "THRESHOLD_MS is 40." in text
    heading, *rows = table(text)
    assert heading == ("At least", "Steps", "Per hour")
    assert [row[:2] for row in rows] == [
        ("2 ms", "1,222"),
        ("5 ms", "22"),
        ("10 ms", "2"),
        ("20 ms", "2"),
        ("35 ms", "0"),
    ]


def test_a_rate_is_that_of_all_hours_of_the_period_and_steps_from_before_do_not_count():
    stored_steps({"over_30000ms": 7}, hours_ago=30)
    stored_steps({}, hours_ago=23)
    stored_steps({"under_5ms": 2_400})
    _, first, second = table(report("--since", "23h"))
    assert first[1] == "2,400"
    assert 2_400 / 24 <= float(first[2]) <= 2_400 / 23 + 0.5
    assert second == ("5 ms", "0", "0")


@pytest.mark.parametrize(
    "damaged",
    [None, [], ["under_5ms"], {"under_5ms": "many"}, {"under_5ms": -7}, {"under_5ms": True}, {"elsewhere": 3}],
)
def test_a_damaged_row_counts_nothing(damaged):
    stored_steps({} if damaged is None else damaged)
    assert report().strip() == NO_STEPS
    stored_steps({"under_5ms": 1}, process_id=2)
    assert table(report())[1][:2] == ("2 ms", "1")


@pytest.mark.parametrize("others", [["--group-by", "route"], ["--format", "json"], ["--fail-on", "any"]])
def test_options_that_select_findings_do_not_apply_to_steps(others):
    with pytest.raises(CommandError, match="--steps counts all steps"):
        report(*others)


class HalfPastTwo(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 28, 14, 30, tzinfo=tz)


def test_the_table_in_the_documents_is_what_the_command_prints(monkeypatch, settings):
    monkeypatch.setattr(step_report, "datetime", HalfPastTwo)
    settings.LOOPWATCH = {"THRESHOLD_MS": 50}
    longer = [181_204, 40_112, 6_020, 688, 91, 14, 9, 2, 0]
    counts = dict(zip(COLUMNS[1:], (one - other for one, other in pairwise(longer)), strict=False))
    begin = datetime(2026, 11, 27, 14, tzinfo=UTC)
    LoopTime.objects.create(minutes=60, start=begin, host="web-1", process_id=1, since=begin, steps=counts)
    with override(UTC):
        printed = report("--since", "2026-11-27T14:00")
    document = (ROOT / "docs" / "threshold.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ python manage.py loopwatch_report --steps --since 24h\n(.*?)```", document, re.DOTALL)[1]
    assert printed == shown
