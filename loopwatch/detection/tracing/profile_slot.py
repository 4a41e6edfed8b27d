"""Removes a profile function from another thread, which ``sys.setprofile`` does only for the calling thread.

Only for Python 3.11. Its C function ``_PyEval_SetProfile`` (Python/ceval.c) takes any thread's state, and removes any
profile function, so the state is searched first for the one to remove.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

SEARCHED_WORDS = 32
"""How much of a ``PyThreadState`` is searched: it is longer, and ``c_profileobj`` comes before."""


class ProfileSlot:
    """The place of the calling thread's profile function, which must be ``profile`` when this is made."""

    def __init__(self, profile: Callable[..., object]) -> None:
        self._profile_id = id(profile)
        self._profile = profile
        self._thread = threading.current_thread()
        self._word: Any = None
        self._clear: Callable[[], int]
        with contextlib.suppress(ImportError, AttributeError):  # a Python without ctypes or without these functions
            self._find()

    def empty(self) -> bool:
        """Remove the profile function. Returns false if it is not set any more. From any thread."""
        if self._word is None or not self._thread.is_alive() or self._word.value != self._profile_id:
            return False
        return self._clear() == 0

    def _find(self) -> None:
        import ctypes  # noqa: PLC0415 - not every Python has it

        pointer = ctypes.c_void_p
        state = ctypes.PYFUNCTYPE(pointer)(("PyThreadState_Get", ctypes.pythonapi))()
        set_profile = ctypes.PYFUNCTYPE(ctypes.c_int, *3 * [pointer])(("_PyEval_SetProfile", ctypes.pythonapi))
        self._clear = lambda: set_profile(state, None, None)
        words = (pointer * SEARCHED_WORDS).from_address(state)
        places = [place for place, word in enumerate(words) if word == self._profile_id]
        if len(places) == 1:
            self._word = pointer.from_address(state + places[0] * ctypes.sizeof(pointer))
