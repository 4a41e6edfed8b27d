"""Counts the errors on the watchdog's thread, which must go on after each of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from loopwatch.detection.loggers import logger_of

logger = logger_of()


class Failures:
    """Counts errors in ``count``, and logs the first one."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, error: BaseException) -> None:
        self.count += 1
        if self.count == 1:
            logger.error("The watchdog failed, which is a bug in loopwatch; more are only counted", exc_info=error)

    @contextmanager
    def contained(self) -> Iterator[None]:
        """End the block at its first error, and note that. Even a subscriber that wants to exit ends nothing else."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001
            self.note(error)
