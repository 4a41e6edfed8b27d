"""Puts what the lookout has seen in the place of samples that came late.

A call that keeps the GIL keeps the watchdog out. Its sample is taken when the call is over, and may show what followed.
The lookout has looked meanwhile, without the GIL. Runs on the watchdog's thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loopwatch.detection.cpython.sites import Site, is_collector_callback
from loopwatch.detection.lookout.look import Look
from loopwatch.detection.lookout.lookout import LATE_S
from loopwatch.detection.lookout.placing import sites_of
from loopwatch.detection.machine.cpu_clocks import CpuReading
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.sample import Sample

MOSTLY = 0.5
"""The lookout must have seen the loop's thread keep the GIL for this share of the watchdog's wait."""
_LATE = (GilWait.LONG, GilWait.CONTESTED, GilWait.SHARED)


@dataclass(frozen=True, slots=True)
class PlacedLook:
    """A look whose sites are known."""

    look: Look
    sites: tuple[Site, ...]


def replace_late_samples(observation: Observation, looks: Iterable[Look], thread_id: int) -> None:
    """Replace each late sample of a step by the looks that show its thread while the watchdog waited for the GIL.

    ``thread_id`` is the native id of the loop's thread.
    """
    before_at, before = observation.step_started, observation.before
    own = [look for look in looks if look.thread_id == thread_id and look.first_at >= before_at]
    if not own:
        return
    samples: list[Sample] = []
    for sample in observation.samples:
        samples += _instead(sample, before, own, before_at) if sample.gil_wait in _LATE else [sample]
        before_at, before = sample.taken_at, sample.cpu
    observation.samples[:] = samples


def add_unseen_end(observation: Observation, looks: Iterable[Look], thread_id: int, end: Sample) -> None:
    """Add the looks at the end of a step, if the watchdog was due, but had no GIL before the step ended.

    ``end`` is a sample as it would have been taken at the very end, without sites.
    """
    samples = observation.samples
    before_at, before = (
        (samples[-1].taken_at, samples[-1].cpu) if samples else (observation.step_started, observation.before)
    )
    own = [look for look in looks if look.thread_id == thread_id and look.first_at >= observation.step_started]
    added = _instead(end, before, own, before_at)
    if added != [end]:
        samples += added
        observation.unseen_since = end.taken_at


def _instead(sample: Sample, before: CpuReading, own: Sequence[Look], since: float) -> list[Sample]:
    """Return samples made of looks, in the place of a late one; the sample itself if they do not explain its wait."""
    if sample.sites and is_collector_callback(sample.sites[0].module):
        return [sample]
    inside = [look for look in own if look.last_at > since and look.first_at < sample.taken_at]
    kept_s = sum(min(look.last_at, sample.taken_at) - max(look.first_at, since) for look in inside)
    if not inside or kept_s < MOSTLY * (sample.waited_s - LATE_S):
        return [sample]
    placed = [PlacedLook(look, sites) for look in inside if (sites := sites_of(look, sample.sites))]
    if len(placed) < len(inside):
        return [sample]
    return _as_samples(placed, sample, before, since)


def _as_samples(placed: Sequence[PlacedLook], late: Sample, before: CpuReading, since: float) -> list[Sample]:
    """Return one sample for each look. They share the time and the CPU time up to the late one."""
    found: list[Sample] = []
    for index, each in enumerate(placed):
        is_last = index + 1 == len(placed)
        begins_at = since if index == 0 else found[-1].taken_at
        ends_at = late.taken_at if is_last else (each.look.last_at + placed[index + 1].look.first_at) / 2
        share = (ends_at - begins_at) / max(late.taken_at - since, 1e-9)
        sample = replace(
            late,
            requested_at=max(begins_at, late.requested_at) if index == 0 else begins_at,
            taken_at=ends_at,
            cpu=late.cpu if is_last else _between(before, late.cpu, (ends_at - since) / (late.taken_at - since)),
            gil_wait=GilWait.SEEN,
            sites=each.sites,
            delayed_s=late.delayed_s * share,
            turns=None,
            variables=None,
        )
        found.append(sample)
    return found


def _between(before: CpuReading, after: CpuReading, share: float) -> CpuReading:
    """Return a reading of all clocks after this share of the time between two readings."""
    thread_s = None
    if before.thread_s is not None and after.thread_s is not None:
        thread_s = before.thread_s + share * (after.thread_s - before.thread_s)
    return CpuReading(
        before.at + share * (after.at - before.at),
        thread_s,
        before.watchdog_s + share * (after.watchdog_s - before.watchdog_s),
        before.process_s + share * (after.process_s - before.process_s),
    )
