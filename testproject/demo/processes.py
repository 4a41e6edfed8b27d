"""Child processes of the demo: started, watched, and stopped by their id, whatever ends the demo."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 30
STOP_WITHIN_S = 10
TAIL_LINES = 25


class ChildError(Exception):
    """A child process failed; the message ends with the last lines it wrote."""


@dataclass(frozen=True, slots=True)
class Child:
    """A server running beside the demo, its output in ``log``."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def until_ready(self, is_ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until ``is_ready()``; raise ``ChildError`` if the process ends first or takes too long."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await is_ready():
                    self.check()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise ChildError(f"{self.name} did not answer within {READY_WITHIN_S} s.\n{tail(self.log)}") from None

    def check(self) -> None:
        if self.process.returncode is not None:
            raise self.ended()

    async def until_ended(self) -> None:
        """Wait until the process ends, which it should not do by itself: raise ``ChildError``."""
        await self.process.wait()
        raise self.ended()

    def ended(self) -> ChildError:
        return ChildError(f"{self.name} ended with exit code {self.process.returncode}.\n{tail(self.log)}")


async def start(name: str, arguments: list[str], environment: dict[str, str], log: Path) -> Child:
    """Start ``python <arguments>`` in a session of its own, so that Ctrl-C reaches the demo alone."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, process, log)


async def stop(child: Child) -> None:
    """End the process: politely, then, if it takes too long, for certain."""
    if child.process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            child.process.kill()
            await child.process.wait()


async def run(name: str, arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """Run ``python <arguments>`` to its end; raise ``ChildError`` if it fails."""
    child = await start(name, arguments, environment, log)
    try:
        if await child.process.wait():
            raise child.ended()
    finally:
        await stop(child)


async def output_of(name: str, arguments: list[str], environment: dict[str, str]) -> str:
    """What ``python <arguments>`` prints; raise ``ChildError`` if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    printed, errors = await process.communicate()
    if process.returncode:
        raise ChildError(f"{name} ended with exit code {process.returncode}.\n{errors.decode(errors='replace')}")
    return printed.decode()


def tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in lines)])
