"""What the database refuses is lost alone: everything beside and behind it is stored."""

import pytest

from loopwatch.detection.calls import Request, StackFrame
from loopwatch.models import BlockingEvent, Finding, HourlyTotal, RouteTotal, ThreadWaitTotal
from loopwatch.recorder import division, outage
from tests.databases import on_mariadb, on_servers
from tests.recorder.calls import blocking_call, thread_wait
from tests.support.waiting import wait_until

ROCKET = "🚀"
REFUSING = {
    "mysql": (
        """CREATE TRIGGER refuse BEFORE INSERT ON loopwatch_finding FOR EACH ROW IF NEW.function LIKE 'bad.%' THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1644, MESSAGE_TEXT = 'not this one'; END IF""",
        "DROP TRIGGER refuse",
    ),
    "postgresql": (
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.function LIKE 'bad.%' THEN
        RAISE 'not this one'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON loopwatch_finding FOR EACH ROW EXECUTE FUNCTION refuse()""",
        "DROP FUNCTION refuse CASCADE",
    ),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(outage, "LONGEST_RETRY_S", 0.05)


@pytest.fixture
def latin1(database):
    """Converts columns to a charset with few characters, as one would that converts all tables of a site."""
    converted = []

    def convert(model, *columns):
        for column in columns:
            field = model._meta.get_field(column)
            converted.append((model._meta.db_table, f"{column} varchar({field.max_length})"))
            execute("ALTER TABLE {} MODIFY {} CHARACTER SET latin1 NOT NULL".format(*converted[-1]))

    def execute(statement):
        with database.cursor() as cursor:
            cursor.execute(statement)

    yield convert
    for table, column in converted:
        execute(f"ALTER TABLE {table} MODIFY {column} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL")


@pytest.fixture
def refusing(database):
    """Makes the database refuse findings of bad functions, with an error that loopwatch does not know."""
    begin, end = REFUSING[database.vendor]
    with database.cursor() as cursor:
        cursor.execute(begin)
        yield
        cursor.execute(end)


@on_mariadb
def test_a_character_that_a_column_lacks_loses_that_finding_alone(recorder_of, latin1, caplog):
    latin1(Finding, "source")
    recorder = recorder_of()
    for number in range(25):
        source = f'send("{ROCKET}")' if number == 13 else "send()"
        recorder.put(blocking_call(function=f"views.view_{number}", source=source))
    recorder.put_wait(thread_wait())
    assert recorder.flush(60)
    assert Finding.objects.count() == HourlyTotal.objects.count() == BlockingEvent.objects.count() == 24
    assert not Finding.objects.filter(function="views.view_13").exists()
    assert ThreadWaitTotal.objects.get().waits == 1
    stats = recorder.stats()
    assert (stats.seen, stats.stored, stats.dropped, stats.pending) == (25, 24, 1, 0)
    assert stats.errors == {"database": 1}
    (record,) = caplog.records
    assert "Convert loopwatch's tables to the charset utf8mb4" in record.getMessage()


@on_mariadb
def test_a_character_that_a_column_lacks_loses_that_route_alone(recorder_of, latin1):
    latin1(RouteTotal, "route")
    recorder = recorder_of()
    for number in range(9):
        recorder.put(blocking_call(request=Request("http", "GET", ROCKET if number == 4 else f"{number}/")))
    assert recorder.flush(60)
    assert RouteTotal.objects.filter(hours=1).count() == 8
    assert Finding.objects.get().events == 9


@on_mariadb
def test_a_character_that_a_column_lacks_loses_the_waits_for_that_call_alone(recorder_of, latin1):
    latin1(ThreadWaitTotal, "held_by")
    recorder = recorder_of()
    for number in range(9):
        recorder.put_wait(thread_wait(held_by=ROCKET if number == 4 else f"views.view_{number}"))
    assert recorder.flush(60)
    assert ThreadWaitTotal.objects.count() == 8
    assert recorder.stats().errors == {"database": 1}


@on_mariadb
def test_an_event_that_the_server_finds_too_large_is_counted(recorder_of, database, database_server):
    database_server.execute("SET GLOBAL max_allowed_packet = 65536")
    try:
        recorder = recorder_of()
        for name in ("small", "large", "other"):
            depth = 300 if name == "large" else 1
            stack = tuple(StackFrame("f" * 200, "m" * 200, f"{name}_{line}", line) for line in range(depth))
            recorder.put(blocking_call(function=f"views.{name}", stack=stack))
        assert recorder.flush(60)
    finally:
        database_server.execute("SET GLOBAL max_allowed_packet = DEFAULT")
    counts = Finding.objects.values_list("function", "events", "events_thinned")
    assert sorted(counts) == [("views.large", 1, 1), ("views.other", 1, 0), ("views.small", 1, 0)]
    assert recorder.stats().dropped == 0


@on_servers
def test_a_finding_that_fails_for_an_unknown_reason_is_given_up_after_some_attempts(recorder_of, refusing, caplog):
    recorder = recorder_of()
    recorder.put(blocking_call(function="bad.view"))
    for number in range(division.ATTEMPTS):
        assert recorder.stats().dropped == 0
        recorder.put(blocking_call(function=f"views.view_{number}"))
        recorder.put_wait(thread_wait(held_by=f"views.view_{number}"))
        recorder.flush(0)
        wait_until(lambda known=number: ThreadWaitTotal.objects.count() > known)
    assert recorder.flush(60)
    assert Finding.objects.count() == division.ATTEMPTS
    stats = recorder.stats()
    assert (stats.stored, stats.dropped, stats.pending) == (division.ATTEMPTS, 1, 0)
    assert "not this one" in caplog.text
    assert "Check that it is running" not in caplog.text


@on_servers
def test_while_every_finding_is_refused_for_an_unknown_reason_none_is_given_up(recorder_of, refusing):
    recorder = recorder_of()
    for number in range(3):
        recorder.put(blocking_call(function=f"bad.view_{number}"))
    recorder.flush(0)
    wait_until(lambda: recorder.stats().errors.get("database", 0) > division.ATTEMPTS)
    stats = recorder.stats()
    assert (stats.stored, stats.dropped, stats.pending) == (0, 0, 3)
