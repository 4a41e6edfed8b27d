"""The signal sent for every recorded stall."""

from django.dispatch import Signal

# Sent from a thread of its own, never from the loop's: sender is the BlockingCall class, ``call`` the instance.
blocking_call = Signal()
