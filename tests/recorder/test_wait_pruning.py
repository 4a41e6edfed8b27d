"""Counts of thread waits are deleted when their hour has ended long enough ago."""

from datetime import timedelta

import pytest
from django.test.utils import CaptureQueriesContext

from loopwatch.models import ThreadWaitTotal
from loopwatch.recorder.wait_pruning import prune_oldest_waits, prune_waits, waits_before
from loopwatch.stored_time import as_stored
from tests.databases import on_postgresql, on_sqlite
from tests.stored import NOON, stored_wait

pytestmark = pytest.mark.usefixtures("database")


def stored(*hours):
    """Store two counts of each of these hours, which are numbered from noon."""
    for hour in hours:
        for held_by in ("views.save", "views.load"):
            stored_wait(held_by, 100, hour=as_stored(NOON + timedelta(hours=hour)), release=f"{hour}")


def left():
    return sorted(int(release) for release in set(ThreadWaitTotal.objects.values_list("release", flat=True)))


def deleted_by(oldest, database):
    return sum(prune_waits(database.alias, as_stored(oldest)))


def test_only_hours_that_have_ended_are_deleted(database):
    stored(-1, 0, 1)
    assert deleted_by(NOON + timedelta(minutes=59), database) == 2
    assert left() == [0, 1]
    assert deleted_by(NOON + timedelta(hours=1), database) == 2
    assert left() == [1]


@on_sqlite
def test_hours_are_those_of_utc_in_a_time_zone_of_half_an_hour(database, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
    stored(-1, 0, 1)
    assert deleted_by(NOON + timedelta(minutes=59), database) == 2
    assert left() == [0, 1]
    assert deleted_by(NOON + timedelta(hours=1), database) == 2


def test_thread_waits_are_deleted_in_batches_the_oldest_first(database):
    stored(3, 1, 2)
    oldest = NOON + timedelta(hours=5)
    assert waits_before(database.alias, oldest).count() == 6
    batches = prune_waits(database.alias, oldest, batch_size=4)
    assert next(batches) == 4
    assert left() == [3]
    assert list(batches) == [2]


def test_one_batch_of_thread_waits_is_deleted_at_a_time(database):
    stored(1, 2)
    oldest = NOON + timedelta(hours=5)
    assert [prune_oldest_waits(database.alias, oldest, 3) for _ in range(3)] == [3, 1, 0]


def test_without_a_limit_no_thread_waits_are_deleted(database):
    stored(1)
    assert waits_before(database.alias, None).count() == 0
    assert list(prune_waits(database.alias, None)) == []
    assert left() == [1]


def statements_of_a_batch(database):
    stored(1)
    with CaptureQueriesContext(database) as queries:
        prune_oldest_waits(database.alias, NOON + timedelta(hours=5), 10)
    statements = [each["sql"] for each in queries]
    return statements[statements.index("BEGIN") + 1 :]


@on_sqlite
def test_deleting_thread_waits_begins_with_a_write_so_that_other_writers_cannot_make_it_fail(database):
    assert statements_of_a_batch(database)[0].startswith("DELETE")


@on_postgresql
def test_deleting_thread_waits_locks_them_in_the_writers_order_so_that_there_is_no_deadlock(database):
    first = statements_of_a_batch(database)[0]
    assert first.endswith('ORDER BY "loopwatch_threadwaittotal"."fingerprint" ASC FOR UPDATE')
