"""The signal that is sent for every recorded stall."""

from django.dispatch import Signal

blocking_call = Signal()
"""Sent with ``sender=BlockingCall`` and ``call=``, on a thread of loopwatch, never on that of the loop."""
