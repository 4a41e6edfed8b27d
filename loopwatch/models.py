"""Defines the store: findings, their totals, a bounded number of events, and figures of loops and processes.

Durations are whole microseconds, so that counters added up by several processes are exact.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from loopwatch.abstract_models import CallColumns, ImpactColumns
from loopwatch.exact_char_field import ExactCharField
from loopwatch.rows.decoder import ColumnDecoder
from loopwatch.stored_time import as_local

OTHER_ROUTES = "(other routes)"
"""What stands in place of routes that are not stored separately, because there are too many."""


class Finding(CallColumns, ImpactColumns):
    """All stalls with the same fingerprint; a person browses, resolves and ignores findings.

    ``function`` and ``called_name`` identify the finding. The other columns of the call are those of its newest event,
    because lines move, and which part of a library takes the time is chance.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        RESOLVED = "resolved", _("resolved")
        IGNORED = "ignored", _("ignored")

    class ReopenWhen(models.TextChoices):
        """What reopens a finding. Without it, the next event reopens a resolved finding, and nothing an ignored one."""

        NEW_RELEASE = "new release"
        RELEASE = "release"
        LONGER = "longer"
        MORE = "more"

    fingerprint = ExactCharField(max_length=32, unique=True)
    function = ExactCharField(max_length=300)

    events_thinned = models.PositiveBigIntegerField(default=0)
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))
    first_release = ExactCharField(_("first release"), max_length=100, blank=True)
    last_release = ExactCharField(max_length=100, blank=True)

    status = ExactCharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    status_changed_at = models.DateTimeField(null=True, blank=True)
    status_changed_by = ExactCharField(max_length=150, blank=True)
    reopen_when = ExactCharField(max_length=20, blank=True)
    reopen_release = ExactCharField(max_length=100, blank=True)
    reopen_figure_us = models.PositiveBigIntegerField(null=True, blank=True)
    known_releases = models.JSONField(decoder=ColumnDecoder, default=list, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_release = ExactCharField(max_length=100, blank=True)
    reopened_figure_us = models.PositiveBigIntegerField(null=True, blank=True)
    alarmed_at = models.DateTimeField(null=True, blank=True)
    note = ExactCharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        indexes: ClassVar = [
            models.Index(fields=["-blocked_us"], name="loopwatch_finding_blocked"),
            models.Index(fields=["-last_seen"], name="loopwatch_finding_last_seen"),
            models.Index(fields=["status", "-blocked_us"], name="loopwatch_finding_status"),
            models.Index(fields=["-first_seen"], name="loopwatch_finding_first_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.headline} in {self.function}"


class BlockingEvent(CallColumns):
    """One stored stall, with its stacks in the format of ``loopwatch.rows.stacks``."""

    # The indexes below begin with the finding, so that the column needs no separate index.
    finding = models.ForeignKey(
        Finding, models.CASCADE, related_name="blocking_events", db_index=False, verbose_name=_("finding")
    )
    stall_id = ExactCharField(max_length=32, unique=True)
    started_at = models.DateTimeField(_("started"))
    duration_us = models.PositiveBigIntegerField()
    step_us = models.PositiveBigIntegerField()
    ongoing = models.BooleanField(default=False)
    engine = ExactCharField(max_length=10)
    leaf_name = ExactCharField(max_length=300, blank=True)
    request_kind = ExactCharField(max_length=10, blank=True)
    method = ExactCharField(_("method"), max_length=10, blank=True)
    route = ExactCharField(_("route"), max_length=300, blank=True)
    consumer = ExactCharField(max_length=300, blank=True)
    requests_delayed = models.PositiveIntegerField(default=0)
    delayed_routes = models.JSONField(decoder=ColumnDecoder, default=list)
    """``[method, route, requests]`` of the requests that waited, most first."""
    requests_kept_out = models.PositiveIntegerField(default=0)
    kept_out_us = models.PositiveBigIntegerField(default=0)
    task_name = ExactCharField(max_length=200, blank=True)
    host = ExactCharField(_("host"), max_length=100, blank=True)
    process_id = models.PositiveIntegerField(_("process"), default=0)
    release = ExactCharField(_("release"), max_length=100, blank=True)
    contributions = models.JSONField(decoder=ColumnDecoder, default=list)
    stacks = models.JSONField(decoder=ColumnDecoder, default=dict)

    class Meta:
        verbose_name = _("blocking event")
        verbose_name_plural = _("blocking events")
        indexes: ClassVar = [
            models.Index(fields=["finding", "-started_at"], name="loopwatch_event_newest"),
            models.Index(fields=["finding", "-duration_us"], name="loopwatch_event_slowest"),
            models.Index(fields=["-started_at"], name="loopwatch_event_started"),
        ]

    def __str__(self) -> str:
        return f"{self.duration_ms:.1f} ms at {as_local(self.started_at):%Y-%m-%d %H:%M:%S}"

    @property
    def function(self) -> str:
        return self.finding.function

    @property
    def duration_ms(self) -> float:
        return self.duration_us / 1000

    @property
    def step_ms(self) -> float:
        return self.step_us / 1000

    @property
    def kept_out_ms(self) -> float:
        return self.kept_out_us / 1000


class HourlyTotal(ImpactColumns):
    """Exact counts of one finding, hour (UTC), route and release. They outlive pruned events.

    The columns ``under_2ms`` to ``over_30000ms`` are a histogram of durations (see ``loopwatch.histogram``). Each
    counts the events between the previous bound and its own; a stall is counted when it has ended.
    """

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="hourly_totals", db_index=False)
    hour = models.DateTimeField()
    method = ExactCharField(max_length=10, blank=True)
    route = ExactCharField(max_length=300, blank=True)
    release = ExactCharField(max_length=100, blank=True)
    under_2ms = models.PositiveIntegerField(default=0)
    under_5ms = models.PositiveIntegerField(default=0)
    under_10ms = models.PositiveIntegerField(default=0)
    under_20ms = models.PositiveIntegerField(default=0)
    under_35ms = models.PositiveIntegerField(default=0)
    under_50ms = models.PositiveIntegerField(default=0)
    under_75ms = models.PositiveIntegerField(default=0)
    under_100ms = models.PositiveIntegerField(default=0)
    under_150ms = models.PositiveIntegerField(default=0)
    under_250ms = models.PositiveIntegerField(default=0)
    under_500ms = models.PositiveIntegerField(default=0)
    under_1000ms = models.PositiveIntegerField(default=0)
    under_2500ms = models.PositiveIntegerField(default=0)
    under_5000ms = models.PositiveIntegerField(default=0)
    under_10000ms = models.PositiveIntegerField(default=0)
    under_30000ms = models.PositiveIntegerField(default=0)
    over_30000ms = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("hourly total")
        verbose_name_plural = _("hourly totals")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["finding", "hour", "method", "route", "release"], name="loopwatch_hour_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="loopwatch_hour")]

    def __str__(self) -> str:
        return f"{self.events} events in the hour from {self.hour:%Y-%m-%d %H:%M}"


class RouteTotal(ImpactColumns):
    """The stalls of one route and the waits of its requests, in one hour or day (UTC).

    Over all routes, the figures of stalls add up to those of the hourly totals, ``waits`` to ``requests_delayed``, and
    ``waited_us`` to ``delay_us``; likewise ``arrivals_late`` to ``requests_kept_out``, and ``late_us`` to
    ``kept_out_us``. If many requests wait at once, the routes of some are looked up and count for all
    (see ``loopwatch.detection.timing.in_flight``). Routes of little impact are added up as ``OTHER_ROUTES``.
    """

    class Hours(models.IntegerChoices):
        HOUR = 1
        DAY = 24

    hours = models.PositiveSmallIntegerField()
    start = models.DateTimeField()
    method = ExactCharField(max_length=10, blank=True)
    route = ExactCharField(max_length=300, blank=True)
    waits = models.PositiveBigIntegerField(default=0)
    waited_us = models.PositiveBigIntegerField(default=0)
    arrivals_late = models.PositiveBigIntegerField(default=0)
    late_us = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hours", "start", "method", "route"], name="loopwatch_route_total_once"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route}".strip()


class LoopTime(ImpactColumns):
    """The loops of one process in one minute or hour. Only that process writes the row, with its totals.

    The figures are those of findings, but a long stall is spread over the minutes that it lasted. ``longest_us`` is the
    worst pause for any reason, and ``machine_us`` how long the machine was to blame. ``busy_us`` is how long steps ran
    (``loopwatch.detection.timing.loop_usage``), ``None`` if unknown. ``steps`` counts the steps of an hour by their
    duration, from 2 ms on, under the names of ``loopwatch.histogram.COLUMNS``.
    """

    class Minutes(models.IntegerChoices):
        MINUTE = 1
        HOUR = 60

    minutes = models.PositiveSmallIntegerField()
    start = models.DateTimeField()
    host = ExactCharField(max_length=100)
    process_id = models.PositiveIntegerField()
    since = models.DateTimeField()
    release = ExactCharField(max_length=100, blank=True)
    longest_us = models.PositiveBigIntegerField(default=0)
    machine_us = models.PositiveBigIntegerField(default=0)
    busy_us = models.PositiveBigIntegerField(null=True, default=None)
    steps = models.JSONField(decoder=ColumnDecoder, default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["minutes", "start", "host", "process_id", "since"], name="loopwatch_loop_time_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host} {self.process_id} from {self.start:%Y-%m-%d %H:%M}"


class ThreadWaitTotal(models.Model):
    """Waits of one route for a thread, by hour (UTC) and by the call that held the thread or most of several threads.

    A wait is counted when it has ended, but the largest values, from ``longest_us`` on, include ongoing waits.
    ``most_waiting`` is how many calls waited at the same time, and ``threads_held`` how many of the ``threads`` the
    call held, averaged over one wait. ``held_for`` is the request of the call that held the thread. The fingerprint is
    a hash of the identifying columns (see ``loopwatch.recorder.thread_wait_rows``).
    """

    class Thread(models.TextChoices):
        """The owner of the thread or threads."""

        PROCESS = "process"
        REQUEST = "request"
        EXECUTOR = "executor"

    fingerprint = ExactCharField(max_length=32, unique=True)
    hour = models.DateTimeField(db_index=True)
    thread = ExactCharField(max_length=10)
    held_by = ExactCharField(max_length=300, blank=True)
    held_for = ExactCharField(max_length=311, blank=True)
    method = ExactCharField(max_length=10, blank=True)
    route = ExactCharField(max_length=300, blank=True)
    release = ExactCharField(max_length=100, blank=True)
    waits = models.PositiveBigIntegerField(default=0)
    waited_us = models.PositiveBigIntegerField(default=0)
    longest_us = models.PositiveBigIntegerField(default=0)
    most_waiting = models.PositiveIntegerField(default=0)
    threads = models.PositiveIntegerField(default=0)
    threads_held = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("thread wait")
        verbose_name_plural = _("thread waits")

    def __str__(self) -> str:
        return f"{self.waits} waits for {self.held_by} in the hour from {self.hour:%Y-%m-%d %H:%M}"


class ProcessHealth(models.Model):
    """The figures of ``loopwatch.stats()`` in one process of the site, as the process last wrote them."""

    host = ExactCharField(_("host"), max_length=100)
    process_id = models.PositiveIntegerField(_("process"))
    release = ExactCharField(_("release"), max_length=100, blank=True)
    since = models.DateTimeField(_("since"))
    reported_at = models.DateTimeField(_("reported"), db_index=True)
    seen = models.PositiveBigIntegerField(_("seen"), default=0)
    stored = models.PositiveBigIntegerField(_("stored"), default=0)
    thinned = models.PositiveBigIntegerField(_("thinned"), default=0)
    withheld = models.PositiveBigIntegerField(_("withheld"), default=0)
    dropped = models.PositiveBigIntegerField(_("dropped"), default=0)
    unexamined = models.PositiveBigIntegerField(_("not examined"), default=0)
    undelivered = models.PositiveBigIntegerField(_("undelivered"), default=0)
    pending = models.PositiveBigIntegerField(_("pending"), default=0)
    errors = models.JSONField(decoder=ColumnDecoder, default=dict)
    last_error = ExactCharField(_("last error"), max_length=300, blank=True)
    watchdog_cpu_us = models.PositiveBigIntegerField(default=0)
    writer_cpu_us = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")

    def __str__(self) -> str:
        return f"{self.host} {self.process_id}"

    @property
    def cpu_ms(self) -> float:
        return (self.watchdog_cpu_us + self.writer_cpu_us) / 1000


class CommittedBatch(models.Model):
    """The last batch that a writer committed; the writer reads it after the answer to a commit was lost."""

    writer = ExactCharField(max_length=32, unique=True)
    number = models.PositiveBigIntegerField()
    committed_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.writer} {self.number}"


class Overview(Finding):
    """A proxy without rows, which gives the overview its place in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("overview")
        verbose_name_plural = _("overview")


class Live(BlockingEvent):
    """A proxy without rows, which gives the live page its place in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("live page")
        verbose_name_plural = _("live page")
