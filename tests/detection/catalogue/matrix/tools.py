"""The tools, each with the same threshold and otherwise as its documentation recommends.

Each is a context manager whose ``told`` are its reports. One that ``needs_running_loop`` can be started in a coroutine
only, so it sees the first step of a loop from the moment it is started.
"""

import asyncio
import importlib.util
import logging
import re
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from traceback import FrameSummary
from typing import Any

from loopwatch import watch
from tests.detection.catalogue.matrix.comparison import Told
from tests.detection.catalogue.run import LOOPS

CALL = re.compile(r"([A-Za-z_][\w.]*)\(")
PLACE = re.compile(r"(/[^\s:>]+):(\d+)")


class Loopwatch:
    needs_running_loop = False

    def __init__(self, threshold_ms: float, engine: str) -> None:
        self._watcher = watch(threshold_ms=threshold_ms, engine=engine)

    def __enter__(self) -> None:
        self._watcher.__enter__()

    def __exit__(self, *error: object) -> None:
        self._watcher.__exit__(*error)

    @property
    def told(self) -> list[Told]:
        return [
            Told(
                frozenset([call.method_name]),
                frozenset([(call.filename, call.lineno)]),
                call.step_ms,
                call.started_at.timestamp() + call.step_ms / 1000,
            )
            for call in self._watcher.calls
        ]


class LoopwatchSampling(Loopwatch):
    def __init__(self, threshold_ms: float) -> None:
        super().__init__(threshold_ms, "sampling")


class LoopwatchTracing(Loopwatch):
    def __init__(self, threshold_ms: float) -> None:
        super().__init__(threshold_ms, "tracing")


class EventLoopMonitor:
    """asyncio-event-loop-monitor: tells names and durations, no lines."""

    needs_running_loop = False

    def __init__(self, threshold_ms: float) -> None:
        from asyncio_event_loop_monitor import event_loop_monitor_ctx

        self.told: list[Told] = []
        self._context = event_loop_monitor_ctx(threshold_ms=threshold_ms, on_blocking_call=self._receive)

    def __enter__(self) -> None:
        self._context.__enter__()

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(*error)

    def _receive(self, info: Any) -> None:
        self.told.append(Told(frozenset([info.method_name]), frozenset(), info.duration_ms, time.time()))


class Aiocop:
    """aiocop: tells the blocking calls that CPython audits, each with a stack, and samples of the stack."""

    needs_running_loop = True
    _receiver: "Aiocop | None" = None
    _is_set_up = False

    def __init__(self, threshold_ms: float) -> None:
        self.told: list[Told] = []
        self._threshold_ms = threshold_ms

    def __enter__(self) -> None:
        import aiocop

        if not Aiocop._is_set_up:
            aiocop.patch_audit_functions()
            aiocop.start_blocking_io_detection()
            aiocop.detect_slow_tasks(threshold_ms=round(self._threshold_ms), on_slow_task=Aiocop._receive)
            Aiocop._is_set_up = True
        Aiocop._receiver = self
        aiocop.activate()

    def __exit__(self, *_: object) -> None:
        """Leave it active: it tells of the step that this is part of only after it."""

    @staticmethod
    def _receive(event: Any) -> None:
        if not event.exceeded_threshold or Aiocop._receiver is None:
            return
        audited = [_frames(blocking["trace"]) for blocking in event.blocking_events]
        sampled = [_frames(sample["trace"]) for sample in event.cpu_stack_samples]
        told = Told(
            frozenset(blocking["event"].partition("(")[0] for blocking in event.blocking_events)
            | _functions(frame for stack in (*audited, *sampled) for frame in stack)
            | _called(stack[0] for stack in sampled if stack),
            _places(frame for stack in (*audited, *sampled) for frame in stack),
            event.elapsed_ms,
            time.time(),
        )
        Aiocop._receiver.told.append(told)


