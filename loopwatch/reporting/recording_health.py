"""Sums up what the processes of the site last wrote about themselves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from loopwatch.models import ProcessHealth
from loopwatch.rows.details import read_errors

_COUNTS = ("seen", "unexamined", "stored", "thinned", "withheld", "dropped", "undelivered", "pending")


@dataclass(frozen=True, slots=True)
class RecordingHealth:
    """Sums over the processes that wrote within the last 7 days; ``loopwatch.stats()`` explains the counts."""

    processes: int
    seen: int
    stored: int
    unexamined: int
    thinned: int
    withheld: int
    dropped: int
    undelivered: int
    pending: int
    errors: Mapping[str, int]

    @property
    def has_losses(self) -> bool:
        return bool(self.unexamined or self.dropped or self.undelivered or self.pending or self.errors)


def recording_health(using: str | None) -> RecordingHealth:
    """Sum up the stored figures, in one query."""
    rows = ProcessHealth.objects.using(using).values_list("errors", *_COUNTS)
    errors, counts = Counter[str](), Counter[str]()
    for stored, *figures in rows:
        errors.update(dict(read_errors(stored).values))
        counts.update(dict(zip(_COUNTS, figures, strict=True)))
    return RecordingHealth(len(rows), **{name: counts[name] for name in _COUNTS}, errors=dict(errors))


def errors_in_words(stored: object) -> str:
    """Format as ``callback 3, database 1``, the most frequent first; empty for none."""
    counts = sorted(read_errors(stored).values, key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{source} {count:,}" for source, count in counts)
