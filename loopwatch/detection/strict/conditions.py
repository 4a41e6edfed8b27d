"""Decide whether a call that may block would block now, by what is known of its object and arguments.

Runs on the loop's thread as the call is made, in tests. Asks objects of the interpreter's own types, and through those
types, so that no code of the user's runs. When in doubt, the call is not reported.
"""

import io
import ipaddress
import os
import queue
import subprocess
import sys
import threading
from _socket import socket as CSocket  # noqa: N812 - a class, whatever its name
from collections.abc import Callable, Sized
from concurrent.futures import Future
from types import FrameType
from typing import Any

from loopwatch.detection.strict.arguments import argument

Condition = Callable[[FrameType, Any], bool]
"""Takes a frame and an object: the calling frame and the bound object of a C function, or the frame and the first
argument of a Python function."""

MAX_WRAPPERS = 5
_RLOCK: Any = type(threading.RLock())
_STANDARD_DESCRIPTORS = (1, 2)
_WRAPPERS: tuple[tuple[type, str], ...] = (
    (io.TextIOWrapper, "buffer"),
    (io.BufferedReader, "raw"),
    (io.BufferedWriter, "raw"),
    (io.BufferedRandom, "raw"),
)


def unless_zero(*arguments: tuple[int, str]) -> Condition:
    """Return the condition that none of these arguments, given by position and keyword, is zero: ``acquire(False)``."""
    return lambda frame, _object: not any(_is_zero(argument(frame, *each)) for each in arguments)


_may_wait_for_lock = unless_zero((0, "blocking"), (1, "timeout"))


def is_socket_blocking(_frame: FrameType, sock: Any) -> bool:
    return isinstance(sock, CSocket) and CSocket.gettimeout(sock) != 0 and CSocket.fileno(sock) >= 0


def is_host_name(frame: FrameType, _first: Any) -> bool:
    """Return whether the host is a name: an address needs no look-up."""
    host = frame.f_locals.get("host")
    if not host:
        return False
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return True
    return False


def is_real_file(frame: FrameType, file: Any) -> bool:
    """Return whether a file object has a descriptor that blocks: not memory, standard output or error."""
    if _is_output(file) or _is_of_pytest(frame.f_locals.get("self")):
        return False
    try:
        for _ in range(MAX_WRAPPERS):
            if isinstance(file, io.FileIO):
                return _is_blocking(io.FileIO.fileno(file))
            file = _wrapped_by(file)
    except ValueError:  # closed, or detached
        return False
    return False


def has_blocking_descriptor(frame: FrameType, _function: Any) -> bool:
    """Return whether the descriptor of ``os.read`` and its like is known to block."""
    descriptor = argument(frame, 0, "fd")
    return type(descriptor) is int and _is_blocking(descriptor)


def is_lock_taken(frame: FrameType, lock: Any) -> bool:
    return bool(lock.locked()) and _may_wait_for_lock(frame, lock)


def is_rlock_taken(frame: FrameType, lock: Any) -> bool:
    """Return whether another thread holds a reentrant lock. Before Python 3.14 only its text says whether it is held.

    https://github.com/python/cpython/blob/v3.13.0/Modules/_threadmodule.c (rlock_repr)
    """
    is_of_another = _RLOCK.__repr__(lock).startswith("<locked") and not _RLOCK._is_owned(lock)  # noqa: SLF001
    return is_of_another and _may_wait_for_lock(frame, lock)


def may_wait_for_child(frame: FrameType, _function: Any) -> bool:
    """False for ``waitpid(pid, os.WNOHANG)``."""
    options = argument(frame, 1, "options")
    return not (isinstance(options, int) and options & os.WNOHANG)


def _is_zero(value: Any) -> bool:
    return isinstance(value, bool | int | float) and value == 0


def is_waiting_allowed(frame: FrameType, _first: Any) -> bool:
    return bool(_timeout_of(frame) != 0)


def is_queue_empty(frame: FrameType, waited_for: Any) -> bool:
    return _would_wait(frame) and _size_of(waited_for) == 0


def is_queue_full(frame: FrameType, waited_for: Any) -> bool:
    limit = _attribute(waited_for, "maxsize", queue.Queue)
    return _would_wait(frame) and isinstance(limit, int) and 0 < limit <= _size_of(waited_for)


def is_future_pending(frame: FrameType, future: Any) -> bool:
    state = _attribute(future, "_state", Future)
    return state in ("PENDING", "RUNNING") and _timeout_of(frame) != 0


def is_thread_alive(frame: FrameType, thread: Any) -> bool:
    is_alive = isinstance(thread, threading.Thread) and threading.Thread.is_alive(thread)
    return is_alive and _timeout_of(frame) != 0


def is_process_running(_frame: FrameType, process: Any) -> bool:
    return isinstance(process, subprocess.Popen) and _attribute(process, "returncode", subprocess.Popen) is None


def is_not_loaded(_frame: FrameType, name: Any) -> bool:
    """Return whether an import loads anything: ``importlib.import_module`` may find the module loaded."""
    return name not in sys.modules


def _would_wait(frame: FrameType) -> bool:
    return bool(frame.f_locals.get("block", True)) and _timeout_of(frame) != 0


def _timeout_of(frame: FrameType) -> Any:
    return frame.f_locals.get("timeout")


def _size_of(waited_for: Any) -> int:
    held = _attribute(waited_for, "queue", queue.Queue)
    return len(held) if type(held).__module__ in ("builtins", "collections") and isinstance(held, Sized) else -1


def _attribute(of: Any, name: str, kind: type) -> Any:
    return of.__dict__.get(name) if isinstance(of, kind) else None


def _is_blocking(descriptor: int) -> bool:
    if descriptor in _STANDARD_DESCRIPTORS:
        return False
    try:
        is_nowhere = os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))  # noqa: PTH116 - what Path asks, too
        return os.get_blocking(descriptor) and not is_nowhere
    except OSError:
        return False


def _wrapped_by(file: Any) -> Any:
    """Return the descriptor behind a file object of the interpreter's own types."""
    for kind, attribute in _WRAPPERS:
        if isinstance(file, kind):
            return vars(kind)[attribute].__get__(file)
    return None


def _is_output(file: Any) -> bool:
    """Return whether it is standard output or error, or pytest's capture of them."""
    standard = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return any(file is each for each in standard) or _is_of_pytest(file)


def _is_of_pytest(value: Any) -> bool:
    """Return whether pytest made the object, such as a log handler that writes for its report."""
    return type(value).__module__.partition(".")[0] == "_pytest"
