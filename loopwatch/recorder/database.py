"""The database sink: adds deltas to the stored counters, exactly, while other processes do the same.

Every transaction begins with a write and visits findings in the order of their fingerprints. SQLite therefore never has
to upgrade a read lock, and a server never finds a deadlock at its usual isolation level.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db import connections

from loopwatch.conf import Configuration
from loopwatch.models import Finding
from loopwatch.recorder.column_values import text
from loopwatch.recorder.counters import count_routes, finding_row
from loopwatch.recorder.deltas import FindingDelta, HourKey, RouteDelta
from loopwatch.recorder.destination import alias_of
from loopwatch.recorder.division import Division
from loopwatch.recorder.event_columns import FindingEvents, events_of
from loopwatch.recorder.failures import Blame, RowError, blame_for
from loopwatch.recorder.finding_changes import ChangeFinder, FindingChange
from loopwatch.recorder.finding_rows import FindingRows, Written
from loopwatch.recorder.health import describe
from loopwatch.recorder.ledger import Ledger
from loopwatch.recorder.pending import Pending
from loopwatch.recorder.throttle import Throttle

FINDINGS_PER_TRANSACTION = 10
ROUTES_PER_TRANSACTION = 100


class UnstorableError(ValueError):
    """A call could not be converted to columns: a function of the site (``REDACT``) gave it values of wrong types."""


@dataclass(slots=True)
class Batch:
    """The content of one transaction: deltas by fingerprint, or what to add to routes; and what it has changed."""

    deltas: Mapping[str, FindingDelta] = field(default_factory=dict)
    routes: Mapping[HourKey, RouteDelta] = field(default_factory=dict)
    written: Written = Written()  # noqa: RUF009 - immutable

    @property
    def events(self) -> int:
        return sum(delta.impact.events for delta in self.deltas.values())


class DatabaseSink:
    """Writes what is pending. Runs on the writer thread, with that thread's connections.

    ``stored`` counts events written, ``thinned`` those of them kept only as a count, and ``dropped`` those that the
    database refuses because of their content; ``on_refusal`` gets the error. ``on_change`` gets the findings that a
    committed transaction has changed.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_refusal: Callable[[Exception], None],
        on_change: Callable[[FindingChange], None],
    ) -> None:
        self._configuration = configuration
        self._release = text(configuration.release, 100)
        changes = ChangeFinder(configuration.alarm_ms, configuration.admin_url)
        self._rows = FindingRows(self._release, configuration.events_per_finding, changes)
        self._on_refusal = on_refusal
        self._on_change = on_change
        self._ledger = Ledger[Batch]()
        self._pending = Pending()
        self._findings = Division(self._write_findings, self._refuse_finding, self._ledger.is_in_doubt)
        self._routes = Division(self._write_routes, self._refuse_route, self._ledger.is_in_doubt)
        self._throttle = Throttle(is_hurried=False)
        self.stored = 0
        self.thinned = 0
        self.dropped = 0

    @property
    def alias(self) -> str:
        """Return the alias of the database: the one in the settings, or the router's choice."""
        return alias_of(self._configuration)

    @property
    def is_in_doubt(self) -> bool:
        """Whether a batch was taken out of ``pending`` whose commit was not confirmed."""
        return self._ledger.is_in_doubt()

    @property
    def events_in_doubt(self) -> int:
        """How many events that batch has."""
        batch = self._ledger.doubtful
        return batch.events if batch else 0

    @property
    def error(self) -> RowError | None:
        """Return the error of what could not be written in the last pass, and is to be tried again."""
        return self._findings.error or self._routes.error

    def write(self, pending: Pending, *, at_once: bool = False) -> None:
        """Write every delta and remove it from ``pending``; slowly enough for the loop, unless ``at_once``.

        Exceptions of a transaction are raised. Committed deltas have been removed by then, so trying again is safe. If
        the answer to a commit was lost, the deltas are kept here, to be tried again unchanged.
        """
        alias = self.alias
        self._pending = pending
        self._throttle = Throttle(is_hurried=at_once)
        # A ValueError for wrong OPTIONS is raised here, where it is not mistaken for bad data.
        connections[alias].ensure_connection()
        self._ledger.open(alias)
        self._ledger.settle(alias, self._commit, self._put_back)
        self._findings.write(alias, sorted(pending.findings), FINDINGS_PER_TRANSACTION)
        self._routes.write(alias, sorted(pending.routes), ROUTES_PER_TRANSACTION)

    def _put_back(self, batch: Batch, _error: Exception) -> None:
        """Have a batch that cannot be stored as a whole divided."""
        for fingerprint, delta in batch.deltas.items():
            self._pending.put_back(fingerprint, delta)
        self._pending.add_routes(batch.routes)

    def _write_findings(self, alias: str, fingerprints: list[str]) -> None:
        self._write(alias, Batch({each: self._pending.findings[each] for each in fingerprints}))

    def _refuse_finding(self, fingerprint: str, error: Exception) -> None:
        """Write the counts of a finding whose calls cannot be stored; drop it if these cannot be stored either."""
        self._on_refusal(error)
        delta = self._pending.findings[fingerprint]
        counts = FindingDelta(delta.call, delta.first_seen, delta.last_seen, delta.impact, delta.hours)
        counts.thinned = delta.thinned + sum(detail.is_new for detail in delta.details.values())
        try:
            self._write(self.alias, Batch({fingerprint: counts}))
        except Exception as again:
            if self.is_in_doubt or blame_for(again) not in {Blame.CONTENT, blame_for(error)}:
                raise
            self.dropped += delta.impact.events
            self._pending.remove(fingerprint)

    def _write_routes(self, alias: str, keys: list[HourKey]) -> None:
        """Write routes in separate, short transactions, because every process adds to the same few rows."""
        self._write(alias, Batch(routes={key: self._pending.routes[key] for key in keys}))

    def _refuse_route(self, key: HourKey, error: Exception) -> None:
        self._on_refusal(error)
        self._pending.remove_routes(key)

    def _write(self, alias: str, batch: Batch) -> None:
        """Commit what is pending. If that is doubtful, the ledger has it instead."""
        try:
            self._commit(alias, batch)
        except BaseException:
            if self._ledger.doubtful is batch:
                self._remove(batch)
            raise
        self._remove(batch)
        self._throttle.rest()

    def _remove(self, batch: Batch) -> None:
        self._pending.remove(*batch.deltas)
        self._pending.remove_routes(*batch.routes)

    def _commit(self, alias: str, batch: Batch) -> None:
        findings, events = self._converted(batch.deltas)

        def write() -> None:
            batch.written = self._rows.write(alias, batch.deltas, findings, events)
            count_routes(alias, batch.routes)

        self._ledger.commit(alias, batch, write)
        self.stored += batch.events
        self.thinned += sum(delta.thinned for delta in batch.deltas.values()) + batch.written.deleted
        for change in batch.written.changes:
            self._on_change(change)

    def _converted(self, deltas: Mapping[str, FindingDelta]) -> tuple[list[Finding], dict[str, FindingEvents]]:
        """Convert the calls before the transaction. Raises ``UnstorableError``.

        An error here is never the database's. Encoding stacks reads source files, and on SQLite other writers would
        wait for the transaction meanwhile.
        """
        rest = self._throttle.rest
        try:
            findings = [finding_row(each, self._release, delta) for each, delta in deltas.items()]
            return findings, {each: events_of(delta, self._release, rest) for each, delta in deltas.items()}
        except MemoryError:  # may be temporary
            raise
        except Exception as error:
            raise UnstorableError(f"A call could not be converted: {describe(error)}") from error
