"""Looks at the thread that keeps the GIL, again and again, while the watchdog is late.

Runs in a subinterpreter, which has a separate GIL (https://peps.python.org/pep-0684/), so it imports the standard
library and the modules of ``lookout.SHARED`` only. It reads the stacks of its own process as ``profiling.sampling``
reads those of another: by copying memory through the kernel, which answers a wrong address with an error instead of a
crash (https://github.com/python/cpython/blob/v3.15.0/Modules/_remote_debugging/module.c).

A copy is torn if the stack changes meanwhile. So only what two looks in a row have shown is sent.
"""

import contextlib
import importlib
import json
import mmap
import os
import select
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from loopwatch.detection.lookout.memory import DUE, NEVER
from loopwatch.detection.lookout.stand_in import StandIn

# Imported now: loading an extension takes the main interpreter's GIL, too, which may be kept when it is needed
# (``import_run_extension``, https://github.com/python/cpython/blob/v3.15.0/Python/import.c).
fcntl: Any = importlib.import_module("fcntl") if sys.platform == "linux" else None

NO_DESCRIPTOR = -1
MAIN_INTERPRETER = 0
HAS_GIL = 1
"""The status bit of the thread that has the GIL, ``_remote_debugging.THREAD_STATUS_HAS_GIL``."""
ONLY_WITH_GIL = 2
"""The mode in which threads without the GIL are passed over. ``only_active_thread`` sees one interpreter only."""
READY = b'{"ready": true}'
LISTEN = b"listen"
"""Comes to the lookout with the socket of the probes, or without one if there is none any more. All else ends it."""
SHORTEST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 1.0
AGE_FRACTION = 0.05
"""The longer the GIL has been kept, the rarer the looks: one for every twentieth of that time."""
REST_S = 0.02
"""How often the lookout asks whether the watchdog is late."""
LONG_REST_S = 0.1
FAR_S = 0.5
"""A watchdog that is due so late, but not never, only asks for the GIL while all loops rest."""
RESTS_LONGER_AFTER_S = 1.0
"""If all loops have rested for so long, the lookout asks more rarely: an idle process is to cost little."""
GROWTH = 1.25
"""What is still so is sent again when it has lasted this many times as long."""
MAX_FRAMES = 300
MAX_MESSAGE_BYTES = 60_000
HOLD_VERSION = 1
MAX_HOLD_FILES = 100
TRIES = 20

Frame = tuple[str, str, int, int, int, int]
Seen = tuple[int, tuple[Frame, ...], int]
"""The thread that has the GIL, its frames (innermost first), and the opcode that the innermost one executes."""


class Orders(NamedTuple):
    """What the main interpreter passes in: numbers only, because objects belong to one interpreter.

    ``memory`` is a file with the numbers that ``memory.py`` lists, ``channel`` a socket.
    ``standard_error`` and ``folder``, that of the hold files, may be ``NO_DESCRIPTOR``.
    """

    memory: int
    channel: int
    late_s: float
    tells_after_s: float
    watchdog: int
    standard_error: int
    folder: int


class AlikeLooks:
    """Looks in a row that have shown the same."""

    def __init__(self, seen: Seen, at: float) -> None:
        self.seen = seen
        self.first_at = self.last_at = at
        self.sent_s = 0.0

    @property
    def lasted_s(self) -> float:
        return self.last_at - self.first_at

    def is_to_be_sent(self) -> bool:
        return self.lasted_s >= GROWTH * self.sent_s

    def has_more(self) -> bool:
        """Whether more is known than was sent."""
        return self.lasted_s > self.sent_s


class HoldFile:
    """Notes on disk what keeps the GIL, as long as it does. If the process is killed, another one reads the file.

    The file is locked while this process lives. It gets its name when it is locked, so that no process reads it before.
    """

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._file = NO_DESCRIPTOR
        self._name = ""

    def add(self, line: bytes) -> None:
        """Add a line, if that is possible: the disk may be full, or the folder have been deleted."""
        if self._folder == NO_DESCRIPTOR or len(line) > MAX_MESSAGE_BYTES:
            return
        with contextlib.suppress(OSError):
            if self._file == NO_DESCRIPTOR:
                self._create()
            os.write(self._file, line)

    def remove(self) -> None:
        """Remove the file, if there is one: the watchdog runs again, and reports what it has waited for."""
        if self._file == NO_DESCRIPTOR:
            return
        with contextlib.suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        os.close(self._file)
        self._file = NO_DESCRIPTOR

    def _create(self) -> None:
        if len(os.listdir(self._folder)) >= MAX_HOLD_FILES:  # noqa: PTH208 - it is a descriptor
            return
        name = f"hold-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        file = os.open(f"{name}.new", flags, 0o600, dir_fd=self._folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(f"{name}.new", name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            os.close(file)
            os.unlink(f"{name}.new", dir_fd=self._folder)
            raise
        self._name, self._file = name, file


