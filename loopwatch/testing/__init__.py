"""Fails tests whose code blocks the event loop, for the pytest plugin and the unittest mixins alike."""

from loopwatch.testing.recorded import record_stalls
from loopwatch.testing.unittest_mixin import AssertDoesNotBlockMixin, LoopWatchTestMixin

__all__ = ["AssertDoesNotBlockMixin", "LoopWatchTestMixin", "record_stalls"]
