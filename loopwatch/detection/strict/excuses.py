"""Calls that nobody is to be told of, by who makes them."""

from collections.abc import Sequence
from typing import Final

from loopwatch.detection.debuggers import DEBUGGERS
from loopwatch.detection.ownership import Owner, owner_of
from loopwatch.detection.sampling import Site
from loopwatch.detection.strict.catalogue import Kind, Known

TEST_TOOLS: Final = frozenset(
    {"_pytest", "pytest", "pluggy", "pytest_asyncio", "pytest_django", "xdist", "execnet", "coverage", "anyio"}
)


def is_excused(known: Known, sites: Sequence[Site]) -> bool:
    """Whether the loop, a tool that tests, or a debugger makes the call; ``sites`` are its frames, innermost first.

    The nearest frame outside of the standard library counts. A library may import when it likes: which of its users is
    the first to need a module is chance. What the user's own code imports is that code's doing.
    """
    if any(_top(site) in DEBUGGERS for site in sites):
        return True
    if known.kind is Kind.IMPORT and not _is_imported_by_own_code(sites):
        return True
    for site in sites:
        owner = owner_of(site.code, site.module)
        if owner is not Owner.STANDARD_LIBRARY:
            return owner is Owner.PLUMBING or _top(site) in TEST_TOOLS
    return bool(sites)


def _is_imported_by_own_code(sites: Sequence[Site]) -> bool:
    importer = next((site for site in sites if _top(site) != "importlib"), None)
    return importer is not None and owner_of(importer.code, importer.module) is Owner.OWN


def _top(site: Site) -> str:
    return site.module.partition(".")[0]
