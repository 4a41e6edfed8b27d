"""The signals: for every recorded stall, and for every finding that people are to be told about."""

from django.dispatch import Signal

blocking_call = Signal()
"""Sent with ``sender=BlockingCall`` and ``call=``, on a thread of loopwatch, never on that of the loop."""

finding_changed = Signal()
"""Sent with ``sender=FindingChange`` and ``change=``, once for each change of a finding, on a thread of loopwatch."""
