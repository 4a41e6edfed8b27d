"""Tests that fail when the code they run blocks the event loop: what pytest's plugin and unittest's mixin share."""
