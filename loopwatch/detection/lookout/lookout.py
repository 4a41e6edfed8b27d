"""The lookout: sees who keeps the GIL while the watchdog waits for it. On Python 3.15 and Linux.

It is a thread that runs a subinterpreter (``looking``). The two interpreters share no object: a page of memory holds
numbers such as the moment at which the watchdog wants the GIL, and a pair of sockets carries looks one way, and the
socket of the probes and the end the other.

Where it cannot be used, ``why_not`` says so, and the watchdog works as it does without.
"""

import atexit
import contextlib
import importlib
import marshal
import mmap
import os
import pkgutil
import socket
import sys
import threading
from collections import deque
from types import CodeType, ModuleType
from typing import Any

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.cpython.known_versions import why_stacks_cannot_be_read
from loopwatch.detection.joining import joined
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.lookout import http_answer, http_server, lifetimes, looking, memory, stand_in
from loopwatch.detection.lookout.hold_folder import open_hold_folder
from loopwatch.detection.lookout.look import Look, look_of
from loopwatch.detection.lookout.looking import LISTEN, MAX_MESSAGE_BYTES, NO_DESCRIPTOR, READY, Orders
from loopwatch.detection.machine.cpu_clocks import leave_out_this_thread

logger = logger_of()

IN_USE = "in use"
STARTING = "starting"
SWITCHED_OFF = "switched off"
ENDED = "ended"
LATE_S = 0.003
"""The watchdog gets the GIL from Python code one switch interval after it asked. It is late this long after that."""
MAX_LOOKS = 256
STANDARD_ERROR = 2
SHARED = (memory, http_answer, http_server, stand_in, looking)
"""The modules that the subinterpreter runs, each after those that it imports."""
_ENTRY = """
import marshal, sys, types
for name, code in marshal.loads(codes):
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
module.look_out(module.Orders(*orders))
"""


