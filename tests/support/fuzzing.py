"""Tests by hypothesis try the same examples in every run, however busy the machine is."""

from hypothesis import settings

settings.register_profile("tests", derandomize=True, deadline=None, database=None)
settings.load_profile("tests")
