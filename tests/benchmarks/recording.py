"""What recording costs the loop under load, and whether the counts are exact.

``python -m tests.benchmarks.recording`` records stalls for a while into SQLite (1,000 a second), into PostgreSQL and
MariaDB (5,000 a second), servers of its own. Meanwhile a loop in the same process asks to be woken every 2 ms; shown is
how late it was, beside the same without any stall and with stalls that are put but go nowhere, in short rounds that
take turns. ``--exact`` has 8 processes record 50,000 stalls each, of the same 200 findings, and adds up what is stored.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import django
from django.conf import settings

FINDINGS = 200
FRAMES = 40
SAMPLES = 6
WAKE_EVERY_S = 0.002
STALLS_A_SECOND = {"SQLite": 1_000, "PostgreSQL": 5_000, "MariaDB": 5_000}


def set_up(database):
    settings.configure(INSTALLED_APPS=["loopwatch"], DATABASES={"default": database}, USE_TZ=True)
    django.setup()


@contextmanager
def stores():
    """Yields ``DATABASES`` entries by name; a server is there if it is installed."""
    from tests import mariadb, postgresql

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        found = {"SQLite": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder) / "stalls.sqlite3")}}
        for name, module in (("PostgreSQL", postgresql), ("MariaDB", mariadb)):
            if not module.missing():
                server = module.Server(durable=True)
                stack.callback(server.remove)
                server.start()
                found[name] = server.settings
        yield found


def example_calls():
    """One for every finding, with a stack and samples as a real site has them."""
    from loopwatch.detection.calls import StackFrame, StackSample
    from tests.recorder.calls import blocking_call

    for number in range(FINDINGS):
        stack = tuple(
            StackFrame(
                f"/srv/site/shop/part_{depth}.py", f"shop.part_{depth}", f"f{number}", depth, is_in_app=depth > 30
            )
            for depth in range(FRAMES)
        )
        samples = tuple(StackSample(10.0, stack[: FRAMES - each]) for each in range(SAMPLES))
        yield blocking_call(function=f"shop.views.view_{number}", stack=stack, samples=samples, waiting=number % 3)


class Load:
    """Puts stalls into a recorder at a steady rate, on a thread, as the watchdog does."""

    def __init__(self, recorder, stalls_a_second):
        self.put = 0
        self._recorder = recorder
        self._rate = stalls_a_second
        self._examples = list(example_calls())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        begin, put, prefix = time.monotonic(), 0, os.urandom(8).hex()
        while not self._ended.wait(0.005):
            for _ in range(int((time.monotonic() - begin) * self._rate) - put):
                self._recorder.put(replace(self._examples[put % FINDINGS], stall_id=f"{prefix}-{put}"))
                put += 1
        self.put += put


async def lateness_ms(seconds):
    loop, late = asyncio.get_running_loop(), []
    end = loop.time() + seconds
    while (now := loop.time()) < end:
        await asyncio.sleep(WAKE_EVERY_S)
        late.append((loop.time() - now - WAKE_EVERY_S) * 1000)
    return late


def measure(name, rounds, seconds):
    from django.core.management import call_command
    from django.db.models import Sum

    from loopwatch.conf import Configuration
    from loopwatch.models import Finding
    from loopwatch.recorder.recorder import Recorder

    call_command("migrate", verbosity=0)
    stored, nowhere = Recorder(Configuration(sinks=("database",))), Recorder(Configuration(sinks=()))
    late, put, memory_mb = defaultdict(list), 0, []
    stored.start()
    for _ in range(rounds):
        late["no stalls"] += asyncio.run(lateness_ms(seconds))
        with Load(nowhere, STALLS_A_SECOND[name]):
            late["stalls to nowhere"] += asyncio.run(lateness_ms(seconds))
        with Load(stored, STALLS_A_SECOND[name]) as load:
            late[f"stalls to {name}"] += asyncio.run(lateness_ms(seconds))
        put += load.put
        stored.flush(60)
        memory_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    stats = stored.stats()
    stored.stop(60)
    counted, thinned = Finding.objects.aggregate(Sum("events"), Sum("events_thinned")).values()
    print(f"\n{name}, {put / rounds / seconds:.0f} stalls a second; the loop is late by, in ms")
    for what, values in late.items():
        cuts = quantiles(values, n=1000)
        print(f"  {what:22} median {cuts[499]:6.2f}   99 % {cuts[989]:6.2f}   99.9 % {cuts[998]:6.2f}")
    print(f"  put {put}, counted {counted}, of these {thinned} without details; {stats.errors or 'no errors'}")
    writer = stats.writer_cpu_s / rounds / seconds
    print(f"  writer {writer:.0%} of a core; memory {memory_mb[0]:.0f} to {memory_mb[-1]:.0f} MB")
    return put == counted


def write(process, stalls):
    """What one of several processes does."""
    from loopwatch.conf import Configuration
    from loopwatch.recorder.recorder import Recorder

    recorder = Recorder(Configuration(sinks=("database",)))
    recorder.start()
    examples = list(example_calls())
    for number in range(stalls):
        finding = (number + process * FINDINGS // 8) % FINDINGS
        recorder.put(replace(examples[finding], stall_id=f"{process}-{number}"))
    written = recorder.stop(600)
    if recorder.stats().errors:
        print(f"  process {process} had to try again: {recorder.stats().last_error}")
    return written


def exact(name, database, stalls):
    from django.core.management import call_command
    from django.db.models import Count, F, Sum

    from loopwatch.models import BlockingEvent, Finding, HourlyTotal

    call_command("migrate", verbosity=0)
    begin = time.monotonic()
    command = [sys.executable, "-m", __spec__.name, "--stalls", str(stalls), "--database", json.dumps(database)]
    writers = [subprocess.Popen([*command, "--process", str(number)]) for number in range(8)]
    failed = [writer.args[-1] for writer in writers if writer.wait(1200)]
    wrong = [finding.pk for finding in Finding.objects.all() if finding.events != 8 * stalls // FINDINGS]
    details = Finding.objects.annotate(kept=Count("blocking_events")).exclude(events=F("events_thinned") + F("kept"))
    hours = HourlyTotal.objects.aggregate(Sum("events"), Sum("under_150ms"))
    print(
        f"\n{name}: 8 processes recorded {8 * stalls} stalls of {FINDINGS} findings in {time.monotonic() - begin:.0f} s"
    )
    print(f"  processes that failed: {failed or 'none'}; findings with a wrong count: {wrong or 'none'}")
    print(f"  findings {Finding.objects.count()}, hours {hours}, events {BlockingEvent.objects.count()}")
    return not (failed or wrong or details.exists()) and set(hours.values()) == {8 * stalls}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--stalls", type=int, default=50_000)
    parser.add_argument("--only", help="the name of one database")
    for internal in ("--store", "--database", "--process"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.database:
        set_up(json.loads(given.database))
        if given.process:
            return 0 if write(int(given.process), given.stalls) else 1
        if given.exact:
            return 0 if exact(given.store, json.loads(given.database), given.stalls) else 1
        return 0 if measure(given.store, given.rounds, given.seconds) else 1
    print(f"Python {platform.python_version()}, Django {django.__version__}")
    with stores() as databases:
        for name, database in databases.items():
            if given.only not in {None, name}:
                continue
            command = [sys.executable, "-m", __spec__.name, *sys.argv[1:], "--store", name]
            if subprocess.run([*command, "--database", json.dumps(database)], check=False).returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
