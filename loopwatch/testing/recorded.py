"""Records what a wrapped site does during a part of a test, which is not recorded otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from loopwatch import in_tests


@contextmanager
def record_stalls() -> Iterator[None]:
    """Have ``LoopWatch`` record, as in production, the requests that the ``with`` block sends through it.

    When the block is left, everything is written and delivered, and the site is no longer watched. The settings
    ``LOOPWATCH`` apply. The writer has its own database connection, so the test needs committed data
    (``TransactionTestCase``) and, with SQLite, a test database in a file.
    """
    from loopwatch import site_monitor  # noqa: PLC0415 - needs Django, which the rest of the package does not

    with in_tests.recording():
        try:
            yield
        finally:
            site_monitor.stop()
