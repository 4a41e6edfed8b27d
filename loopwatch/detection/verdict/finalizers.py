"""Tells the garbage collector's own time from that of the finalizers and weakref callbacks that it calls.

``gc.callbacks`` enclose both. The collector itself keeps the GIL and runs no Python code, so a sample taken inside one
of its pauses shows a finalizer, or another callback of the collector. Runs on the watchdog's thread.
"""

from collections.abc import Sequence

from loopwatch.detection.cpython.bytecode import is_entry
from loopwatch.detection.cpython.sites import is_collector_callback
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.gc_pauses import Collecting
from loopwatch.detection.sampling.sample import Sample, spans_of


def without_finalizers(collecting: Collecting, samples: Sequence[Sample], started: float, ended: float) -> Collecting:
    """Return the pauses without the time of the samples that show a finalizer."""
    collected = collecting
    for sample, (begin, end) in zip(samples, spans_of(samples, started, ended), strict=True):
        is_inside = any(pause.started < sample.taken_at < pause.ended for pause in collecting.own)
        if is_inside and _shows_finalizer(sample):
            collected = collected.without(begin, end)
    return collected


def _shows_finalizer(sample: Sample) -> bool:
    """Return whether Python code has run before the sample, since the watchdog asked for it.

    The lookout needs no GIL, so what it has seen may be the code that a collection interrupts.
    """
    if not sample.sites or sample.is_seen or is_collector_callback(sample.sites[0].module):
        return False
    # After a long collection, the watchdog gets the GIL as the first finalizer begins.
    begins = is_entry(sample.sites[0].code, sample.sites[0].offset)
    return not begins or sample.gil_wait in (GilWait.NONE, GilWait.INTERVAL, GilWait.PASSED_ON)
