"""No name can forge a line of the log, or control the terminal that shows it."""

import logging
import re

import pytest
from hypothesis import given

from loopwatch.detection.calls import Request
from loopwatch.detection.tracing.traced_requests import Figures
from loopwatch.escaping.log import log_text
from loopwatch.recorder.finding_changes import ChangeKind, FindingChange
from loopwatch.recorder.health import Errors, describe
from loopwatch.recorder.sinks import LogSink
from loopwatch.recorder.telling import log_change
from loopwatch.recorder.thread_wait_log import ThreadWaitLog
from loopwatch.request_tracing.server_timing import server_timing
from loopwatch.request_tracing.trace_log import call_line
from tests.escaping.names import is_invisible, names
from tests.recorder.calls import blocking_call, thread_wait

HOSTILE = "a\x1b[31m\u202e\nWARNING forged\x85\u2028x"


@given(names)
def test_a_text_is_one_visible_line(name):
    line = log_text(name, 30)
    assert not any(map(is_invisible, line))
    assert len(line) <= 30


def test_white_space_becomes_one_space_and_a_cut_is_marked():
    assert log_text(" a \n\t b ", 10) == "a b"
    assert log_text("x" * 100, 10) == "x" * 9 + "…"


@pytest.fixture
def logged(caplog):
    """Return everything that was logged, as a formatter writes it."""
    caplog.set_level(logging.INFO, "loopwatch")

    def texts():
        extra = [
            value for record in caplog.records for key, value in vars(record).items() if key.startswith("loopwatch_")
        ]
        return [record.getMessage() for record in caplog.records] + [value for value in extra if isinstance(value, str)]

    return texts


def assert_clean(texts):
    assert texts
    assert not [text for text in texts if any(map(is_invisible, text))]


def hostile_call(name=HOSTILE):
    request = Request("http", "GET", name, "")
    return blocking_call(method_name=name, function=name, filename=f"/srv/{name}.py", request=request)


def test_the_log_line_of_a_stall_has_no_control_characters(logged):
    LogSink().emit(hostile_call())
    assert_clean(logged())


def test_the_log_line_of_a_finding_has_no_control_characters(logged):
    columns = dict.fromkeys(("headline", "function", "filename", "source", "cause"), HOSTILE)
    log_change(
        FindingChange(ChangeKind.NEW, 1, "0" * 32, **columns, lineno=1, longest_ms=1.0, url="", call=hostile_call())
    )
    assert_clean(logged())


def test_the_log_line_of_a_traced_call_has_no_control_characters():
    assert_clean([call_line(hostile_call())])


def test_the_log_line_of_a_thread_wait_has_no_control_characters(logged):
    holder = Request("http", "GET", HOSTILE, "")
    ThreadWaitLog().log(thread_wait(held_by=HOSTILE, holder=lambda: holder, ongoing=True))
    assert_clean(logged())


def test_the_description_of_an_error_has_no_control_characters():
    assert_clean([describe(ValueError(HOSTILE))])


def test_the_line_of_an_error_in_code_of_the_site_is_clean_but_for_its_line_breaks(caplog):
    source = compile("def f():\n raise ValueError\nf()", f"/srv/{HOSTILE}.py", "exec")
    source = source.replace(co_name=HOSTILE)
    errors = Errors()
    try:
        exec(source)
    except ValueError as error:
        errors.log_foreign("callback", error)
    (record,) = caplog.records
    assert_clean([*record.getMessage().split("\n"), errors.last])
    assert "\nWARNING forged" not in record.getMessage()


@given(names)
def test_no_name_ends_its_description_in_a_header(name):
    header = server_timing(Figures(1.0, 2.0, 3.0), [hostile_call(name)]).decode("ascii")
    assert header.isprintable()
    quoted = r'"(?:[^"\\]|\\.)*"'
    assert re.fullmatch(rf"(?:\w+;desc={quoted};dur=[\d.]+(?:, |$))+", header)
