"""The blocks of ``recording()`` that are open in a process, and which of them a loop belongs to."""

import asyncio
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from loopwatch.detection.timing.in_flight import ProgramInFlight


@dataclass(frozen=True, slots=True, eq=False)
class OpenProgram:
    """A block that was entered on a thread, in a coroutine of ``loop``, or outside of any loop."""

    in_flight: ProgramInFlight
    thread_id: int
    loop: asyncio.AbstractEventLoop | None

    @classmethod
    def here(cls, name: str) -> Self:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        return cls(ProgramInFlight(name), threading.get_ident(), loop)


class OpenPrograms:
    """The open blocks, the newest last."""

    def __init__(self, programs: tuple[OpenProgram, ...] = ()) -> None:
        self._open = programs

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def outside_of_loops(self) -> tuple[OpenProgram, ...]:
        """The blocks that want every loop that comes to run: ``async_to_sync`` runs one in a thread of its own."""
        return tuple(program for program in self._open if program.loop is None)

    def add(self, program: OpenProgram) -> None:
        self._open += (program,)

    def remove(self, program: OpenProgram) -> bool:
        """Return whether the block was open."""
        before = self._open
        self._open = tuple(other for other in before if other is not program)
        return len(self._open) < len(before)

    def want(self, loop: asyncio.AbstractEventLoop) -> bool:
        return any(program.loop in (None, loop) for program in self._open)

    def of(
        self, loop: asyncio.AbstractEventLoop, thread_id: int, serving: Collection[asyncio.AbstractEventLoop]
    ) -> ProgramInFlight | None:
        """Return the block that steps of ``loop`` belong to if their context names none.

        In a process that serves nothing, any block is better than none.
        """
        if loop in serving:
            return None
        near = [
            program
            for program in self._open
            if program.loop is loop or (program.loop is None and program.thread_id == thread_id)
        ]
        found = near or (() if serving else self.outside_of_loops)
        return found[-1].in_flight if found else None

    def in_forked_child(self) -> "OpenPrograms":
        """Return the blocks that go on in a child: those around the call that forked, outside of loops."""
        here = threading.get_ident()
        return OpenPrograms(tuple(each for each in self.outside_of_loops if each.thread_id == here))
