"""What many processes of a site cost the one database that they record in.

``python -m tests.benchmarks.fleet`` starts a PostgreSQL server, and for each of several numbers of processes as many
recorders in two processes. Each gets stalls at random moments, one a second on average, of the same popular findings
and routes, and writes them with the real statements. Shown is the CPU time of the server, where statements waited for
rows, and how late totals were. ``--kept`` keeps connections open between flushes (``CONN_MAX_AGE``), and ``--unpaced``
has every recorder write once a second, however many there are.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from tests.benchmarks.recording import set_up

WORKERS = 2
FINDINGS = 50
ROUTES = 20
WARM_UP_S = 20.0
"""After that, every recorder knows how many there are."""
WAITING = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def work(recorders, seconds, stalls_a_second, *, is_unpaced):
    """Record as so many processes would; return how long each stall waited, and what was counted."""
    from loopwatch.conf import Configuration
    from loopwatch.recorder import flush_pace
    from loopwatch.recorder.recorder import Recorder

    if is_unpaced:
        flush_pace.FLUSHES_A_SECOND = math.inf
    fleet = [Recorder(Configuration(sinks=("database",))) for _ in range(recorders)]
    late_s, flushes = [], Counter()
    ended = threading.Event()
    for recorder in fleet:
        count_flushes(recorder, flushes, late_s)
        recorder.start()
    load = threading.Thread(target=put_stalls, args=(fleet, stalls_a_second, ended))
    load.start()
    time.sleep(WARM_UP_S)
    late_s.clear(), flushes.clear()
    time.sleep(seconds)
    ended.set()
    load.join()
    measured = late_s.copy(), flushes["writes"]
    unwritten = [recorder for recorder in fleet if not recorder.stop(60)]
    stats = [recorder.stats() for recorder in fleet]
    errors = sum((Counter(each.errors) for each in stats), Counter())
    return {
        "late_s": measured[0],
        "flushes": measured[1],
        "seen": sum(each.seen for each in stats),
        "stored": sum(each.stored for each in stats),
        "errors": errors | ({"unwritten": len(unwritten)} if unwritten else {}),
    }


def store_findings():
    """Store each finding once, because a process writes at once what is new."""
    from loopwatch.conf import Configuration
    from loopwatch.recorder.recorder import Recorder
    from tests.recorder.calls import blocking_call

    recorder = Recorder(Configuration(sinks=("database",)))
    for number in range(FINDINGS):
        recorder.put(blocking_call(**example(number), started_at=datetime.now(UTC)))
    recorder.start()
    assert recorder.stop(60)


def count_flushes(recorder, flushes, late_s):
    """Note when a recorder's stalls were put, and count and time its writes."""
    put, write = recorder.put, recorder._writer.write
    waiting = []

    def noted_put(call):
        waiting.append(time.monotonic())
        put(call)

    def counted_write(*, at_once):
        taken = len(waiting)
        retry_s = write(at_once=at_once)
        flushes["writes"] += 1
        if retry_s is None:
            late_s.extend(time.monotonic() - each for each in waiting[:taken])
            del waiting[:taken]
        return retry_s

    recorder.put, recorder._writer.write = noted_put, counted_write


def put_stalls(fleet, stalls_a_second, ended):
    from tests.recorder.calls import blocking_call

    chance = random.Random(os.getpid())
    examples = [example(number) for number in range(FINDINGS)]
    popular = [1 / (number + 1) for number in range(FINDINGS)]
    while not ended.wait(chance.expovariate(len(fleet) * stalls_a_second)):
        (values,) = chance.choices(examples, popular)
        chance.choice(fleet).put(blocking_call(**values, started_at=datetime.now(UTC)))


def example(number):
    from loopwatch.detection.calls import Request, StackFrame, StackSample

    stack = tuple(StackFrame(f"/srv/site/shop/{each}.py", f"shop.{each}", f"f{number}", each) for each in range(40))
    requests = [Request("http", "GET", f"route/{each % ROUTES}/") for each in range(number, number + 5)]
    return {
        "function": f"shop.views.view_{number}",
        "request": requests[0],
        "waiting": 4,
        "delayed": tuple(requests[1:]),
        "stack": stack,
        "samples": tuple(StackSample(10.0, stack[: 40 - each]) for each in range(6)),
    }


