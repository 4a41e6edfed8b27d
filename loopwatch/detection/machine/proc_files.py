"""Reads a file of ``/proc`` without releasing the GIL.

``os.pread`` releases it, because most files may make the reader wait. Taking the GIL back costs a switch interval if
the loop computes, and disturbs the loop. The kernel answers for ``/proc`` without waiting, so there is no need to.
"""

import os
from collections.abc import Callable

Read = Callable[[], bytes]
MOST_BYTES = 128


def reader(descriptor: int) -> Read:
    """Return a function that reads the beginning of an open file, for one thread at a time. It raises ``OSError``."""
    try:
        return _reader_that_keeps_the_gil(descriptor)
    except (ImportError, AttributeError, OSError):  # a Python without ctypes, or an unknown C library
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
