"""Several processes, and processes that fork, write to one database."""

import json
import os
import sys
import textwrap
from contextlib import ExitStack
from subprocess import PIPE

import pytest

from loopwatch.models import BlockingEvent, Finding, RouteTotal
from tests.support.children import Child

pytestmark = pytest.mark.usefixtures("database")

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")

PROCESSES, FINDINGS, STORED_PER_FINDING = 4, 100, 5
STALLS_A_PROCESS = int(os.environ.get("LOOPWATCH_TESTS_STALLS", "200"))

PROLOGUE = """
import json, os, sys, threading
from dataclasses import replace
from django.conf import settings
database = json.loads(sys.argv[1])
settings.configure(INSTALLED_APPS=["loopwatch"], DATABASES={"default": database}, USE_TZ=True)
import django
django.setup()
from loopwatch.conf import Configuration
from loopwatch.detection.calls import Request
from loopwatch.recorder.recorder import Recorder
from tests.recorder.calls import blocking_call
recorder = Recorder(Configuration(sinks=("database",), flush_interval_s=0.05, events_per_finding=5))
recorder.start()
"""


@pytest.fixture
def run(database):
    """Runs a script in a separate process, with a recorder that writes to ``database``."""
    keys = ("ENGINE", "NAME", "USER", "HOST")
    settings = json.dumps({key: str(database.settings_dict[key]) for key in keys} | {"CONN_MAX_AGE": None})

    with ExitStack() as children:

        def run(script, *arguments, **pipes):
            command = [sys.executable, "-c", PROLOGUE + textwrap.dedent(script), settings, *arguments]
            return children.enter_context(Child(command, stderr=PIPE, **pipes))

        yield run


def succeed(*processes):
    for process in processes:
        _, errors = process.communicate(timeout=240 + STALLS_A_PROCESS / 50)
        assert process.returncode == 0, errors


def test_counts_are_exact_when_several_processes_write_at_once(run):
    writers = [
        run(
            """
            process, processes, stalls, findings = map(int, sys.argv[2:])
            for number in range(stalls):
                # Each begins elsewhere, so that they insert and update the same findings in every order.
                view = (number + process * findings // processes) % findings
                stall_id = f"{process}-{number}"
                call = blocking_call(stall_id=stall_id, function=f"views.view_{view}", minute=number / 20)
                waiting = tuple(Request("http", "GET", f"{each}/") for each in (number % 7, process))
                recorder.put(replace(call, waiting=2, delayed=waiting))
                if number % findings == 0:
                    recorder.flush(60)
            assert recorder.stop(240), recorder.stats()
            assert recorder.stats().stored == stalls, recorder.stats()
            """,
            number,
            PROCESSES,
            STALLS_A_PROCESS,
            FINDINGS,
        )
        for number in range(PROCESSES)
    ]
    succeed(*writers)
    expected = PROCESSES * STALLS_A_PROCESS // FINDINGS
    assert expected > STORED_PER_FINDING
    assert Finding.objects.count() == FINDINGS
    for finding in Finding.objects.all():
        assert (finding.events, finding.blocked_us) == (expected, expected * 100_000)
        assert finding.events_thinned + finding.blocking_events.count() == expected
        assert finding.blocking_events.count() <= STORED_PER_FINDING
        hours = list(finding.hourly_totals.values_list("hour", "events", "under_150ms"))
        assert len(hours) == len({hour for hour, _, _ in hours})
        assert sum(events for _, events, _ in hours) == sum(counted for _, _, counted in hours) == expected
    stalls = PROCESSES * STALLS_A_PROCESS
    for hours in (1, 24):
        routes = list(RouteTotal.objects.filter(hours=hours).values_list("events", "waits", "waited_us"))
        assert [sum(column) for column in zip(*routes, strict=True)] == [stalls, 2 * stalls, 200_000 * stalls]


def test_one_of_several_processes_tells_of_a_finding_that_all_store_at_once(run):
    findings = 50
    writers = [
        run(
            """
            from loopwatch import finding_changed
            told = []
            finding_changed.connect(lambda change, **_: told.append((change.kind, change.function)), weak=False)
            recorder.stop(60)
            alarming = dict(sinks=("database", "signal"), alarm_ms=500.0, flush_interval_s=0.05)
            recorder = Recorder(Configuration(**alarming))
            recorder.start()
            print("ready", flush=True)
            for duration_ms in (100.0, 900.0):
                sys.stdin.readline()
                for view in range(int(sys.argv[2])):
                    recorder.put(blocking_call(function=f"views.view_{view}", duration_ms=duration_ms))
                assert recorder.flush(120)
                print(json.dumps(told), flush=True)
                told.clear()
            assert recorder.stats().pending == 0, recorder.stats()
            """,
            findings,
            stdin=PIPE,
            stdout=PIPE,
        )
        for _ in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for expected in ("new", "longer"):
        for writer in writers:
            print(file=writer.stdin, flush=True)
        told = [each for writer in writers for each in json.loads(writer.stdout.readline())]
        assert sorted(told) == sorted([expected, f"views.view_{view}"] for view in range(findings))
    succeed(*writers)


@forks
def test_a_forked_child_writes_its_own_calls_and_nothing_twice(run):
    process = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        recorder.stop(60)
        recorder.put(blocking_call(stall_id="parent, before", function="views.parent"))
        recorder._is_started = True  # pending, with no writer to race with the fork
        recorder._buffer.open()
        with recorder._buffer.changed:  # the child must not inherit a lock that nobody will release
            child = os.fork()
        if child == 0:
            recorder.put(blocking_call(stall_id="child", function="views.child"))
            ok = recorder.flush(60)
            stats = recorder.stats()
            os._exit(0 if ok and (stats.seen, stats.stored) == (1, 1) else 1)
        recorder.put(blocking_call(stall_id="parent, after", function="views.parent"))
        ok = recorder.stop(60)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or not ok)
        """
    )
    succeed(process)
    assert dict(Finding.objects.values_list("function", "events")) == {"views.parent": 2, "views.child": 1}
    assert BlockingEvent.objects.count() == 3


@forks
def test_a_forked_child_redacts_its_own_calls_and_delivers_them_to_every_sink(run):
    process = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        called = []
        recorder = Recorder(Configuration(sinks=(), on_blocking_call=called.append, redact=lambda call: call))
        recorder.start()
        recorder.put(blocking_call(stall_id="parent"))
        assert recorder.flush(60)
        child = os.fork()
        if child == 0:
            recorder.put(blocking_call(stall_id="child"))
            ok = recorder.flush(60)
            os._exit(not ok or [call.stall_id for call in called] != ["parent", "child"])
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    succeed(process)


@forks
def test_a_fork_leaves_the_parent_its_connection(run):
    process = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        recorder.put(blocking_call(function="views.parent"))
        assert recorder.flush(60)
        child = os.fork()
        if child == 0:
            recorder.put(blocking_call(stall_id="child", function="views.child"))
            os._exit(not recorder.stop(30))
        assert os.waitpid(child, 0)[1] == 0
        recorder.put(blocking_call(function="views.parent"))
        assert recorder.stop(60)
        assert recorder.stats().errors == {}, recorder.stats()
        """
    )
    succeed(process)
    assert dict(Finding.objects.values_list("function", "events")) == {"views.parent": 2, "views.child": 1}


def test_an_ongoing_stall_survives_a_kill_a_moment_later(run):
    process = run(
        """
        import signal
        recorder.put(blocking_call(stall_id="hung", ongoing=True))
        recorder._buffer.wait_settled(1, 60)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    process.communicate(timeout=60)
    assert BlockingEvent.objects.get().ongoing
