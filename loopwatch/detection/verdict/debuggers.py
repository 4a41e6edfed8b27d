"""A step that stands in a debugger waits for a person, who knows."""

from collections.abc import Iterable

from loopwatch.detection.sampling.sample import Sample

DEBUGGERS = frozenset({"bdb", "pdb", "ipdb", "pudb", "debugpy", "pydevd", "_pydevd_bundle"})


def is_being_debugged(samples: Iterable[Sample]) -> bool:
    """Whether a debugger was seen at work in the step: at its prompt, or following the code line by line."""
    return any(site.module.partition(".")[0] in DEBUGGERS for sample in samples for site in sample.sites)
