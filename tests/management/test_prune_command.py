import io
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from loopwatch.models import BlockingEvent, Finding, ThreadWaitTotal
from tests.stored import stored_event, stored_finding, stored_wait

pytestmark = pytest.mark.django_db(transaction=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(*arguments, stdout=None):
    stdout = stdout or io.StringIO()
    call_command("loopwatch_prune", *arguments, stdout=stdout)
    return stdout.getvalue()


@pytest.fixture
def finding():
    """Return a finding with one event per day, the newest just now."""
    finding = stored_finding(events=120)
    for day in range(120):
        stored_event(finding, started_at=timezone.now() - timedelta(days=day, minutes=1))
    return finding


def test_the_prune_command_prunes_by_age(finding):
    assert run("--older-than", "30d") == "90 events deleted; all counts of stalls are kept.\n"
    assert finding.blocking_events.count() == 30
    finding.refresh_from_db()
    assert (finding.events, finding.events_thinned) == (120, 90)


def test_the_prune_command_prunes_by_number(finding):
    assert run("--keep-events", "10") == "110 events deleted; all counts of stalls are kept.\n"
    assert finding.blocking_events.count() == 10


def test_without_age_and_number_the_settings_decide_what_is_pruned(finding, settings):
    settings.LOOPWATCH = {"EVENTS_PER_FINDING": 100, "EVENTS_KEPT_DAYS": 119}
    assert run("--dry-run") == "20 events would be deleted.\n"
    assert run() == "20 events deleted; all counts of stalls are kept.\n"
    assert finding.blocking_events.count() == 100


def test_the_settings_delete_nothing_if_the_clock_is_implausible(finding, settings):
    settings.LOOPWATCH = {"EVENTS_KEPT_DAYS": 100}
    finding.blocking_events.filter(started_at__gt=timezone.now() - timedelta(days=8)).delete()
    with pytest.raises(CommandError, match=r"Nothing was stored in the 7 days before .* --older-than \d{4}-\d\d-\d\d$"):
        run()
    assert finding.blocking_events.count() == 112
    assert run("--older-than", "100d").startswith("20 events deleted")


def waits_stored_for(*days):
    """Store the thread waits of the hours so many days ago."""
    for number in days:
        stored_wait("views.save", 100, hour=timezone.now() - timedelta(days=number), release=f"{number} days old")


def waits_left():
    return [int(release.split()[0]) for release in ThreadWaitTotal.objects.values_list("release", flat=True)]


def test_the_prune_command_deletes_thread_waits_by_the_age_of_events(finding):
    waits_stored_for(1, 29, 40, 100)
    found = "90 events and 2 hourly counts of thread waits"
    assert run("--older-than", "30d", "--dry-run") == f"{found} would be deleted.\n"
    assert waits_left() == [1, 29, 40, 100]
    assert run("--older-than", "30d") == f"{found} deleted; all counts of stalls are kept.\n"
    assert waits_left() == [1, 29]


def test_the_prune_command_deletes_no_thread_waits_by_the_number_of_events(finding):
    waits_stored_for(100)
    assert run("--keep-events", "10").startswith("110 events deleted")
    assert waits_left() == [100]


def test_without_an_age_the_settings_decide_which_thread_waits_are_deleted(finding, settings):
    settings.LOOPWATCH = {"EVENTS_PER_FINDING": 120, "EVENTS_KEPT_DAYS": 200}
    waits_stored_for(199, 202)
    assert run().startswith("0 events and 1 hourly count of thread waits deleted")
    assert waits_left() == [199]


def test_the_settings_delete_no_thread_waits_if_the_clock_is_implausible(db):
    waits_stored_for(100)
    with pytest.raises(CommandError, match="Nothing was stored"):
        run()
    assert waits_left() == [100]
    assert run("--older-than", "90d").startswith("0 events and 1 hourly count of thread waits deleted")
    assert waits_left() == []


def test_the_clock_does_not_matter_if_nothing_is_too_old(db):
    assert run() == "0 events deleted; all counts of stalls are kept.\n"


def test_with_only_age_or_number_the_other_is_no_limit(finding):
    assert run("--older-than", "119d").startswith("1 event deleted")
    assert finding.blocking_events.count() == 119


def test_a_dry_run_deletes_nothing(finding):
    assert run("--older-than", "30d", "--keep-events", "10", "--dry-run") == "110 events would be deleted.\n"
    assert BlockingEvent.objects.count() == 120
    assert Finding.objects.get().events_thinned == 0


def test_a_terminal_shows_the_progress_of_pruning(finding):
    shown = run("--older-than", "60d", "--batch-size", "25", stdout=Terminal())
    parts = shown.replace("\r", "\n").split("\n")
    assert parts == ["", "25 of 60 events", "50 of 60 events", "60 of 60 events", *parts[4:]]
    assert parts[4:] == ["60 events deleted; all counts of stalls are kept.", ""]


def test_a_terminal_shows_the_progress_of_pruning_thread_waits():
    waits_stored_for(*range(31, 36))
    shown = run("--older-than", "30d", "--batch-size", "3", stdout=Terminal())
    assert shown.replace("\r", "\n").split("\n") == [
        "",
        "3 of 5 counts of thread waits",
        "5 of 5 counts of thread waits",
        "0 events and 5 hourly counts of thread waits deleted; all counts of stalls are kept.",
        "",
    ]


def test_a_site_without_time_zones_stores_local_time(settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Tokyo"
    finding = stored_finding(first_seen=datetime.now(), last_seen=datetime.now())  # noqa: DTZ005
    for hour in range(-12, 13):
        stored_event(finding, started_at=datetime.now() - timedelta(days=30, hours=hour, minutes=1))  # noqa: DTZ005
    assert run("--older-than", "30d", "--dry-run").startswith("13 events")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--older-than", "soon"], "--older-than: 'soon' is neither"),
        (["--older-than", ""], "--older-than: '' is neither"),
        (["--older-than", "2099-01-01"], "is in the future"),
        (["--keep-events", "0"], "at least 1"),
        (["--batch-size", "0"], "between 1 and 10000"),
        (["--batch-size", "10001"], "between 1 and 10000"),
        (["--database", "nowhere"], "no database 'nowhere'"),
    ],
)
def test_invalid_options_are_refused_and_delete_nothing(finding, arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)
    assert BlockingEvent.objects.count() == 120


def test_the_prune_command_reports_invalid_settings(settings):
    settings.LOOPWATCH = {"EVENTS_KEPT_DAYS": 0}
    with pytest.raises(CommandError, match="EVENTS_KEPT_DAYS"):
        run()
