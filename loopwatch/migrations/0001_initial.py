import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ProcessHealth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=100, verbose_name="host")),
                ("process_id", models.PositiveIntegerField(verbose_name="process")),
                ("release", models.CharField(blank=True, max_length=100, verbose_name="release")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("reported_at", models.DateTimeField(db_index=True, verbose_name="reported")),
                ("seen", models.PositiveBigIntegerField(default=0, verbose_name="seen")),
                ("stored", models.PositiveBigIntegerField(default=0, verbose_name="stored")),
                ("thinned", models.PositiveBigIntegerField(default=0, verbose_name="thinned")),
                ("withheld", models.PositiveBigIntegerField(default=0, verbose_name="withheld")),
                ("dropped", models.PositiveBigIntegerField(default=0, verbose_name="dropped")),
                ("undelivered", models.PositiveBigIntegerField(default=0, verbose_name="undelivered")),
                ("pending", models.PositiveBigIntegerField(default=0, verbose_name="pending")),
                ("errors", models.JSONField(default=dict, verbose_name="errors")),
                ("last_error", models.CharField(blank=True, max_length=300, verbose_name="last error")),
                (
                    "watchdog_cpu_us",
                    models.PositiveBigIntegerField(default=0, verbose_name="CPU time of the watchdog (µs)"),
                ),
                (
                    "writer_cpu_us",
                    models.PositiveBigIntegerField(default=0, verbose_name="CPU time of the writer (µs)"),
                ),
            ],
            options={
                "verbose_name": "process",
                "verbose_name_plural": "processes",
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=32, unique=True, verbose_name="fingerprint")),
                ("blocking_call", models.CharField(max_length=300, verbose_name="blocking call")),
                ("function", models.CharField(max_length=300, verbose_name="function")),
                ("filename", models.CharField(blank=True, max_length=500, verbose_name="file")),
                ("lineno", models.PositiveIntegerField(default=0, verbose_name="line")),
                ("source", models.CharField(blank=True, max_length=500, verbose_name="source")),
                ("cause", models.CharField(max_length=20, verbose_name="cause")),
                ("is_c_call", models.BooleanField(default=False, verbose_name="C call")),
                ("exact", models.BooleanField(default=True, verbose_name="exact")),
                ("events", models.PositiveBigIntegerField(default=0, verbose_name="events")),
                ("events_thinned", models.PositiveBigIntegerField(default=0, verbose_name="events thinned")),
                ("blocked_us", models.PositiveBigIntegerField(default=0, verbose_name="blocked (µs)")),
                ("longest_us", models.PositiveBigIntegerField(default=0, verbose_name="longest (µs)")),
                ("requests_delayed", models.PositiveBigIntegerField(default=0, verbose_name="requests delayed")),
                ("delay_us", models.PositiveBigIntegerField(default=0, verbose_name="delay caused (µs)")),
                ("first_seen", models.DateTimeField(verbose_name="first seen")),
                ("last_seen", models.DateTimeField(verbose_name="last seen")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("resolved", "resolved"), ("ignored", "ignored")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("status_changed_at", models.DateTimeField(blank=True, null=True, verbose_name="status changed")),
                ("status_changed_by", models.CharField(blank=True, max_length=150, verbose_name="status changed by")),
                ("reopened_at", models.DateTimeField(blank=True, null=True, verbose_name="reopened")),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "indexes": [
                    models.Index(fields=["-blocked_us"], name="loopwatch_finding_blocked"),
                    models.Index(fields=["-last_seen"], name="loopwatch_finding_last_seen"),
                    models.Index(fields=["status", "-blocked_us"], name="loopwatch_finding_status"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BlockingEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stall_id", models.CharField(max_length=32, unique=True, verbose_name="stall")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("duration_us", models.PositiveBigIntegerField(verbose_name="duration (µs)")),
                ("step_us", models.PositiveBigIntegerField(verbose_name="step (µs)")),
                ("ongoing", models.BooleanField(default=False, verbose_name="still going on")),
                ("cause", models.CharField(max_length=20, verbose_name="cause")),
                ("exact", models.BooleanField(default=True, verbose_name="exact")),
                ("engine", models.CharField(max_length=10, verbose_name="engine")),
                ("called_name", models.CharField(blank=True, max_length=300, verbose_name="called")),
                ("leaf_name", models.CharField(blank=True, max_length=300, verbose_name="leaf")),
                ("filename", models.CharField(blank=True, max_length=500, verbose_name="file")),
                ("lineno", models.PositiveIntegerField(default=0, verbose_name="line")),
                ("source", models.CharField(blank=True, max_length=500, verbose_name="source")),
                ("request_kind", models.CharField(blank=True, max_length=10, verbose_name="request")),
                ("method", models.CharField(blank=True, max_length=10, verbose_name="method")),
                ("route", models.CharField(blank=True, max_length=300, verbose_name="route")),
                ("consumer", models.CharField(blank=True, max_length=300, verbose_name="consumer")),
                ("requests_delayed", models.PositiveIntegerField(default=0, verbose_name="requests delayed")),
                ("task_name", models.CharField(blank=True, max_length=200, verbose_name="task")),
                ("host", models.CharField(blank=True, max_length=100, verbose_name="host")),
                ("process_id", models.PositiveIntegerField(default=0, verbose_name="process")),
                ("release", models.CharField(blank=True, max_length=100, verbose_name="release")),
                ("contributions", models.JSONField(default=list, verbose_name="contributions")),
                ("stacks", models.JSONField(default=dict, verbose_name="stacks")),
                (
                    "finding",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocking_events",
                        to="loopwatch.finding",
                        verbose_name="finding",
                    ),
                ),
            ],
            options={
                "verbose_name": "blocking event",
                "verbose_name_plural": "blocking events",
                "indexes": [
                    models.Index(fields=["finding", "-started_at"], name="loopwatch_event_newest"),
                    models.Index(fields=["finding", "-duration_us"], name="loopwatch_event_slowest"),
                    models.Index(fields=["-started_at"], name="loopwatch_event_started"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HourlyTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(verbose_name="hour")),
                ("method", models.CharField(blank=True, max_length=10, verbose_name="method")),
                ("route", models.CharField(blank=True, max_length=300, verbose_name="route")),
                ("release", models.CharField(blank=True, max_length=100, verbose_name="release")),
                ("events", models.PositiveBigIntegerField(default=0, verbose_name="events")),
                ("blocked_us", models.PositiveBigIntegerField(default=0, verbose_name="blocked (µs)")),
                ("longest_us", models.PositiveBigIntegerField(default=0, verbose_name="longest (µs)")),
                ("requests_delayed", models.PositiveBigIntegerField(default=0, verbose_name="requests delayed")),
                ("delay_us", models.PositiveBigIntegerField(default=0, verbose_name="delay caused (µs)")),
                ("under_2ms", models.PositiveIntegerField(default=0)),
                ("under_5ms", models.PositiveIntegerField(default=0)),
                ("under_10ms", models.PositiveIntegerField(default=0)),
                ("under_20ms", models.PositiveIntegerField(default=0)),
                ("under_35ms", models.PositiveIntegerField(default=0)),
                ("under_50ms", models.PositiveIntegerField(default=0)),
                ("under_75ms", models.PositiveIntegerField(default=0)),
                ("under_100ms", models.PositiveIntegerField(default=0)),
                ("under_150ms", models.PositiveIntegerField(default=0)),
                ("under_250ms", models.PositiveIntegerField(default=0)),
                ("under_500ms", models.PositiveIntegerField(default=0)),
                ("under_1000ms", models.PositiveIntegerField(default=0)),
                ("under_2500ms", models.PositiveIntegerField(default=0)),
                ("under_5000ms", models.PositiveIntegerField(default=0)),
                ("under_10000ms", models.PositiveIntegerField(default=0)),
                ("under_30000ms", models.PositiveIntegerField(default=0)),
                ("over_30000ms", models.PositiveIntegerField(default=0)),
                (
                    "finding",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hourly_totals",
                        to="loopwatch.finding",
                        verbose_name="finding",
                    ),
                ),
            ],
            options={
                "verbose_name": "hourly total",
                "verbose_name_plural": "hourly totals",
                "indexes": [models.Index(fields=["hour"], name="loopwatch_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("finding", "hour", "method", "route", "release"), name="loopwatch_hour_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommittedBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("writer", models.CharField(max_length=32, unique=True, verbose_name="writer")),
                ("number", models.PositiveBigIntegerField(verbose_name="number")),
                ("committed_at", models.DateTimeField(db_index=True, verbose_name="committed")),
            ],
            options={
                "verbose_name": "committed batch",
                "verbose_name_plural": "committed batches",
            },
        ),
    ]
