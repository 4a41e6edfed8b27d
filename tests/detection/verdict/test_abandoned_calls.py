"""What a killed process has left is reported as that process would have: by its code, or at least by its names."""

import dis
import math
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.lookout.abandoned_holds import OTHER_OPCODE, AbandonedHold
from loopwatch.detection.lookout.look import Look, LookedFrame
from loopwatch.detection.timing import stopwatch
from loopwatch.detection.verdict.abandoned_calls import abandoned_call
from tests.detection.builders import offset_of

STEP = stopwatch._timed_as_asyncio_runs(print, lambda loop: None).__code__
NOW = datetime.now(UTC)


def root(number):
    return math.isqrt(number)


def raise_to(exponent):
    return 3**exponent


def frame_of(code, at=None):
    lineno, end_lineno, column, end_column = list(code.co_positions())[offset_of(code, at) // 2]
    return LookedFrame(code.co_filename, code.co_qualname, lineno, end_lineno, column, end_column)


def call_of(*frames, in_step=True, seen_at=NOW, opcode=OTHER_OPCODE):
    """The report of frames, innermost first, that were seen for 40 s."""
    end = (
        frame_of(STEP)
        if in_step
        else frame_of(threading.Thread.run.__code__, "self._target(*self._args, **self._kwargs)")
    )
    look = Look(8, 0.0, 40.0, opcode, (*frames, end), 0)
    return abandoned_call(AbandonedHold(4711, seen_at, look))


ROOT = frame_of(root.__code__, "math.isqrt(number)")
CALL = dis.opmap["CALL"]


def test_the_call_is_named_as_the_process_would_have_named_it():
    call = call_of(ROOT, opcode=CALL)
    assert (call.method_name, call.called_name, call.is_c_call) == ("math.isqrt", "math.isqrt", True)
    assert (call.function, call.source, call.lineno) == (f"{__name__}.root", "math.isqrt(number)", ROOT.lineno)
    assert call.exact


def test_an_operator_has_its_line_and_columns():
    call = call_of(frame_of(raise_to.__code__, "3**exponent"))
    assert (call.function, call.called_name, call.exact) == (f"{__name__}.raise_to", f"{__name__}.raise_to", True)
    assert (call.source, call.filename) == ("3**exponent", __file__)
    assert call.stack[-1].end_column - call.stack[-1].column == len("3**exponent")


def test_it_has_not_ended():
    call = call_of(ROOT)
    assert (call.ongoing, call.duration_ms, call.step_ms, call.started_at) == (True, 40_000, 40_000, NOW)


def test_a_call_of_the_loop_has_computed():
    assert call_of(ROOT).cause is Cause.COMPUTING


def test_another_thread_has_kept_the_gil():
    call = call_of(ROOT, in_step=False, opcode=CALL)
    assert (call.cause, call.function, call.called_name) == (Cause.GIL_HELD, f"{__name__}.root", "math.isqrt")
    assert call.exact


def test_each_report_is_another_stall():
    assert call_of(ROOT).stall_id != call_of(ROOT).stall_id


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A module of the site that this process has not loaded, and the frame of its only function."""
    path = tmp_path / "shop_of_old" / "prices.py"
    path.parent.mkdir()
    path.write_text("import math\n\ndef total(n):\n    return math.factorial(n)\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    last_change = (NOW - timedelta(days=1)).timestamp()
    os.utime(path, (last_change, last_change))
    return LookedFrame(str(path), "total", 4, 4, 11, 28)


def test_code_that_is_not_loaded_is_named_by_its_function_and_line(site):
    call = call_of(site)
    assert (call.function, call.called_name) == ("shop_of_old.prices.total", "shop_of_old.prices.total")
    assert not call.exact
    assert (call.lineno, call.source) == (4, "math.factorial(n)")
    assert [frame.is_in_app for frame in call.stack] == [True]


@pytest.mark.parametrize("entry", [Path("/srv/shop"), b"/srv/shop"])
def test_python_ignores_entries_of_its_search_path_that_are_no_strings(site, monkeypatch, entry):
    monkeypatch.setattr(sys, "path", [entry, *sys.path])
    assert call_of(site).function == "shop_of_old.prices.total"


def test_a_library_that_it_called_is_named(site):
    library = LookedFrame(os.__file__, "walk", 1, 1, 0, 5)
    call = call_of(library, site)
    assert (call.function, call.called_name) == ("shop_of_old.prices.total", "os.walk")


def test_lines_that_have_changed_since_are_not_shown(site):
    Path(site.filename).touch()
    call = call_of(site, seen_at=NOW - timedelta(hours=1))
    assert (call.function, call.lineno, call.source) == ("shop_of_old.prices.total", 4, "")
    assert [frame.is_in_app for frame in call.stack] == [False]


def test_a_file_outside_of_the_path_is_not_read(site, monkeypatch, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2\n")
    call = call_of(LookedFrame(str(secret), "steal", 1, 1, 0, 7))
    assert (call.source, call.function) == ("", "steal")
    assert [frame.is_in_app for frame in call.stack] == [False]


def test_frames_that_say_nothing_are_reported_nevertheless():
    call = call_of(LookedFrame("<string>", "<module>", -1, -1, -1, -1), in_step=False)
    assert (call.function, call.lineno) == ("<module>", 0)


def test_the_step_itself_is_reported_if_nothing_else_was_seen():
    assert call_of().cause is Cause.COMPUTING
