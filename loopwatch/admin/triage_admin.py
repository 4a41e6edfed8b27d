"""Provides the buttons, the form and the actions that resolve, ignore and reopen findings."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loopwatch.admin.read_only import ReadOnlyAdmin
from loopwatch.admin.triage import Decision, decide, log_change
from loopwatch.admin.undo import remember, take_back
from loopwatch.models import Finding
from loopwatch.wording.findings import reopen_condition, reopen_reason

Status, When = Finding.Status, Finding.ReopenWhen

NAMED = 20
_RESOLVED = "resolved until a new release"
_LONGEST_MS = 24 * 3600 * 1000


class Sentence(NamedTuple):
    """A choice in words, with the field that is inside of its sentence, if it has one."""

    radio: Any
    before: str
    field: BoundField | None
    after: str


def _duration_field() -> forms.FloatField:
    widget = forms.NumberInput(attrs={"aria-label": _("Milliseconds"), "step": "any"})
    return forms.FloatField(label=_("Milliseconds"), min_value=1, max_value=_LONGEST_MS, required=False, widget=widget)


class TriageForm(forms.Form):
    """Asks until when to set findings aside. The field that a choice requires is inside of its sentence, at ``{}``."""

    choice = forms.ChoiceField(
        label=_("Set aside"),
        choices=(
            (_RESOLVED, _("resolved, until it occurs in a new release")),
            (When.NEW_RELEASE, _("ignored, until it occurs in a new release")),
            (When.RELEASE, _("ignored, until it occurs in release {} or a later one")),
            (When.LONGER, _("ignored, until a stall lasts longer than {} ms")),
            (When.MORE, _("ignored, until it blocks for more than {} ms within an hour")),
        ),
        widget=forms.RadioSelect,
    )
    release = forms.CharField(
        label=_("Release"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"aria-label": _("Release"), "size": 12}),
    )
    longer = _duration_field()
    more = _duration_field()

    def sentences(self) -> Iterator[Sentence]:
        """Yield the choices in their order."""
        for radio in self["choice"]:
            name = radio.data["value"]
            before, _mark, after = str(radio.choice_label).partition("{}")
            yield Sentence(radio, before, self[name] if name in self.fields else None, after)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        choice = cleaned.get("choice")
        if choice == When.RELEASE and not cleaned.get("release"):
            self.add_error("release", _("Enter a release."))
        if choice in {When.LONGER, When.MORE} and not cleaned.get(choice) and choice not in self.errors:
            self.add_error(choice, _("Enter a number of milliseconds."))
        return cleaned

    def decision(self) -> Decision:
        """Return the decision of a valid form."""
        choice = self.cleaned_data["choice"]
        if choice == _RESOLVED:
            return Decision(Status.RESOLVED, When.NEW_RELEASE)
        if choice == When.RELEASE:
            return Decision(Status.IGNORED, choice, reopen_release=self.cleaned_data["release"])
        if choice == When.NEW_RELEASE:
            return Decision(Status.IGNORED, choice)
        return Decision(Status.IGNORED, choice, reopen_figure_us=round(self.cleaned_data[choice] * 1000))


class NoteForm(forms.Form):
    """Asks for a note on a finding, which may be empty."""

    note = forms.CharField(
        label=_("Note"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "aria-label": _("Note")}),
    )


class TriageAdmin(ReadOnlyAdmin):
    """Adds triage to the admin of findings."""

    styles = (*ReadOnlyAdmin.styles, "loopwatch/triage.css")

    actions: Any = ("resolve", "ignore", "set_aside", "reopen")

    @admin.action(permissions=["triage"], description=_("Resolve selected findings"))
    def resolve(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._decide(request, queryset, Decision(Status.RESOLVED))

    @admin.action(permissions=["triage"], description=_("Ignore selected findings"))
    def ignore(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._decide(request, queryset, Decision(Status.IGNORED))

    @admin.action(permissions=["triage"], description=_("Ignore or resolve selected findings until …"))
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Finding]) -> HttpResponse | None:
        """Ask until when, on a page that posts back to this action."""
        form = TriageForm(request.POST if "choice" in request.POST or "apply" in request.POST else None)
        if form.is_valid():
            self._decide(request, queryset, form.decision())
            return None
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        hidden = [("action", "set_aside"), *((ACTION_CHECKBOX_NAME, pk) for pk in ticked)]
        if request.POST.get("select_across") == "1":  # all findings that match the filters of the URL
            hidden.append(("select_across", "1"))
        back = reverse(f"{self.admin_site.name}:loopwatch_finding_changelist")
        return self._ask(request, form, queryset, hidden, "", back)

    @admin.action(permissions=["triage"], description=_("Reopen selected findings"))
    def reopen(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        self._decide(request, queryset, Decision(Status.OPEN))

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Put Django's deletion after the decisions. Only Django 6.1 and later know several locations."""
        known = {} if action_location is None else {"action_location": action_location}
        actions = super().get_actions(request, **known)
        return {name: actions[name] for name in sorted(actions, key=lambda name: name == "delete_selected")}

    def has_triage_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change findings, which here means their status."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:finding_id>/status/", wrap(self.status_view), name="loopwatch_finding_status"),
            path("undo/", wrap(self.undo_view), name="loopwatch_finding_undo"),
            *super().get_urls(),
        ]

    def status_view(self, request: HttpRequest, finding_id: int) -> HttpResponse:
        """Handle the buttons and the form of a finding's page; a GET, as of a shared address, leads to that page."""
        if request.method != "POST":
            return HttpResponseRedirect(self._page_url(request, finding_id))
        if not self.has_triage_permission(request):
            raise PermissionDenied
        finding = get_object_or_404(self.get_queryset(request), pk=finding_id)
        only = self.get_queryset(request).filter(pk=finding.pk)
        if "note" in request.POST:
            self._note(request, only)
        elif "status" not in request.POST:
            form = TriageForm(request.POST)
            if not form.is_valid():
                return self._ask(request, form, only, [], request.get_full_path(), self._page_url(request, finding_id))
            self._decide(request, only, form.decision())
        elif request.POST["status"] in Status.values:
            self._decide(request, only, Decision(Status(request.POST["status"])))
        else:
            return HttpResponseBadRequest(f"status must be one of {', '.join(Status.values)}")
        return HttpResponseRedirect(self._page_url(request, finding_id))

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Take the user's last decision back; a GET leads to the list."""
        the_list = HttpResponseRedirect(reverse(f"{self.admin_site.name}:loopwatch_finding_changelist"))
        if request.method != "POST":
            return the_list
        if not self.has_triage_permission(request):
            raise PermissionDenied
        findings = take_back(request.session, self.database_for(request))
        log_change(cast("AbstractBaseUser", request.user), findings, str(_("Took the change of status back.")))
        if not findings:
            self.message_user(request, _("The decision can no longer be taken back."), messages.WARNING)
            return the_list
        text = ngettext("%(count)d finding is as before.", "%(count)d findings are as before.", len(findings))
        self.message_user(request, text % {"count": len(findings)}, messages.SUCCESS)
        return HttpResponseRedirect(self._page_url(request, findings[0].pk)) if len(findings) == 1 else the_list

    def triage_context(self, request: HttpRequest, finding: Finding) -> dict[str, Any]:
        """Return the context of ``loopwatch/triage.html`` for one finding."""
        may_triage = self.has_triage_permission(request)
        return {
            "reason": reopen_reason(finding),
            "until": reopen_condition(finding),
            "buttons": _buttons(finding) if may_triage else (),
            "form": TriageForm() if may_triage else None,
            "note_form": NoteForm({"note": finding.note}) if may_triage else None,
        }

    def _decide(self, request: HttpRequest, findings: QuerySet[Finding], decision: Decision) -> None:
        now = timezone.now()
        changed = decide(findings, decision, cast("AbstractBaseUser", request.user), now)
        text = ngettext("%(count)d finding is now %(status)s.", "%(count)d findings are now %(status)s.", len(changed))
        said = text % {"count": len(changed), "status": decision.status.label}
        if remember(request.session, changed, now):
            url = reverse(f"{self.admin_site.name}:loopwatch_finding_undo")
            said = render_to_string("loopwatch/undo.html", {"said": said, "url": url}, request)
        self.message_user(request, said, messages.SUCCESS)

    def _note(self, request: HttpRequest, only: QuerySet[Finding]) -> None:
        form = NoteForm(request.POST)
        if not form.is_valid():
            self.message_user(request, " ".join(map(str, form.errors["note"])), messages.ERROR)
            return
        only.update(note=form.cleaned_data["note"])
        log_change(cast("AbstractBaseUser", request.user), list(only), str(_("Changed the note.")))

    def _ask(
        self,
        request: HttpRequest,
        form: TriageForm,
        findings: QuerySet[Finding],
        hidden: list[tuple[str, str]],
        send_to: str,
        back: str,
    ) -> HttpResponse:
        count = findings.count()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ignore or resolve until …"),
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "findings": findings[:NAMED],
            "more": max(0, count - NAMED),
            "hidden": hidden,
            "send_to": send_to,
            "back": back,
        }
        return TemplateResponse(request, "loopwatch/triage_page.html", context)

    def _page_url(self, request: HttpRequest, finding_id: int) -> str:
        url = reverse(f"{self.admin_site.name}:loopwatch_finding_change", args=[finding_id])
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)


def _buttons(finding: Finding) -> list[tuple[str, Promise]]:
    labels = {Status.RESOLVED: _("Resolve"), Status.IGNORED: _("Ignore"), Status.OPEN: _("Reopen")}
    return [(status.value, label) for status, label in labels.items() if status != finding.status]