class Looker:
    """Looks while the watchdog is late. ``see`` returns what the GIL's thread does; ``None`` if the GIL is free."""

    def __init__(self, orders: Orders, see: Callable[[], Seen | None], send: Callable[[bytes], object]) -> None:
        self._orders = orders
        self._see = see
        self._send = send
        self._hold_file = HoldFile(orders.folder)
        self._run: AlikeLooks | None = None
        self._told_s = 0.0
        self._due_at = self._changed_at = self._looked_at = self._moved_at = 0.0
        self.torn = 0

    def pause_s(self, due_at: float, at: float) -> float:
        """Look if the watchdog has been late since ``due_at``. Returns the pause until the next call."""
        self._looked_at = at
        if due_at != self._due_at:
            self._due_at = due_at
            if not at + FAR_S < due_at < NEVER:
                self._changed_at = at
        looks_at = due_at + self._orders.late_s
        if at < looks_at:
            self.end()
            rest_s = REST_S if at < self._changed_at + RESTS_LONGER_AFTER_S else LONG_REST_S
            return min(rest_s, looks_at - at)
        try:
            seen = self._see()
        except Exception:  # noqa: BLE001 - a torn copy may hold anything
            self.torn += 1
            seen = None
        else:
            if seen is None or seen[0] == self._orders.watchdog or (self._run and seen != self._run.seen):
                self._moved_at = at
        self._note(seen, at)
        return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, AGE_FRACTION * (at - due_at)))

    def kept_since(self, due_at: float, at: float) -> float:
        """Return since when a thread has kept the GIL, as far as is known; ``NEVER`` if none does.

        The watchdog waits for the GIL since ``due_at``, and no look since then has shown that anything moves. The last
        look must be recent: if the watchdog waits for a file instead, nobody may have the GIL.
        """
        if at >= self._looked_at + REST_S:
            self.pause_s(due_at, at)
        since = max(due_at, self._moved_at) if due_at == self._due_at else due_at
        return since if at >= since + self._orders.late_s else NEVER

    def end(self) -> None:
        """Note that the watchdog is not late, or will be no more."""
        self._end_run()
        self._hold_file.remove()

    def _note(self, seen: Seen | None, at: float) -> None:
        run = self._run
        if run is None or seen != run.seen:
            self._end_run()
            self._run = None if seen is None or seen[0] == self._orders.watchdog else AlikeLooks(seen, at)
            return
        run.last_at = at
        if run.is_to_be_sent():
            self._send_run(run)
        if run.lasted_s >= max(self._orders.tells_after_s, 2 * self._told_s):
            self._told_s = run.lasted_s
            write_if_read(self._orders.standard_error, line_of(run))
            self._hold_file.add(entry_of(run))

    def _end_run(self) -> None:
        run, self._run, self._told_s = self._run, None, 0.0
        if run is not None and run.has_more():
            self._send_run(run)

    def _send_run(self, run: AlikeLooks) -> None:
        thread_id, frames, opcode = run.seen
        message = json.dumps([thread_id, run.first_at, run.last_at, opcode, frames, self.torn]).encode()
        if len(message) <= MAX_MESSAGE_BYTES:
            self._send(message)
            run.sent_s = run.lasted_s


def line_of(run: AlikeLooks) -> bytes:
    """Return the line for standard error. No other thread can report it, because all wait for the GIL."""
    thread_id, frames, _ = run.seen
    places = [f"{filename}:{lineno} in {function}" for filename, function, lineno, *_ in frames[:3]]
    text = f"loopwatch: thread {thread_id} has kept the GIL for {run.lasted_s:.0f} s, so no other thread runs: "
    line = text + ", called from ".join(places)
    printable = "".join(character if character.isprintable() else "?" for character in line)
    return printable.encode("ascii", "backslashreplace")[:1000] + b"\n"


def entry_of(run: AlikeLooks) -> bytes:
    """Return a line of a hold file, which ``abandoned_holds`` reads."""
    thread_id, frames, opcode = run.seen
    entry = {
        "version": HOLD_VERSION,
        "python": sys.implementation.cache_tag,
        "process_id": os.getpid(),
        "thread_id": thread_id,
        "at": time.time(),
        "lasted_s": run.lasted_s,
        "opcode": opcode,
        "frames": frames,
    }
    return json.dumps(entry).encode() + b"\n"


