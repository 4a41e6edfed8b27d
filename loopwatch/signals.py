"""The signal sent for every recorded stall."""

from django.dispatch import Signal

# Sent from the writer thread, never from the loop's: sender is the BlockingCall class, ``call`` the instance.
blocking_call = Signal()
