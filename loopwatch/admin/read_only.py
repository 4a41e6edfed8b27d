"""What both pages of the admin have in common: rows come from the recorder, people only look at them."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from loopwatch.conf import configuration

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Nothing can be added or changed; the page of one row shows ``page_context`` in the model's own template."""

    # The row's page is drawn by its template, so the form behind it has no field.
    fieldsets: ClassVar[Any] = ((None, {"fields": ()}),)
    show_full_result_count = False

    class Media:
        css = {"all": ("loopwatch/admin.css",)}  # noqa: RUF012 - the form in which Django documents it

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(configuration().database)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the template of the row's page shows."""
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
            context |= self.page_context(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def shows(self, request: HttpRequest, model: type[Model]) -> bool:
        """Whether this person may follow a link to a row of another model."""
        site = self.admin_site
        return site.is_registered(model) and site.get_model_admin(model).has_view_permission(request)
