"""Tests that fail when the code they run blocks the event loop: what pytest's plugin and unittest's mixin share."""

from loopwatch.testing.unittest_mixin import AssertDoesNotBlockMixin, LoopWatchTestMixin

__all__ = ["AssertDoesNotBlockMixin", "LoopWatchTestMixin"]
