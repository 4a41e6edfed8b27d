"""Takes a profile function away from a thread that is busy, which ``sys.setprofile`` does for the calling one only.

For Python 3.11, whose C functions can (``_PyEval_SetProfile``, by which later versions set one in all threads). It
would take away anybody's, so the thread's state is asked first whose it has.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

SEARCHED_WORDS = 32
"""How much of a thread's state is looked through for its profile function: more than it takes, less than there is."""


class ProfileSlot:
    """Where the calling thread keeps its profile function, which must be ``profile`` when this is made."""

    def __init__(self, profile: Callable[..., object]) -> None:
        self._profile_id = id(profile)
        self._profile = profile
        self._thread = threading.current_thread()
        self._word: Any = None
        self._clear: Callable[[], int]
        with contextlib.suppress(ImportError, AttributeError):  # a Python without ctypes, or of another kind
            self._find()

    def empty(self) -> bool:
        """Take it away if it is still there; whether it was. From any thread."""
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
