"""The demo from the first process to the last: set up, serve, send traffic, report, stay."""

import asyncio
import shutil
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from testproject.demo.login import ADMIN_NAME, ADMIN_PASSWORD
from testproject.demo.ports import LOOPBACK
from testproject.demo.processes import Child, output_of
from testproject.demo.progress import show_progress
from testproject.demo.server import serve
from testproject.demo.shop import ROOT, environment_for, open_shop
from testproject.demo.traffic import Tally, VisitError, send_traffic
from testproject.demo.verification import Reported, besides, missing, parse_report, with_twin
from testproject.mistakes import ALL_MISTAKES

USUAL_PORT = 8000
REPORT = [str(ROOT / "manage.py"), "loopwatch_report"]
WRITTEN_WITHIN_S = 15
AS_IT_SHOULD_BE, NOT_AS_IT_SHOULD_BE = 0, 1

Result = TypeVar("Result")


@dataclass(slots=True)
class Show:
    """One run of the demo; ``outcome`` is its exit code, once the report has been judged."""

    data_dir: Path
    port: int
    seconds: float
    exits: bool
    outcome: int | None = None

    @property
    def site(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def database(self) -> Path:
        """The usual place, unless a demo on another port may be using it."""
        name = "shop" if self.port == USUAL_PORT else f"shop-{self.port}"
        return self.data_dir.resolve() / f"{name}.sqlite3"

    async def run(self) -> int:
        """Raises ``ChildError`` when a process of the demo fails."""
        say("Making the shop's database …")
        await open_shop(self.database)
        say("Starting Daphne …")
        async with serve(self.database, self.port) as children:
            say(f"Serving {self.site}/ and sending it traffic:")
            trouble = await while_alive(children, self.traffic())
            if trouble:  # perhaps because a child is ending this very moment, which says more
                await while_alive(children, asyncio.sleep(1))
            self.outcome = await while_alive(children, self.judge(trouble))
            if not self.exits:
                self.invite()
                await while_alive(children, asyncio.Event().wait())
        return self.outcome

    async def traffic(self) -> list[str]:
        """Send the traffic; return what went wrong with it."""
        tally = Tally()
        progress = asyncio.create_task(show_progress(tally, self.seconds))
        trouble = []
        try:
            await send_traffic(self.site, (ADMIN_NAME, ADMIN_PASSWORD), self.seconds, tally)
        except* VisitError as errors:
            trouble += [f"a visit failed: {error}" for error in errors.exceptions]
        finally:
            progress.cancel()
            await asyncio.wait([progress])
        return trouble

    async def judge(self, trouble: list[str]) -> int:
        """Print the report and what is wrong with it; return the exit code."""
        reported = await self.written_report()
        findings = reported.findings
        say("", await self.manage("--limit", "50", *(["--force-color"] if sys.stdout.isatty() else [])))
        for finding in besides(findings):
            say(f"Besides the mistakes: {finding}")
        trouble += missing(reported)
        trouble += [f"a corrected twin was found: {finding}" for finding in with_twin(findings)]
        if trouble:
            say("This is not as it should be:", *(f"  {line}" for line in trouble))
            return NOT_AS_IT_SHOULD_BE
        say(f"All {len(ALL_MISTAKES)} mistakes were found, and none of their corrected twins.")
        return AS_IT_SHOULD_BE

    async def written_report(self) -> Reported:
        """What has been found, once it has all been written or a deadline has passed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WRITTEN_WITHIN_S
        while True:
            reported = parse_report(await self.manage("--format", "json", "--limit", "1000", "--status", "all"))
            if not missing(reported) or loop.time() > deadline:
                return reported
            await asyncio.sleep(0.5)

    async def manage(self, *arguments: str) -> str:
        width = {"COLUMNS": str(shutil.get_terminal_size().columns)} if sys.stdout.isatty() else {}
        environment = environment_for(self.database) | width
        return await output_of("manage.py loopwatch_report", [*REPORT, *arguments], environment)

    def invite(self) -> None:
        say(
            "The site stays up until you press Ctrl-C:",
            f"  the shop   {self.site}/ (every mistake to try)",
            f"  the admin  {self.site}/admin/loopwatch/finding/",
            f"  log in as  {ADMIN_NAME}, password {ADMIN_PASSWORD}",
        )


async def while_alive(children: list[Child], work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work, unless a child ends before it is done: then give it up and raise ``ChildError``."""
    doing = asyncio.create_task(work)
    watching = [asyncio.create_task(child.until_ended()) for child in children]
    try:
        await asyncio.wait([doing, *watching], return_when=asyncio.FIRST_COMPLETED)
        for ended in watching:
            if ended.done():
                await ended
        return await doing
    finally:
        for task in (doing, *watching):
            task.cancel()
        await asyncio.wait([doing, *watching])


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)
