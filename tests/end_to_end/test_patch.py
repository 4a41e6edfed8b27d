"""The patch of the report, applied to a copy of the bookshop, cures what it rewrites."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from testproject.demo.client import Visitor
from testproject.demo.server import APPLICATION
from testproject.demo.shop import ROOT, environment_for, open_shop
from testproject.mistakes import MISTAKES
from tests.end_to_end.conftest import DAPHNE, PROMPT_SETTINGS, Shop
from tests.end_to_end.stored_events import StoredEvent, events_written, stored_events
from tests.support.children import run
from tests.support.real_time import RealTime
from tests.support.witness import Witness

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PRINTER = next(mistake for mistake in MISTAKES if mistake.name == "subprocess")
SLEEP = next(mistake for mistake in MISTAKES if mistake.name == "retry-sleep")
CORRECTED = "+    printed = await asyncio.to_thread(subprocess.run, "


async def test_a_call_that_the_patch_rewrites_is_not_found_again(tmp_path: Path, data_dir: Path, real_time: RealTime):
    for number, attempt in enumerate(real_time.runs()):
        checkout, database = tmp_path / f"checkout-{number}", data_dir / f"patched-{number}.sqlite3"
        shutil.copytree(ROOT / "testproject", checkout / "testproject", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "manage.py", checkout)
        await open_shop(database)

        stalled, witness = await visits(checkout, database, sleeps=1)
        patch = report(checkout, database)
        if CORRECTED not in patch:
            attempt.inexact(witness, f"{stalled}\n{patch}")
            continue
        apply(checkout, patch)
        again, _ = await visits(checkout, database, sleeps=2)
        attempt.false(str(again)) if len(again) > len(stalled) else attempt.exact()


async def visits(checkout: Path, database: Path, *, sleeps: int) -> tuple[list[StoredEvent], Witness]:
    """Serve the copy, print a label, wait until as many sleeps are stored, and return the stalls of the printer."""
    with Shop(database, "", PROMPT_SETTINGS) as shop:
        shop.cwd = checkout
        await asyncio.to_thread(shop.serve, *DAPHNE, APPLICATION)
        async with Visitor(shop.address) as visitor:
            with Witness(shop.server.pid) as witness:
                await visitor.visit(PRINTER.visit)
            await visitor.visit(SLEEP.visit)
        await events_written(database, SLEEP.visit.route, sleeps)
    return [event for event in stored_events(database) if event.route == PRINTER.visit.route], witness


def report(checkout: Path, database: Path) -> str:
    command = [sys.executable, "manage.py", "loopwatch_report", "--format", "patch"]
    return run(command, cwd=checkout, env=environment_for(database), check=True).stdout


def apply(checkout: Path, patch: str) -> None:
    (checkout / "loopwatch.patch").write_text(patch)
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(checkout.parent)}
    run(["git", "apply", "loopwatch.patch"], cwd=checkout, env=environment, check=True)
