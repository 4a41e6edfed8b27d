"""Provides the base class of loopwatch's admins: the recorder writes the rows, users only view them."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db import DataError, router
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst, smart_split

from loopwatch.admin.row_locks import locked
from loopwatch.admin.tabs import Counts, Tab, stored_counts, tabs
from loopwatch.admin.time_range import TimeRange, carried, other_parameters
from loopwatch.admin.timed_lists import TimedChangeList
from loopwatch.conf import configuration
from loopwatch.reporting.overview import SPANS

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

_NO_SUCH_VALUE = (DataError, OverflowError, ValueError)
"""What queries raise for a number of a request that no column, or no date, can hold."""
_MOST_WORDS = 20
_LONGEST_KEY = 18
"""Every number of so many digits is one that a ``BigAutoField`` can hold."""


def searched_words(search_term: str) -> Iterator[str]:
    """Yield the first twenty words, because databases limit the depth of a condition; quoted words stay together."""
    return islice(smart_split(search_term), _MOST_WORDS)


def _is_key(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _LONGEST_KEY


class ReadOnlyAdmin(ModelAdmin):
    """Allows no additions or changes. The page of a row shows ``page_context`` in the model's own template."""

    # The template draws the page, so the form behind it needs no field.
    fieldsets: ClassVar[Any] = ((None, {"fields": ()}),)
    show_full_result_count = False
    changelist: type[TimedChangeList] = TimedChangeList
    styles: tuple[str, ...] = ("loopwatch/admin.css",)

    @property
    def media(self) -> Media:
        """The style sheets of the page and the script of its actions, without the scripts of Django's forms."""
        return Media(css={"all": self.styles}, js=["admin/js/actions.js"])

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(self.database_for(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, " ".join(searched_words(search_term)))

    def database_for(self, request: HttpRequest) -> str | None:
        """Return the alias in the settings, or for a POST where the router writes; ``None`` lets the router choose."""
        if request.method == "POST":
            return configuration().database or router.db_for_write(self.model)
        return configuration().database

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list. Raises ``IncorrectLookupParameters`` for any filter that the database refuses."""
        try:
            return super().get_changelist_instance(request)
        except _NO_SUCH_VALUE as error:
            raise IncorrectLookupParameters(error) from error

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list. An action on rows that cannot exist shows the list again, without filters."""
        if not all(map(_is_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        own = {
            "title": capfirst(self.opts.verbose_name_plural),
            "tabs": partial(self.tabs, request),
            **self.range_context(request, None, has_any_time=True),
        }
        return super().changelist_view(request, own | (extra_context or {}))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete the row, which the recorder may be writing, or ask for confirmation first."""
        key = unquote(object_id)
        if request.method != "POST" or not _is_key(key) or not self.has_delete_permission(request):
            return super().delete_view(request, object_id, extra_context)
        with locked(self.get_queryset(request).filter(pk=key)):
            return super().delete_view(request, object_id, extra_context)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the context of the row's page."""
        raise NotImplementedError

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= {"tabs": partial(self.tabs, request)} | self.page_context(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def tabs(self, request: HttpRequest, counts: Counts | None = None) -> list[Tab]:
        """Return the tabs of this page, which keep its time; without ``counts``, they are looked up."""
        shows = partial(self.shows, request)
        found = stored_counts(configuration().database) if counts is None else counts
        return tabs(self.admin_site.name, self.model, shows, found, urlencode(carried(request.GET)))

    def range_context(
        self, request: HttpRequest, shown: TimeRange | None, *, has_any_time: bool = False
    ) -> dict[str, Any]:
        """Return the context of ``loopwatch/time_range.html``."""
        kept = other_parameters(request.GET)
        return {
            "range": shown,
            "spans": list(SPANS.values()),
            "has_any_time": has_any_time,
            "kept": kept,
            "prefix": urlencode(kept) + "&" if kept else "",
        }

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return self.changelist

    def shows(self, request: HttpRequest, model: type[Model]) -> bool:
        """Return whether the user may follow a link to a row of another model."""
        site = self.admin_site
        return site.is_registered(model) and site.get_model_admin(model).has_view_permission(request)
