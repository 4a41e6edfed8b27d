"""Why the loop could not go on, in words for the person who reads it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Keyed by what the store holds: label, and what it means.
CAUSES: dict[str, tuple[Promise, Promise]] = {
    "computing": (_("computing"), _("The call kept the processor busy.")),
    "waiting": (_("waiting"), _("The call waited for something else (a socket, a lock, a disk, a clock).")),
    "garbage collection": (_("garbage collection"), _("Python collected garbage during the call.")),
    "importing": (_("importing"), _("A module was imported while the loop was running.")),
}


def cause_label(cause: str) -> str:
    """The cause in the reader's language."""
    return str(CAUSES[cause][0]) if cause in CAUSES else cause


def cause_meaning(cause: str) -> str:
    """One sentence on what the cause means, empty for one that is not known."""
    return str(CAUSES[cause][1]) if cause in CAUSES else ""
