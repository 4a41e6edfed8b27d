"""How long others wait while a large store is pruned.

``python -m tests.benchmarks.pruning --rows 1000000 [--postgres]`` builds a store and deletes all its events, while a
thread does what the recorder does: every 50 ms it adds to a finding and inserts an event. Printed is how long that
took, before and meanwhile, and how quickly the events went.
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import django
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from tests.benchmarks import store


@contextmanager
def writing() -> Iterator[list[float]]:
    """The seconds that each write took."""
    seconds: list[float] = []
    done = threading.Event()
    thread = threading.Thread(target=write, args=(seconds, done))
    thread.start()
    try:
        yield seconds
    finally:
        done.set()
        thread.join()


def write(seconds: list[float], done: threading.Event) -> None:
    from loopwatch.models import BlockingEvent, Finding

    columns = {"started_at": store.NOW + timedelta(days=1), "duration_us": 1, "step_us": 1}
    while not done.wait(0.05):
        begin = time.perf_counter()
        number = len(seconds)
        with transaction.atomic():
            Finding.objects.filter(pk=number % 50 + 1).update(events=F("events") + 1)
            BlockingEvent.objects.create(finding_id=number % 50 + 1, stall_id=f"{begin} {number}"[:32], **columns)
        seconds.append(time.perf_counter() - begin)
    connection.close()


def show(when: str, seconds: list[float]) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"  a write {when}: median {cuts[49] * 1000:.1f} ms, 99th percentile {cuts[98] * 1000:.1f} ms, "
        f"longest {max(seconds) * 1000:.1f} ms, of {len(seconds)}"
    )


def run(rows: int, batch_size: int | None) -> None:
    from loopwatch.models import BlockingEvent
    from loopwatch.recorder.pruning import BATCH_SIZE, Limits, prune

    store.build(rows)
    size = batch_size or BATCH_SIZE
    print(f"{connection.vendor}, {rows:,} events, batches of {size}", flush=True)
    with writing() as before:
        time.sleep(5)
    show("before", before)
    begin = time.perf_counter()
    with writing() as meanwhile:
        deleted = sum(prune("default", Limits(oldest=store.NOW + timedelta(hours=1)), size))
    took_s = time.perf_counter() - begin
    show("meanwhile", meanwhile)
    print(f"  {deleted:,} events deleted in {took_s:.0f} s, {deleted / took_s:,.0f} a second")
    assert BlockingEvent.objects.count() == len(before) + len(meanwhile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    with store.database(postgresql=arguments.postgres):
        django.setup()
        call_command("migrate", verbosity=0)
        run(arguments.rows, arguments.batch_size)


if __name__ == "__main__":
    sys.exit(main())
