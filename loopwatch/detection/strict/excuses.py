"""Excuses calls that are not the site's doing, by who makes them."""

import inspect
import itertools
from collections.abc import Sequence
from typing import Final

from loopwatch.detection.cpython.code_owner import Owner, owner_of
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.strict.catalogue import Kind, Known
from loopwatch.detection.strict.django_calls import BACKEND_KINDS
from loopwatch.detection.verdict.debuggers import DEBUGGERS

_COROUTINE: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
TEST_TOOLS: Final = frozenset(
    {"_pytest", "pytest", "pluggy", "pytest_asyncio", "pytest_django", "xdist", "execnet", "coverage", "anyio"}
)


def is_excused(known: Known, sites: Sequence[Site]) -> bool:
    """Return whether the loop, a test tool, or a debugger makes the call; ``sites`` are its frames, innermost first.

    The nearest frame outside of the standard library decides, or a test tool between the call and in-app code. Imports
    count only where in-app code makes them, because chance decides which user of a library needs its modules first.
    """
    if known.kind in BACKEND_KINDS and _is_called_by_coroutine_of_django(sites[1:]):
        return True
    if any(_top(site) in DEBUGGERS for site in sites):
        return True
    if known.kind is Kind.IMPORT and not _is_imported_by_own_code(sites):
        return True
    owners = [owner_of(site.code, site.module) for site in sites]
    nearest = next((owner for owner in owners if owner is not Owner.STANDARD_LIBRARY), None)
    if nearest is None:
        return bool(sites)
    in_app = owners.index(Owner.IN_APP) if Owner.IN_APP in owners else len(sites)
    return nearest is Owner.PLUMBING or any(_top(site) in TEST_TOOLS for site in sites[:in_app])


def _is_called_by_coroutine_of_django(callers: Sequence[Site]) -> bool:
    """Return whether a coroutine of Django makes the call, through nothing but Django.

    ``cache.aget`` and its like are the cure, and what they do on the loop is Django's decision, not the site's.
    """
    own = itertools.takewhile(lambda site: _top(site) == "django", callers)
    return any(site.code.co_flags & _COROUTINE for site in own)


def _is_imported_by_own_code(sites: Sequence[Site]) -> bool:
    importer = next((site for site in sites if _top(site) != "importlib"), None)
    return importer is not None and owner_of(importer.code, importer.module) is Owner.IN_APP


def _top(site: Site) -> str:
    return site.module.partition(".")[0]
