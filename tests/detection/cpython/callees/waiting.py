"""Ask which C function a thread is calling that really waits in it."""

import sys
import threading
import time
from pathlib import Path

from loopwatch.detection.cpython.callees import callee_at
from tests.support.waiting import WITHIN_S

HERE = Path(__file__).parent
LOOKS = 4
lock = threading.Lock()
"""Held while a function is looked at, so that whoever acquires it waits."""


def seen(function, *arguments):
    """Return what is said of the place where ``function`` waits for the lock, as soon as it has been there a while."""
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
    """Return the frame of the innermost function of these tests, once the thread sleeps at the same place in it."""
    deadline = time.monotonic() + WITHIN_S
    places = []
    while len(places) < LOOKS:
        assert time.monotonic() < deadline, "It does not wait"
        time.sleep(0.001)
        sleeps = _sleeps(thread)
        frame = sys._current_frames().get(thread.ident)
        assert frame is not None, "It has ended"
        place = frame.f_code, frame.f_lasti
        is_here = Path(frame.f_code.co_filename).parent == HERE
        places = [*(each for each in places if each == place), place] if sleeps and is_here else []
    return frame


def _sleeps(thread):
    """Return whether the thread waits, and neither for a CPU nor for a disk; true where no kernel tells."""
    try:
        state = Path(f"/proc/self/task/{thread.native_id}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return state.rpartition(")")[2].split()[0] == "S"
