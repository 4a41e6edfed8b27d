"""Writes rows in groups, and finds the row that keeps its group from being stored.

A transaction fails as a whole. While the database answers, a group that fails is divided, so that a row that cannot be
stored delays no other.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from django.db import connections

from loopwatch.recorder.failures import Blame, RowError, blame_for
from loopwatch.recorder.health import describe

ATTEMPTS = 5
"""So often a row must fail alone, for a reason that is not known, while others are stored, before it is given up."""

Key = TypeVar("Key", bound=Hashable)


class Division(Generic[Key]):
    """Writes rows, named by keys. Used by one thread at a time.

    ``write`` stores the rows with these keys in one transaction; ``refuse`` gets a key that cannot be stored, with the
    error. While ``is_in_doubt``, an error is raised at once, because the commit may have happened.
    """

    def __init__(
        self,
        write: Callable[[str, list[Key]], None],
        refuse: Callable[[Key, Exception], None],
        is_in_doubt: Callable[[], bool] = lambda: False,
    ) -> None:
        self._write = write
        self._refuse = refuse
        self._is_in_doubt = is_in_doubt
        self._failures = Counter[Key]()
        self._errors: dict[Key, Exception] = {}
        self._is_any_stored = False

    @property
    def error(self) -> RowError | None:
        """Return the error of a row that was not stored in the last pass, and is to be tried again."""
        error = next(iter(self._errors.values()), None)
        return RowError(describe(error)) if error else None

    def write(self, alias: str, keys: list[Key], together: int) -> None:
        """Write all, so many together. Raises an error that is the database's own, and not that of a row."""
        self._errors.clear()
        self._is_any_stored = False
        for start in range(0, len(keys), together):
            self._attempt(alias, keys[start : start + together])
        if self._is_any_stored:
            self._failures.update(self._errors.keys())
        self._failures = Counter({key: self._failures[key] for key in self._errors})
        for key in [key for key, number in self._failures.items() if number >= ATTEMPTS]:
            self._refuse(key, self._errors.pop(key))

    def _attempt(self, alias: str, keys: list[Key]) -> None:
        try:
            self._write(alias, keys)
            self._is_any_stored = True
        except Exception as error:
            if self._is_in_doubt() or not _may_be_of_a_row(error, alias):
                raise
            if len(keys) > 1:
                for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                    self._attempt(alias, half)
            elif blame_for(error) is Blame.CONTENT:
                self._refuse(keys[0], error)
            else:
                self._errors[keys[0]] = error


def _may_be_of_a_row(error: Exception, alias: str) -> bool:
    """Return whether a row may be to blame. Raises the database's error if it no longer answers."""
    if isinstance(error, MemoryError):
        return False
    blame = blame_for(error)
    if blame is Blame.UNKNOWN:  # such as a connection that the server closed because a row was too large
        connections[alias].close()
        connections[alias].ensure_connection()
    return blame in {Blame.CONTENT, Blame.UNKNOWN}
