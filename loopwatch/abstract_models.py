"""Defines the columns that several models share."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from loopwatch import impact
from loopwatch.exact_char_field import ExactCharField
from loopwatch.headline import headline
from loopwatch.impact import Impact


class ImpactColumns(models.Model):
    """The columns of an ``Impact``."""

    events = models.PositiveBigIntegerField(default=0)
    blocked_us = models.PositiveBigIntegerField(default=0)
    longest_us = models.PositiveBigIntegerField(default=0)
    requests_delayed = models.PositiveBigIntegerField(default=0)
    delay_us = models.PositiveBigIntegerField(default=0)
    requests_kept_out = models.PositiveBigIntegerField(default=0)
    kept_out_us = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def impact(self) -> Impact:
        return Impact(*(getattr(self, column) for column in impact.COLUMNS))

    @property
    def blocked_ms(self) -> float:
        return self.blocked_us / 1000

    @property
    def longest_ms(self) -> float:
        return self.longest_us / 1000

    @property
    def delay_ms(self) -> float:
        return self.delay_us / 1000

    @property
    def kept_out_ms(self) -> float:
        return self.kept_out_us / 1000


class CallColumns(models.Model):
    """The columns of a call: what it was, where in-app code made it, and where else the step spent its time."""

    blocking_call = ExactCharField(max_length=300, blank=True)
    called_name = ExactCharField(max_length=300, blank=True)
    filename = ExactCharField(max_length=500, blank=True)
    lineno = models.PositiveIntegerField(default=0)
    source = ExactCharField(max_length=500, blank=True)
    cause = ExactCharField(max_length=20)
    exact = models.BooleanField(_("exact"), default=True)
    other_function = ExactCharField(max_length=300, blank=True)
    other_called_name = ExactCharField(max_length=300, blank=True)
    other_lineno = models.PositiveIntegerField(default=0)
    other_us = models.PositiveBigIntegerField(default=0)
    calls_seen = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Return the names of these columns, without those of a model that has more."""
        return tuple(field.attname for field in CallColumns._meta.local_concrete_fields)

    @property
    def headline(self) -> str:
        return headline(called=self.called_name, detail=self.blocking_call)
