"""``watch()`` refuses arguments that cannot be meant."""

import math
from functools import partial
from pathlib import Path

import pytest

from loopwatch import watch


@pytest.mark.parametrize("threshold_ms", [-1, float("nan")])
def test_a_threshold_must_not_be_negative(threshold_ms):
    with pytest.raises(ValueError, match="threshold_ms"):
        watch(threshold_ms=threshold_ms)


@pytest.mark.parametrize("threshold_ms", [10**400, 1.7e308, math.inf], ids=["an integer", "a float", "infinity"])
def test_a_threshold_may_be_too_large_to_be_reached(threshold_ms):
    assert watch(threshold_ms=threshold_ms).threshold_s > 1e300


class Alerts:
    async def __call__(self, call):
        """Reports nothing, because nobody awaits it."""


@pytest.mark.parametrize("callback", [Alerts().__call__, partial(Alerts().__call__), Alerts()], ids=type)
def test_a_callback_that_only_makes_a_coroutine_is_refused(callback):
    with pytest.raises(TypeError, match="on_blocking_call must be a plain function"):
        watch(on_blocking_call=callback)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="steam"):
        watch(engine="steam")


@pytest.mark.parametrize("name", ["include_paths", "exclude_paths"])
@pytest.mark.parametrize("paths", ["shop", b"shop", Path("shop"), [b"shop"], [None], ["shop", 1]], ids=repr)
def test_what_is_no_list_of_paths_is_refused(name, paths):
    with pytest.raises(TypeError, match=name):
        watch(**{name: paths})


@pytest.mark.parametrize("name", ["include_paths", "exclude_paths"])
def test_an_empty_path_is_refused_because_every_path_contains_it(name):
    with pytest.raises(ValueError, match=name):
        watch(**{name: ["shop", ""]})
