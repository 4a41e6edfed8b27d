"""A resolved or ignored finding is reopened when its condition is met, and says why."""

from datetime import UTC, datetime, timedelta

import pytest

from loopwatch.models import Finding
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime.now(UTC)


@pytest.fixture
def happen(recorder_of):
    """Record another stall of the finding, and return the finding."""

    def happen(release="1.4", after_s=60.0, duration_ms=100.0):
        recorder = recorder_of(release=release)
        recorder.put(blocking_call(started_at=NOW + timedelta(seconds=after_s), duration_ms=duration_ms))
        assert recorder.flush(60)
        assert recorder.stats().errors == {}
        return Finding.objects.get()

    return happen


@pytest.fixture
def closed(happen):
    """Give a recorded finding a status, as a person does."""

    def close(status, **columns):
        happen(after_s=-60.0)
        Finding.objects.update(status=status, status_changed_at=NOW, status_changed_by="ada", **columns)

    return close


def test_a_resolved_finding_that_happens_again_is_reopened(happen, closed):
    closed("resolved")
    finding = happen(release="1.5")
    assert (finding.status, finding.reopened_release, finding.reopened_figure_us) == ("open", "1.5", None)
    assert finding.reopened_at is not None
    assert finding.status_changed_by == "ada"


@pytest.mark.parametrize("status", ["resolved", "ignored"])
def test_what_happened_before_a_finding_was_closed_does_not_reopen_it(happen, closed, status):
    closed(status, reopen_when="longer" if status == "ignored" else "", reopen_figure_us=1)
    assert happen(after_s=-10.0).status == status


@pytest.mark.parametrize(("duration_ms", "status"), [(80.0, "ignored"), (600.0, "open")])
def test_of_stalls_that_are_written_together_those_since_the_decision_count(closed, recorder_of, duration_ms, status):
    closed("ignored", reopen_when="longer", reopen_figure_us=500_000)
    recorder = recorder_of(release="1.4")
    for after_s, lasted_ms in ((-10.0, 900.0), (10.0, duration_ms)):
        recorder.put(blocking_call(started_at=NOW + timedelta(seconds=after_s), duration_ms=lasted_ms))
    assert recorder.flush(60)
    assert Finding.objects.get().status == status


def test_a_finding_ignored_without_a_condition_is_never_reopened(happen, closed):
    closed("ignored")
    finding = happen(release="9")
    assert (finding.status, finding.events, finding.reopened_at) == ("ignored", 2, None)


@pytest.mark.parametrize("status", ["resolved", "ignored"])
def test_a_finding_can_be_reopened_by_a_release_that_was_not_known(happen, closed, status):
    closed(status, reopen_when="new release", known_releases=["1.3", "1.4"])
    assert happen(release="1.4").status == status
    assert happen(release="1.3").status == status
    finding = happen(release="1.5")
    assert (finding.status, finding.reopened_release, finding.reopen_when) == ("open", "1.5", "new release")


@pytest.mark.parametrize(
    ("wanted", "release", "is_met"),
    [
        ("1.5", "1.4.9", False),
        ("1.5", "1.5", True),
        ("1.5", "1.10.1", True),
        ("v2", "v10", True),
        ("1.5", "v1.5", True),
        ("2026-11-25", "2026-11-25", True),
        ("2026-11-25", "2026-11-26", False),
        ("f3a91c", "f3a91c", True),
        ("f3a91c", "07d2", False),
        ("1.5", "", False),
        ("1.5", "1.5rc1", False),
    ],
)
def test_an_ignored_finding_can_be_reopened_by_a_release_or_a_numbered_one_after_it(
    happen, closed, wanted, release, is_met
):
    closed("ignored", reopen_when="release", reopen_release=wanted)
    assert happen(release=release).status == ("open" if is_met else "ignored")


def test_an_ignored_finding_can_be_reopened_by_a_longer_stall(happen, closed):
    closed("ignored", reopen_when="longer", reopen_figure_us=500_000)
    assert happen(duration_ms=500.0).status == "ignored"
    finding = happen(duration_ms=500.001)
    assert (finding.status, finding.reopened_figure_us) == ("open", 500_001)


def test_an_ignored_finding_can_be_reopened_by_more_blocked_time_in_an_hour(happen, closed):
    closed("ignored", reopen_when="more", reopen_figure_us=1_000_000)
    tomorrow_s = 24 * 3600.0
    assert happen(after_s=tomorrow_s, duration_ms=600.0).status == "ignored"
    assert happen(after_s=2 * tomorrow_s, duration_ms=600.0).status == "ignored"
    finding = happen(after_s=2 * tomorrow_s, duration_ms=600.0)
    assert (finding.status, finding.reopened_figure_us) == ("open", 1_200_000)


@pytest.mark.parametrize("is_supported", [True, False])
def test_a_finding_knows_the_releases_it_was_first_and_last_seen_in(happen, database, monkeypatch, is_supported):
    monkeypatch.setattr(type(database.features), "supports_update_conflicts", is_supported)
    happen(release="1.4", after_s=0)
    happen(release="1.3", after_s=-30)  # during a deployment both are at work
    happen(release="1.5", after_s=30)
    finding = happen(release="1.4", after_s=10)
    assert (finding.first_release, finding.last_release) == ("1.3", "1.5")