def write_if_read(descriptor: int, line: bytes) -> None:
    """Write a line, or drop it if it would have to wait for a reader, or if the other end is closed.

    A pipe that is ready has room for ``PIPE_BUF`` bytes (pipe(7)). The end of the process, and a fork, wait for this
    thread.
    """
    if descriptor == NO_DESCRIPTOR:
        return
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    with contextlib.suppress(OSError):
        if (descriptor, select.POLLOUT) in ready.poll(0):
            os.write(descriptor, line)


def holder_of_gil(unwinder: Any) -> Seen | None:
    """Return what the thread does that has the main interpreter's GIL; ``None`` if no thread has it."""
    for interpreter in unwinder.get_stack_trace():
        if interpreter.interpreter_id == MAIN_INTERPRETER:
            return seen_of(interpreter.threads)
    return None


def seen_of(threads: Sequence[Any]) -> Seen | None:
    """Return the first of the threads, with its innermost ``MAX_FRAMES``; ``None`` if it cannot be used."""
    frames = []
    opcode = -1
    for thread in threads:
        if not thread.status & HAS_GIL:
            return None
        for frame in thread.frame_info[:MAX_FRAMES]:
            if frame.location is None:
                return None
            frames.append((frame.filename, frame.funcname, *frame.location))
            opcode = frame.opcode if len(frames) == 1 else opcode
        return (thread.thread_id, tuple(frames), opcode) if frames else None
    return None


def check(unwinder: Any) -> None:
    """Raise ``RuntimeError`` unless this function is seen where it stands: its thread has this interpreter's GIL."""
    code = check.__code__
    for _ in range(TRIES):
        for interpreter in unwinder.get_stack_trace():
            for thread in interpreter.threads:
                frame = thread.frame_info[0]
                if frame.funcname == code.co_qualname and frame.filename == code.co_filename:
                    lines = {line for _, _, line in code.co_lines()}
                    if thread.status & HAS_GIL and frame.location.lineno in lines:
                        return
    raise RuntimeError("a known stack was read wrongly")


def unwinder_of_this_process() -> Any:
    """Return what reads the stacks, without frames that stand for a collection: ``GcPauses`` knows the collections.

    Python 3.15.0 shows such a frame permanently after a collection that was scheduled, but found nothing to do.
    """
    module = importlib.import_module("_remote_debugging")
    return module.RemoteUnwinder(os.getpid(), all_threads=True, mode=ONLY_WITH_GIL, opcodes=True)


def look_out(orders: Orders) -> None:
    """Look until the end arrives on the channel."""
    check(unwinder_of_this_process())
    unwinder: Any = None

    def see() -> Seen | None:
        # A new one each time the watchdog is late: it caches code by address, and addresses are used again.
        nonlocal unwinder
        unwinder = unwinder or unwinder_of_this_process()
        return holder_of_gil(unwinder)

    looker = Looker(orders, see, lambda message: send(orders.channel, message))
    with (
        mmap.mmap(orders.memory, mmap.PAGESIZE) as page,
        memoryview(page) as raw,
        raw.cast("d") as memory,
        selectors.DefaultSelector() as selector,
        contextlib.closing(
            StandIn(selector, memory, lambda: looker.kept_since(memory[DUE], time.perf_counter()))
        ) as stand_in,
    ):
        is_over = False

        def receive() -> None:
            nonlocal is_over
            is_over = not receive_listener(orders.channel, stand_in)

        selector.register(orders.channel, selectors.EVENT_READ, receive)
        send(orders.channel, READY)
        looks_at = 0.0
        while not is_over:
            at, due_at = time.perf_counter(), memory[DUE]
            if at < due_at:
                unwinder = None
            if at >= looks_at:  # not at each probe
                looks_at = at + looker.pause_s(due_at, at)
            rests_until = min(looks_at, stand_in.take_turn())
            for key, _ in selector.select(max(0.0, rests_until - time.perf_counter())):
                key.data()
    looker.end()


def receive_listener(channel: int, stand_in: StandIn) -> bool:
    """Take a message, which may bring a socket for ``stand_in``. Returns false if it is the end."""
    with socket.socket(fileno=os.dup(channel)) as receiver:
        message, descriptors, _, _ = socket.recv_fds(receiver, len(LISTEN), 1, socket.MSG_CMSG_CLOEXEC)
    if message == LISTEN:
        stand_in.listen(socket.socket(fileno=descriptors[0]) if descriptors else None)
    return message == LISTEN


def send(channel: int, message: bytes) -> None:
    """Send a message, or drop it if the watchdog has not read those before."""
    with contextlib.suppress(BlockingIOError):
        os.write(channel, message)
