"""The time of a finalizer that the garbage collector calls is not the collector's."""

import pytest

from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.finalizers import without_finalizers
from tests.detection import shop
from tests.detection.builders import ENTRY, collected, sample, site

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
BEGINS = site(shop.checkout, ENTRY)
NOTES = site(shop.checkout, ENTRY, module="loopwatch.detection.sampling.gc_pauses")


def collected_s(*samples, pause=(0.0, 1.0)):
    return without_finalizers(collected(pause), samples, 0.0, 2.0).own_s(0.0, 2.0)


def test_a_sample_inside_a_collection_shows_a_finalizer():
    assert collected_s(sample(0.25, stack=[SLEEPS]), sample(0.75, stack=[SLEEPS])) == 0.0


def test_only_the_time_of_the_samples_that_show_a_finalizer_is_taken_out():
    after_collector = sample(0.5, stack=[BEGINS], gil=GilWait.LONG, requested_at=0.125)
    assert collected_s(after_collector, sample(0.75, stack=[SLEEPS]), sample(1.25, stack=[SLEEPS])) == 0.625


def test_a_collection_goes_on_after_a_finalizer():
    finalizer = sample(0.25, stack=[SLEEPS])
    assert collected_s(finalizer, sample(1.0, stack=[NOTES], gil=GilWait.LONG, requested_at=0.25)) == 0.75


def test_a_finalizer_that_calls_small_functions_is_seen_as_they_begin():
    assert collected_s(sample(0.5, stack=[BEGINS], gil=GilWait.INTERVAL)) == 0.0


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(sample(1.5, stack=[SLEEPS]), id="code that runs after it"),
        pytest.param(sample(0.5), id="no frame at all"),
        pytest.param(sample(0.5, stack=[NOTES], gil=GilWait.LONG), id="loopwatch's callback as it ends"),
        pytest.param(sample(0.5, stack=[SLEEPS], gil=GilWait.SEEN), id="the code that it interrupts, by the lookout"),
    ],
)
def test_a_collection_keeps_its_time_if_a_sample_shows(seen):
    assert collected_s(seen) == 1.0
