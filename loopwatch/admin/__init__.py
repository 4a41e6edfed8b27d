"""The findings and their events in the Django admin: read-only, except for resolving, ignoring and deleting."""

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
