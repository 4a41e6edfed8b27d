"""Shows findings and events in the Django admin. All pages are read-only, except for triage and deletion."""

from loopwatch.admin.event_admin import BlockingEventAdmin
from loopwatch.admin.finding_admin import FindingAdmin
from loopwatch.admin.health_admin import ProcessHealthAdmin
from loopwatch.admin.live_admin import LiveAdmin
from loopwatch.admin.overview_admin import OverviewAdmin
from loopwatch.admin.thread_wait_admin import ThreadWaitAdmin

__all__ = [
    "BlockingEventAdmin",
    "FindingAdmin",
    "LiveAdmin",
    "OverviewAdmin",
    "ProcessHealthAdmin",
    "ThreadWaitAdmin",
]
