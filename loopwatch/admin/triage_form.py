"""The form in which a person says until when findings are set aside."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loopwatch.admin.triage import Decision
from loopwatch.models import Finding

Status, When = Finding.Status, Finding.ReopenWhen

_RESOLVED = "resolved until a new release"
_LONGEST_MS = 24 * 3600 * 1000


class TriageForm(forms.Form):
    """Of ``release`` and ``milliseconds``, the field that the choice is about must be filled in."""

    choice = forms.ChoiceField(
        label=_("Set aside"),
        choices=(
            (_RESOLVED, _("resolved, until it happens in a release that is new")),
            (When.NEW_RELEASE, _("ignored, until it happens in a release that is new")),
            (When.RELEASE, _("ignored, until it happens in a certain release, or a later one")),
            (When.LONGER, _("ignored, until it lasts longer than so many milliseconds")),
            (When.MORE, _("ignored, until it blocks for more than so many milliseconds within an hour")),
        ),
        widget=forms.RadioSelect,
    )
    release = forms.CharField(label=_("Release"), max_length=100, required=False)
    milliseconds = forms.FloatField(label=_("Milliseconds"), min_value=1, max_value=_LONGEST_MS, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        choice = cleaned.get("choice")
        if choice == When.RELEASE and not cleaned.get("release"):
            self.add_error("release", _("Say which release."))
        if choice in {When.LONGER, When.MORE} and not cleaned.get("milliseconds") and "milliseconds" not in self.errors:
            self.add_error("milliseconds", _("Say how many milliseconds."))
        return cleaned

    def decision(self) -> Decision:
        """What was chosen, once the form is valid."""
        choice = self.cleaned_data["choice"]
        if choice == _RESOLVED:
            return Decision(Status.RESOLVED, When.NEW_RELEASE)
        if choice == When.RELEASE:
            return Decision(Status.IGNORED, choice, reopen_release=self.cleaned_data["release"])
        if choice == When.NEW_RELEASE:
            return Decision(Status.IGNORED, choice)
        return Decision(Status.IGNORED, choice, reopen_figure_us=round(self.cleaned_data["milliseconds"] * 1000))
