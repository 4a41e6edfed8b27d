"""The private interface of Python 3.15 that the lookout uses is as it expects."""

import importlib
import json
import linecache
import sys

import pytest

from loopwatch.detection.cpython.known_versions import STACKS_READABLE
from loopwatch.detection.lookout import looking

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] not in STACKS_READABLE, reason="Python 3.15 brings _remote_debugging.RemoteUnwinder"
)


@pytest.fixture
def interface():
    return importlib.import_module("_remote_debugging")


def test_the_status_bit_of_the_thread_that_has_the_gil(interface):
    assert interface.THREAD_STATUS_HAS_GIL == looking.HAS_GIL


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("InterpreterInfo", ("interpreter_id", "threads")),
        ("ThreadInfo", ("thread_id", "status", "frame_info")),
        ("FrameInfo", ("filename", "location", "funcname", "opcode")),
        ("LocationInfo", ("lineno", "end_lineno", "col_offset", "end_col_offset")),
    ],
)
def test_what_is_read_has_these_fields(interface, kind, fields):
    assert getattr(interface, kind).__match_args__ == fields


def test_the_mode_in_which_threads_without_the_gil_are_passed_over():
    constants = importlib.import_module("profiling.sampling.constants")
    assert constants.PROFILING_MODE_GIL == looking.ONLY_WITH_GIL


def test_the_main_interpreter_has_this_number():
    interpreters = importlib.import_module("concurrent.interpreters")
    assert interpreters.get_main().id == looking.MAIN_INTERPRETER


def test_its_own_thread_is_seen_where_it_stands():
    looking.check(looking.unwinder_of_this_process())


def test_a_look_shows_line_and_columns():
    unwinder = looking.unwinder_of_this_process()
    _, frames, _ = looking.holder_of_gil(unwinder)
    filename, _, lineno, end_lineno, column, end_column = next(
        each for each in frames if each[1] == "test_a_look_shows_line_and_columns"
    )
    text = linecache.getline(filename, lineno)[column:end_column]
    assert (text, lineno) == ("looking.holder_of_gil(unwinder)", end_lineno)


def schedule_a_collection_that_finds_nothing_to_do():
    """Make many lists within one call, which are gone before the collector has its turn."""
    try:  # a ``with`` statement would give the collector its turn in a frame of its own
        json.loads("[" * 100_000)
    except RecursionError:
        return


def what_is_seen_of_this_function():
    return looking.holder_of_gil(looking.unwinder_of_this_process())


def test_a_look_works_after_a_collection_that_did_nothing():
    schedule_a_collection_that_finds_nothing_to_do()
    _, frames, _ = what_is_seen_of_this_function()
    assert frames[1][1] == "what_is_seen_of_this_function"
