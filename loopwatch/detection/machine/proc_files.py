"""Reads a file of ``/proc`` without letting go of the GIL.

``os.pread`` lets go of it, as it must for files that may keep one waiting; then whoever reads has to wait for it again,
which takes a switch interval where the loop computes, and disturbs the loop. The kernel answers for ``/proc`` at once.
"""

import os
from collections.abc import Callable

Read = Callable[[], bytes]
MOST_BYTES = 128


def reader(descriptor: int) -> Read:
    """What reads the beginning of an open file; it raises ``OSError``. Not for two threads at once."""
    try:
        return _reader_that_keeps_the_gil(descriptor)
    except (ImportError, AttributeError, OSError):  # a Python without ctypes, or a C library of another kind
        return lambda: os.pread(descriptor, MOST_BYTES, 0)


def _reader_that_keeps_the_gil(descriptor: int) -> Read:
    import ctypes  # noqa: PLC0415 - not every Python has it

    if ctypes.sizeof(ctypes.c_long) != ctypes.sizeof(ctypes.c_int64):
        raise AttributeError("The size of off_t is not known")
    pread = ctypes.PyDLL(None).pread
    pread.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long)
    pread.restype = ctypes.c_ssize_t
    buffer = ctypes.create_string_buffer(MOST_BYTES)

    def read() -> bytes:
        size = pread(descriptor, buffer, MOST_BYTES, 0)
        if size < 0:
            raise OSError("The file could not be read")
        return buffer.raw[:size]

    return read