@contextmanager
def server(processes, kept):
    """Yield ``DATABASES["default"]``, and the folder of the server."""
    from tests import postgresql

    made = postgresql.Server(durable=True)
    made._flags = ("-c", f"max_connections={processes + 20}")
    try:
        made.start()
        yield made.settings | {"CONN_MAX_AGE": None if kept else 0}, made.folder
    finally:
        made.remove()


def cpu_s(folder, without):
    """The CPU time that the server has used, with that of connections that are closed, but not that of one process."""
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    used = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(path.parent.name) == postmaster:
            used += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster and int(path.parent.name) != without:
            used += sum(map(int, fields[11:13]))
    return used / TICKS_A_SECOND


@contextmanager
def watching(settings):
    """Count by statement how often one waits for a row. Yields the counts, and the server's process that looks."""
    import psycopg

    waits, ended = Counter(), threading.Event()
    with psycopg.connect(host=settings["HOST"], user=settings["USER"], dbname="postgres", autocommit=True) as looking:
        watcher = threading.Thread(target=look, args=(looking, ended, waits))
        watcher.start()
        try:
            yield waits, looking.info.backend_pid
        finally:
            ended.set()
            watcher.join()


def look(connection, ended, waits):
    while not ended.wait(0.1):
        waits["looks"] += 1
        for (query,) in connection.execute(WAITING).fetchall():
            waits[" ".join(query.split()[:3]).replace('"', "")] += 1


def measure(processes, options):
    command = [sys.executable, "-m", __spec__.name, "--seconds", str(options.seconds)]
    command += ["--stalls-a-second", str(options.stalls_a_second), "--recorders", str(processes // WORKERS)]
    command += ["--unpaced"] if options.unpaced else []
    with server(processes, options.kept) as (settings, folder):
        environment = os.environ | {"FLEET_DATABASE": json.dumps(settings)}
        subprocess.run([*command, "--migrate"], env=environment, check=True)
        with watching(settings) as (waits, own):
            workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(WORKERS)]
            time.sleep(WARM_UP_S + 2)  # the workers import Django first
            waits.clear()
            begin, before_s = time.monotonic(), cpu_s(folder, own)
            time.sleep(options.seconds - 2)
            load = (cpu_s(folder, own) - before_s) / (time.monotonic() - begin)
        found = [json.loads(worker.communicate()[0]) for worker in workers]
    show(processes, options.seconds, load, found, waits)


def show(processes, seconds, load, found, waits):
    rate = sum(each["flushes"] for each in found) / seconds
    late = sorted(late for each in found for late in each["late_s"])
    looks = waits.pop("looks")
    seen, stored = (sum(each[name] for each in found) for name in ("seen", "stored"))
    errors = sum((Counter(each["errors"]) for each in found), Counter())
    cuts = quantiles(late, n=100) if len(late) > 1 else [0.0] * 99
    print(f"\n{processes} processes: {rate:.1f} flushes a second")
    print(f"  the server: {load / rate * 1000:.1f} ms of CPU a flush, {load:.1%} of a core")
    late_s = f"{cuts[49]:.1f} s (median), {cuts[98]:.1f} s (99 %), {max(late, default=0):.1f} s at most"
    print(f"  totals were late by {late_s}")
    waiting = ", ".join(f"{query} {number / looks:.3f}" for query, number in waits.most_common(4))
    print(f"  statements that waited for a row, on average: {waiting or 'none'}")
    print(f"  {seen} stalls, {stored} stored; {dict(errors) or 'no errors'}", flush=True)
    assert seen == stored


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--stalls-a-second", type=float, default=1.0)
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--unpaced", action="store_true")
    parser.add_argument("--recorders", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--migrate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.recorders is None:
        for processes in options.processes:
            measure(processes, options)
        return
    set_up(json.loads(os.environ["FLEET_DATABASE"]))
    if options.migrate:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        store_findings()
    else:
        found = work(options.recorders, options.seconds, options.stalls_a_second, is_unpaced=options.unpaced)
        print(json.dumps(found))


if __name__ == "__main__":
    main()