class Pyleak:
    """pyleak: tells a stack and a duration once a stall."""

    needs_running_loop = True

    def __init__(self, threshold_ms: float) -> None:
        from pyleak import no_event_loop_blocking

        self.told: list[Told] = []
        silent = logging.getLogger("pyleak.silent")
        silent.setLevel(logging.CRITICAL)
        self._block = no_event_loop_blocking("log", silent, threshold=threshold_ms / 1000, check_interval=0.005)

    def __enter__(self) -> None:
        _at_once(self._block.__aenter__())

    def __exit__(self, *error: object) -> None:
        _at_once(self._block.__aexit__(*error))
        for block in self._block.detector.detected_blocks:
            stack = block.blocking_stack or []
            names = _functions(stack) | _called(stack[-1:])
            self.told.append(Told(names, _places(stack), block.duration * 1000, block.timestamp))


class DebugMode:
    """asyncio's own debug mode: a line in the log for every step that was slow."""

    needs_running_loop = False

    def __init__(self, threshold_ms: float) -> None:
        self.told: list[Told] = []
        self._handler = logging.Handler()
        self._handler.emit = self._receive  # type: ignore[method-assign]
        for name, make in LOOPS.items():
            LOOPS[name] = partial(_debugged_loop, make, threshold_ms / 1000)

    def __enter__(self) -> None:
        logging.getLogger("asyncio").addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("asyncio").removeHandler(self._handler)

    def _receive(self, record: logging.LogRecord) -> None:
        text = record.getMessage().partition(" created at ")[0]
        if not text.startswith("Executing ") or not isinstance(record.args, tuple):
            return
        took_s = next(argument for argument in record.args if isinstance(argument, float))
        places = [(filename, int(line)) for filename, line in PLACE.findall(text)]
        module = Path(places[0][0]).stem if places else ""
        names = [f"{module}.{name}" if module else name for name in re.findall(r"(?:coro=<|<Handle )([\w.]+)", text)]
        self.told.append(Told(frozenset(names), frozenset(places), took_s * 1000, record.created))


def _debugged_loop(make: Callable[[], asyncio.AbstractEventLoop], threshold_s: float) -> asyncio.AbstractEventLoop:
    loop = make()
    loop.set_debug(True)
    loop.slow_callback_duration = threshold_s
    return loop


TOOLS: dict[str, Callable[[float], Any]] = {
    "loopwatch": LoopwatchSampling,
    "loopwatch, tracing": LoopwatchTracing,
    "asyncio-event-loop-monitor": EventLoopMonitor,
    "aiocop": Aiocop,
    "pyleak": Pyleak,
    "asyncio debug mode": DebugMode,
}
NEEDS = {"asyncio-event-loop-monitor": "asyncio_event_loop_monitor", "aiocop": "aiocop", "pyleak": "pyleak"}


def available() -> list[str]:
    """Those that are installed."""
    return [name for name in TOOLS if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]


def _at_once(coroutine: Any) -> None:
    """Run a coroutine that awaits nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("It awaits something")


def _frames(trace: str) -> list[FrameSummary]:
    """The frames of one of aiocop's stacks, innermost first."""
    parts = [text.rsplit(":", 2) for text in trace.split(" <- ")]
    return [FrameSummary(part[0], int(part[1]), part[2]) for part in parts if len(part) == 3]


def _functions(stack: Iterable[FrameSummary]) -> frozenset[str]:
    return frozenset(f"{_module(Path(frame.filename))}.{frame.name}" for frame in stack)


def _called(innermost: Iterable[FrameSummary]) -> frozenset[str]:
    """What is called on the lines that stacks end at: a reader looks there, and sees it."""
    return frozenset(name.rpartition(".")[2] for frame in innermost for name in CALL.findall(frame.line or ""))


def _places(stack: Iterable[FrameSummary]) -> frozenset[tuple[str, int]]:
    return frozenset((frame.filename, frame.lineno or 0) for frame in stack)


def _module(path: Path) -> str:
    return path.parent.name if path.stem == "__init__" else path.stem
