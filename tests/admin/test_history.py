from datetime import timedelta

import pytest

from loopwatch.admin.history import history_of
from tests.stored import NOON, stored_finding, stored_hour

pytestmark = pytest.mark.django_db


def history(finding):
    return history_of(finding.hourly_totals.all())


def test_the_distribution_shows_the_buckets_between_the_first_and_the_last_that_has_events():
    finding = stored_finding()
    stored_hour(finding, 60, 61, 62)
    stored_hour(finding, 300, route="other/")
    buckets = history(finding).distribution.buckets
    assert [(bucket.label, bucket.events, bucket.percent, bucket.bar) for bucket in buckets] == [
        ("50 ms – 75 ms", 3, 75, 100),
        ("75 ms – 100 ms", 0, 0, 0),
        ("100 ms – 150 ms", 0, 0, 0),
        ("150 ms – 250 ms", 0, 0, 0),
        ("250 ms – 500 ms", 1, 25, 33),
    ]


def test_the_outermost_buckets_have_one_bound():
    finding = stored_finding()
    stored_hour(finding, 1, 60_000)
    buckets = history(finding).distribution.buckets
    assert (buckets[0].label, buckets[-1].label) == ("< 2.0 ms", "≥ 30 s")


def test_the_smallest_bucket_is_visible_beside_large_ones():
    finding = stored_finding()
    stored_hour(finding, *[60] * 999, 90)
    assert [bucket.bar for bucket in history(finding).distribution.buckets] == [100, 1]


def test_percentiles_never_exceed_the_longest():
    finding = stored_finding()
    stored_hour(finding, *[60] * 90, *[80] * 10)
    distribution = history(finding).distribution
    assert 50 <= distribution.p50_ms <= 75 <= distribution.p95_ms <= distribution.p99_ms <= 80


@pytest.mark.parametrize(
    ("durations_ms", "percentiles_ms"),
    [
        ([300], (300, 300, 300)),
        ([301] * 4, (301, 301, 301)),
        ([260, 480], (260, 480, 480)),
        ([120, 301, 302, 303], (270, 303, 303)),  # with 270 ms, the first may have been any from 100 to 150 ms
        ([251, 252, 253, 499], (253, 499, 499)),
        ([60, 61, 62] + [301] * 47, (299.1, 300.1, 301)),
    ],
)
def test_percentiles_do_not_contradict_the_sum_and_the_longest(durations_ms, percentiles_ms):
    finding = stored_finding()
    stored_hour(finding, *durations_ms)
    found = history(finding).distribution
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == pytest.approx(percentiles_ms, abs=0.1)


def test_a_stall_that_goes_on_moves_no_percentile():
    finding = stored_finding()
    stored_hour(finding, *[60] * 10)
    before = history(finding).distribution.p50_ms
    stored_hour(finding, 30_000, route="slow/", over_30000ms=0)
    assert history(finding).distribution.p50_ms <= before * 1.2


def test_releases_come_latest_first_with_their_own_figures():
    finding = stored_finding()
    stored_hour(finding, 60, release="1.0", hour=NOON)
    stored_hour(finding, 80, 90, release="1.0", hour=NOON + timedelta(hours=2))
    stored_hour(finding, 700, release="1.1", hour=NOON + timedelta(hours=3))
    new, old = history(finding).releases
    assert (new.name, new.events, new.blocked_ms, new.first) == ("1.1", 1, 700, NOON + timedelta(hours=3))
    assert (old.name, old.events, old.longest_ms) == ("1.0", 3, 90)
    assert (old.first, old.last) == (NOON, NOON + timedelta(hours=2))
    assert old.p95_ms < 100 < new.p95_ms


def test_a_release_whose_only_stall_is_ongoing_has_no_percentiles():
    finding = stored_finding()
    stored_hour(finding, 5_000, under_10000ms=0)
    found = history(finding)
    assert ([release.p95_ms for release in found.releases], found.distribution.buckets) == ([None], [])


def test_releases_beyond_the_limit_are_counted():
    finding = stored_finding()
    for number in range(33):
        stored_hour(finding, 60, release=f"1.{number}", hour=NOON + timedelta(hours=number))
    found = history(finding)
    assert (len(found.releases), found.releases_left_out) == (30, 3)
    assert sum(bucket.events for bucket in found.distribution.buckets) == 33


def test_a_finding_without_hourly_totals_has_no_durations_and_no_releases(django_assert_num_queries):
    finding = stored_finding()
    with django_assert_num_queries(1):
        found = history(finding)
    assert (found.releases, found.distribution.buckets, found.distribution.p95_ms) == ([], [], 0)
