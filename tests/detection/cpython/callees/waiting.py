"""Ask which C function a thread is calling that really waits in it."""

import sys
import threading
import time
from pathlib import Path

from loopwatch.detection.cpython.callees import callee_at

HERE = Path(__file__).parent
WITHIN_S = 5.0
lock = threading.Lock()
"""Held while a function is looked at, so that whoever acquires it waits."""


class TooLateError(Exception):
    """The thread ended before it was seen to wait: the machine was busy."""


def seen(function, *arguments):
    """Return what is said of the place where ``function`` waits, as soon as it has been there for a while.

    A function that waits for a time is run again if that was over too soon to be seen.
    """
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            return seen_once(function, *arguments)
        except TooLateError:
            assert time.monotonic() < deadline, "It was never seen to wait"


def seen_once(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    lock.acquire()
    try:
        thread.start()
        return callee_when_it_waits(thread)
    finally:
        lock.release()
        thread.join(WITHIN_S)
        assert not thread.is_alive()
        if lock.locked():
            lock.release()


def callee_when_it_waits(thread):
    """Return what is said of the innermost function of these tests, once the thread stands still in it."""
    frame = frame_that_waits(thread)
    return callee_at(frame, frame.f_lasti)


def frame_that_waits(thread):
    """Return the frame of the innermost function of these tests, once the thread stands still in it."""
    deadline = time.monotonic() + WITHIN_S
    places = [None]
    while len(places) < 4 or any(place != places[-1] for place in places[-4:]) or not _sleeps(thread):
        assert time.monotonic() < deadline, "It does not wait"
        time.sleep(0.001)
        frame = sys._current_frames().get(thread.ident)
        if frame is None:
            raise TooLateError
        is_here = Path(frame.f_code.co_filename).parent == HERE
        places.append((frame.f_code, frame.f_lasti) if is_here else len(places))
    return frame


def _sleeps(thread):
    """Return whether the thread waits, and neither for a CPU nor for a disk; true where no kernel tells."""
    try:
        state = Path(f"/proc/self/task/{thread.native_id}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return state.rpartition(")")[2].split()[0] == "S"
