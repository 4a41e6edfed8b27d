"""Several processes, and a process that forks, over one database file."""

import os
import subprocess
import sys
import textwrap

import pytest
from django.db import connection

from loopwatch.models import BlockingEvent, Finding, HourlyTotal

pytestmark = pytest.mark.django_db(transaction=True)

PROLOGUE = """
import os, sys, threading
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from loopwatch.conf import Configuration
from loopwatch.recording.recorder import Recorder
from tests.recording.calls import blocking_call
recorder = Recorder(Configuration(sinks=("database",), flush_interval_s=0.05, events_per_finding=10))
recorder.start()
"""


def run(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + textwrap.dedent(script), connection.settings_dict["NAME"], *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(*processes):
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_counts_are_exact_when_several_processes_write_at_once():
    writers = [
        run(
            """
            for number in range(160):
                stall_id = f"{sys.argv[2]}-{number}"
                recorder.put(blocking_call(stall_id=stall_id, function=f"views.view_{number % 4}", minute=number))
                if number % 20 == 0:
                    recorder.flush(60)
            sys.exit(not recorder.stop(100))
            """,
            str(number),
        )
        for number in range(8)
    ]
    succeed(*writers)
    assert Finding.objects.count() == 4
    for finding in Finding.objects.all():
        assert (finding.events, finding.blocked_us) == (320, 320 * 100_000)
        assert finding.blocking_events.count() == 10
        assert finding.events_thinned == 310
        assert sum(finding.hourly_totals.values_list("events", flat=True)) == 320
    assert sum(HourlyTotal.objects.values_list("under_150ms", flat=True)) == 1280


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_forked_child_writes_its_own_calls_and_nothing_twice():
    process = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        recorder.stop(10)
        recorder.put(blocking_call(stall_id="parent, before", function="views.parent"))
        recorder._running = True  # pending, with no writer to race with the fork
        with recorder._changed:  # the child must not inherit a lock that nobody will release
            child = os.fork()
        if child == 0:
            recorder.put(blocking_call(stall_id="child", function="views.child"))
            ok = recorder.flush(30)
            stats = recorder.stats()
            os._exit(0 if ok and (stats.seen, stats.stored) == (1, 1) else 1)
        recorder.put(blocking_call(stall_id="parent, after", function="views.parent"))
        ok = recorder.stop(30)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or not ok)
        """
    )
    succeed(process)
    assert dict(Finding.objects.values_list("function", "events")) == {"views.parent": 2, "views.child": 1}
    assert BlockingEvent.objects.count() == 3


def test_an_ongoing_stall_survives_a_kill_a_moment_later():
    process = run(
        """
        import signal
        recorder.put(blocking_call(stall_id="hung", ongoing=True))
        recorder._changed.acquire()
        recorder._changed.wait_for(lambda: recorder._puts_settled == 1, 30)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    process.communicate(timeout=60)
    assert BlockingEvent.objects.get().ongoing
