"""Recognizes steps that a debugger has stopped: they wait for a person, so they are not reported."""

from collections.abc import Iterable

from loopwatch.detection.sampling.sample import Sample

DEBUGGERS = frozenset({"bdb", "pdb", "ipdb", "pudb", "debugpy", "pydevd", "_pydevd_bundle"})


def is_being_debugged(samples: Iterable[Sample]) -> bool:
    """Return whether a debugger was seen in the step: at its prompt, or tracing the code line by line."""
    return any(site.module.partition(".")[0] in DEBUGGERS for sample in samples for site in sample.sites)
