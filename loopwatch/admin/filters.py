"""Defines the filters of the lists. They need no extra query, and accept unknown values."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.read_only import ModelAdmin
from loopwatch.models import Finding
from loopwatch.wording.findings import CAUSES


class StatusFilter(admin.SimpleListFilter):
    """Shows open findings by default, without resolved and ignored ones."""

    title = _("status")
    parameter_name = "status"
    ALL = "all"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002
        model_admin: ModelAdmin,  # noqa: ARG002
    ) -> list[tuple[str, Any]]:
        return [*Finding.Status.choices, (self.ALL, _("All"))]

    def value(self) -> str:
        chosen = super().value()
        return chosen if chosen in {*Finding.Status.values, self.ALL} else Finding.Status.OPEN

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset if self.value() == self.ALL else queryset.filter(status=self.value())

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Drop Django's first choice, "All", because no choice means open here."""
        return islice(super().choices(changelist), 1, None)


class CauseFilter(admin.SimpleListFilter):
    title = _("cause")
    parameter_name = "cause"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002
        model_admin: ModelAdmin,  # noqa: ARG002
    ) -> list[tuple[str, Any]]:
        return [(cause, label) for cause, (label, _meaning) in CAUSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:  # noqa: ARG002
        return queryset.filter(cause=self.value()) if self.value() in CAUSES else queryset