class Lookout:
    """Started and read by the watchdog's thread. Any thread may call ``expect`` and ``stop``."""

    def __init__(self) -> None:
        self.why_not = SWITCHED_OFF
        self.looks: deque[Look] = deque(maxlen=MAX_LOOKS)
        self.torn = 0
        self.is_over = False
        self._memory: Any = list(memory.UNUSED)
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ours: socket.socket | None = None
        self._listener: socket.socket | None = None

    def announce(self) -> None:
        """Note that it will be started. From any thread."""
        if self._thread is None and not self.is_over:
            self.why_not = STARTING
            # An interpreter that still runs may crash the end of the process, which may come before ``start``.
            atexit.unregister(self.stop)
            atexit.register(self.stop)

    def start(self, watchdog: int, tells_after_s: float, hold_folder: str | None = None) -> None:
        """Start, if that is possible here. ``watchdog`` is the native id of its thread.

        A thread that has kept the GIL for ``tells_after_s`` is reported on standard error, and noted in a file of the
        folder.
        """
        if self._thread is not None:
            return
        self.why_not = _why_not_here() or STARTING
        if self.why_not is not STARTING:
            return
        try:
            interpreters = importlib.import_module("concurrent.interpreters")
            file = os.memfd_create("loopwatch")
            os.ftruncate(file, mmap.PAGESIZE)
            shared: Any = memoryview(mmap.mmap(file, mmap.PAGESIZE)).cast("d")
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except (ImportError, OSError) as error:
            self.why_not = f"its memory cannot be shared: {error}"
            return
        for index, number in enumerate(self._memory):
            shared[index] = number
        self._memory = shared
        ours.setblocking(False)
        theirs.setblocking(False)
        self._ours = ours
        self._pass_listener()
        # If standard error was closed, its number may be that of any file or connection.
        standard_error = NO_DESCRIPTOR if sys.__stderr__ is None else STANDARD_ERROR
        late_s, folder = sys.getswitchinterval() + LATE_S, _open(hold_folder)
        orders = Orders(file, theirs.fileno(), late_s, tells_after_s, watchdog, standard_error, folder)
        arguments = (interpreters, orders, theirs)
        self._thread = threading.Thread(target=self._run, args=arguments, name="loopwatch-lookout", daemon=True)
        try:
            started = lifetimes.begin(self, self._thread)
        except RuntimeError as error:  # there is no room for a thread, or the process ends
            started, self.why_not = False, f"its thread cannot start: {error}"
        else:
            if not started:
                self.why_not = ENDED if self.is_over else lifetimes.HAS_FORKED
        if not started:
            self._thread = self._ours = None
            ours.close()
            theirs.close()
            _close(orders)

    def expect(self, at: float) -> None:
        """Note when the watchdog wants the GIL. Never waits; costs one write into memory."""
        self._memory[memory.DUE] = at

    def note_stall(self, since: float) -> None:
        """Note when the longest of the running stalls began that keep requests waiting, or ``NEVER``."""
        self._memory[memory.STALLED_SINCE] = since

    def note_pauses(self, loops: int, worst_s: float) -> None:
        """Note how many loops there are, and their longest pause of the last minute."""
        self._memory[memory.LOOPS], self._memory[memory.WORST_PAUSE_S] = loops, worst_s

    def answer_probes(self, listener: socket.socket | None, blocked_after_s: float) -> None:
        """Answer the probes that come to ``listener`` while the GIL is kept. Never waits, and takes no lock."""
        self._memory[memory.BLOCKED_AFTER_S] = blocked_after_s
        self._listener = listener
        self._pass_listener()

    def _pass_listener(self) -> None:
        """Pass on the listener, which may happen twice: it, and the way to pass it on, may come at the same time."""
        ours, listener = self._ours, self._listener
        if ours is not None:
            with contextlib.suppress(OSError):  # the lookout has ended
                socket.send_fds(ours, [LISTEN], [] if listener is None else [listener.fileno()])

    def read(self) -> None:
        """Take what the lookout has sent. Another thread that reads at the same time takes it instead."""
        if self._reading.acquire(blocking=False):
            try:
                self._read_all(self._ours)
            finally:
                self._reading.release()

    def _read_all(self, ours: socket.socket | None) -> None:
        while ours is not None:
            try:
                message = ours.recv(MAX_MESSAGE_BYTES)
            except OSError:  # there is nothing more, or it has ended
                return
            if not message:
                return
            if message == READY:
                self.why_not = ""
            else:
                self._keep(look_of(message))

    def _keep(self, look: Look) -> None:
        self.torn = look.torn
        if self.looks and self.looks[-1].is_earlier_part_of(look):
            self.looks.pop()
        self.looks.append(look)

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    @property
    def is_wanted(self) -> bool:
        """Whether it is in use, or about to be."""
        return self.why_not in ("", STARTING)

    @property
    def state(self) -> str:
        """Whether it is in use, or why not."""
        self.read()
        return self.why_not or IN_USE

    def stop(self, why: str = ENDED) -> None:
        """End the thread and its interpreter, and wait for that. It cannot be started again."""
        atexit.unregister(self.stop)  # without the lock, which a child that is forked meanwhile would never get
        lifetimes.forbid(self)
        with self._lock:
            if self.is_wanted:
                self.why_not = why
            thread, self._thread = self._thread, None
            self._memory = list(memory.UNUSED)
            ours, self._ours = self._ours, None
            if ours is None:
                return
            with contextlib.suppress(OSError):  # it has ended
                ours.send(b"end")
            if thread is not None and thread.is_alive() and not joined(thread):
                logger.error("The lookout's thread does not end; a process that is forked now may crash")
            else:
                ours.close()
                lifetimes.end(self)

    def _run(self, interpreters: Any, orders: Orders, theirs: socket.socket) -> None:
        try:
            with theirs, leave_out_this_thread():
                _run_interpreter(interpreters, orders)
        except BaseException as error:  # noqa: BLE001 - the watchdog goes on without
            self.why_not = f"it could not begin: {(str(error) or repr(error)).splitlines()[0]}"
        finally:
            _close(orders)


def _open(hold_folder: str | None) -> int:
    if hold_folder is None:
        return NO_DESCRIPTOR
    try:
        return open_hold_folder(hold_folder)
    except (OSError, ValueError) as error:  # ``ValueError``: no folder can have this name
        logger.warning("If a call keeps the GIL until this process is killed, it will not be stored: %s", error)
        return NO_DESCRIPTOR


def _close(orders: Orders) -> None:
    for descriptor in (orders.memory, orders.folder):
        if descriptor != NO_DESCRIPTOR:
            os.close(descriptor)


def _run_interpreter(interpreters: Any, orders: Orders) -> None:
    # The subinterpreter need not be able to import loopwatch, nor what that imports.
    codes = marshal.dumps([(module.__name__, _code_of(module)) for module in SHARED])
    interpreter = interpreters.create()
    try:
        interpreter.prepare_main(codes=codes, orders=tuple(orders))
        interpreter.exec(_ENTRY)
    finally:
        interpreter.close()


def _code_of(module: ModuleType) -> CodeType:
    package, _, name = module.__name__.rpartition(".")
    source = pkgutil.get_data(package, f"{name}.py") or b""
    return compile(source, module.__file__ or name, "exec")


def _has_memory_limit() -> bool:
    """Return whether an allocation may fail, which crashes Python 3.15 while it makes a subinterpreter."""
    resource = importlib.import_module("resource")
    limits = (resource.getrlimit(each)[0] for each in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return any(limit != resource.RLIM_INFINITY for limit in limits)


def _why_not_here() -> str:
    if sys.platform != "linux":
        return "it needs Linux"
    if reason := why_stacks_cannot_be_read():
        return reason
    if not is_gil_enabled():
        return "the GIL is off"
    return "the memory of the process is limited (ulimit -v or -d)" if _has_memory_limit() else ""
