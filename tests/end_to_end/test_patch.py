"""The patch of the report, applied to a copy of the bookshop, cures the mistakes whose correct form is certain."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from testproject.demo.client import Visitor
from testproject.demo.server import APPLICATION
from testproject.demo.shop import ROOT, environment_for, open_shop
from testproject.mistakes import MISTAKES
from tests.end_to_end.conftest import DAPHNE, Shop
from tests.end_to_end.stored_events import StoredEvent, events_written, stored_events
from tests.support.children import run
from tests.support.real_time import RealTime

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

SETTINGS = "tests.end_to_end.prompt_settings"
CORRECTED = {
    "query": "await bought_again().acount()",
    "template": "await sync_to_async(render)(request, ",
    "subprocess": "await asyncio.to_thread(subprocess.run, [*PRINT, order.customer], ",
}
CERTAIN = [mistake for mistake in MISTAKES if mistake.name in CORRECTED]
SLEEP = next(mistake for mistake in MISTAKES if mistake.name == "retry-sleep")


async def test_the_calls_that_the_patch_rewrites_are_not_found_again(tmp_path: Path, real_time: RealTime):
    for number, attempt in enumerate(real_time.runs()):
        checkout, database = tmp_path / f"checkout-{number}", tmp_path / f"shop-{number}.sqlite3"
        shutil.copytree(ROOT / "testproject", checkout / "testproject", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "manage.py", checkout)
        await open_shop(database)

        stalled = await events_of_visits(checkout, database)
        patch, remarks = report(checkout, database)
        if patch:
            apply(checkout, patch)
        missing = [mistake.name for mistake in CERTAIN if f"+{CORRECTED[mistake.name]}" not in added_by(patch)]
        assert run([sys.executable, "-m", "compileall", "-q", "testproject"], cwd=checkout).returncode == 0
        assert remarks.startswith(f"{1 + len(missing)} finding"), remarks

        again = await events_of_visits(checkout, database)
        if missing:
            attempt.short(f"{missing} are not in the patch, after {stalled}:\n{patch}")
        elif again:
            attempt.false(str(again))
        else:
            attempt.exact()


async def events_of_visits(checkout: Path, database: Path) -> Sequence[StoredEvent]:
    """Serve the copy, make the mistakes, and return what was stored about them."""
    known = len(stored_events(database))
    async with served(checkout, database) as shop, Visitor(shop.address) as visitor:
        for mistake in (*CERTAIN, *CERTAIN, SLEEP):  # twice, as one stall may not be exact on a busy machine
            await visitor.visit(mistake.visit)
        sleeps = [event for event in stored_events(database)[:known] if event.route == SLEEP.visit.route]
        await events_written(database, SLEEP.visit.route, len(sleeps) + 1)
    routes = {mistake.visit.route for mistake in CERTAIN}
    return [event for event in stored_events(database)[known:] if event.route in routes]


@asynccontextmanager
async def served(checkout: Path, database: Path) -> AsyncIterator[Shop]:
    with Shop(database, "", SETTINGS) as shop:
        shop.cwd = checkout
        await asyncio.to_thread(shop.serve, *DAPHNE, APPLICATION)
        yield shop


def report(checkout: Path, database: Path) -> tuple[str, str]:
    command = [sys.executable, "manage.py", "loopwatch_report", "--format", "patch"]
    printed = run(command, cwd=checkout, env=environment_for(database), check=True)
    return printed.stdout, printed.stderr


def apply(checkout: Path, patch: str) -> None:
    (checkout / "loopwatch.patch").write_text(patch)
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(checkout.parent)}
    run(["git", "apply", "loopwatch.patch"], cwd=checkout, env=environment, check=True)


def added_by(patch: str) -> str:
    """The added lines, from their first ``await`` on."""
    added = (line.partition("await ") for line in patch.splitlines() if line.startswith("+"))
    return "\n".join(f"+{word}{rest}" for _, word, rest in added)
