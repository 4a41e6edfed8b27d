"""The text of a test's failure, and the summary of a run."""

import itertools
import json

import pytest

from loopwatch.detection.calls import StackFrame
from loopwatch.testing.failure_text import MAX_FAILURES, failure_texts, terminal_text
from loopwatch.testing.finding import Channel, Verdict
from loopwatch.testing.report_payload import ReportPayload
from loopwatch.testing.summary import MAX_LISTED, summary_lines
from loopwatch.testing.totals import RunTotals
from tests.testing.findings import found

HOSTILE = "shop.<script>\x1b[31m\n\udcff\u202e·書"


def strict(**changed):
    return found(channel=Channel.STRICT, duration_ms=0.0, blocked_ms=0.0, **changed)


def frame_in(path, line, **columns):
    return StackFrame(str(path), "shop", "pay", line, line, is_in_app=True, **columns)


def test_the_expression_is_marked_by_characters_not_bytes(tmp_path):
    source = tmp_path / "shop.py"
    source.write_text("def pay():\n    größe = schlafe('ä', warte(1))\n", encoding="utf-8")
    line = source.read_text(encoding="utf-8").splitlines()[1]
    begin = len(line[: line.index("warte")].encode())
    text = terminal_text([found(stack=(frame_in(source, 2, column=begin, end_column=begin + len("warte(1)")),))], 50)
    assert "    größe = schlafe('ä', warte(1))\n                         ^^^^^^^^\n" in text


@pytest.mark.parametrize("line", [0, 99])
def test_a_failure_without_its_source_is_still_explained(tmp_path, line):
    assert "time.sleep blocked" in terminal_text(
        [found(stack=(frame_in(tmp_path / "gone.py", line, end_column=5),))], 50
    )
    assert "time.sleep blocked" in terminal_text([found(filename="", lineno=line)], 50)


def test_the_call_that_renders_a_template_is_rewritten(tmp_path):
    (tmp_path / "views.py").write_text("import time\n\n\nasync def pay():\n    time.sleep(1)\n")
    (tmp_path / "page.html").write_text("{{ total }}")
    view = StackFrame(str(tmp_path / "views.py"), "shop.views", "pay", 5, 5, 4, 17, is_in_app=True)
    template = StackFrame(str(tmp_path / "page.html"), "", "template page.html {{ total }}", 1, is_in_app=True)
    assert "await asyncio.sleep(1)" in terminal_text([found(stack=(view, template))], 50)


def test_a_failure_says_how_many_calls_were_seen_and_what_to_do_about_many():
    name = "django.db.models.QuerySet.get"
    text = terminal_text([found(blocking_call=name, called_name=name, calls_seen=14)], 50)
    assert "in shop.pay, at least 14 calls, waiting; the threshold is 50 ms" in text
    assert "select_related" in text


def test_control_characters_in_names_are_escaped():
    text = terminal_text([found(blocking_call=HOSTILE, function=HOSTILE, filename=f"/{HOSTILE}.py")], 50)
    totals = RunTotals()
    totals.add(found(blocking_call=HOSTILE, function=HOSTILE, test=HOSTILE, filename=f"/{HOSTILE}.py"))
    for shown in (text, *summary_lines(totals, [HOSTILE])):
        assert not {"\x1b", "\u202e", "\udcff"} & set(shown)
    assert r"shop.<script>\x1b[31m\n\udcff\u202e·書 blocked" in text


def test_control_characters_in_source_lines_are_escaped(tmp_path):
    source = tmp_path / "shop.py"
    source.write_text("\tpay('\x1b[2J\u202e')\n", encoding="utf-8")
    text = terminal_text([found(stack=(frame_in(source, 1, column=1, end_column=4),))], 50)
    assert r"    pay('\x1b[2J\u202e')" + "\n    ^^^\n" in text


def test_a_report_carries_findings_with_any_names_and_returns_them():
    class Report:
        pass

    payload = ReportPayload(
        [found(function=HOSTILE, stack=(frame_in("shop.py", 7),)), strict()], [HOSTILE], 1, 2, is_failure=True
    )
    report = Report()
    payload.write(report)
    assert report.loopwatch.isascii()
    assert ReportPayload.read(report) == payload


def test_the_longest_stalls_are_shown_and_the_others_counted():
    stalls = [found(fingerprint=str(index), duration_ms=100.0 + index) for index in range(MAX_FAILURES + 3)]
    shown, left_out = failure_texts(stalls, 50)
    assert left_out == 3
    assert shown[-1].headline == f"time.sleep blocked the event loop for {100.0 + MAX_FAILURES + 2} ms"
    assert terminal_text(stalls, 50).startswith("3 more not shown.\n\n")


def test_the_strict_calls_of_one_in_app_call_are_one_failure():
    calls = [strict(called_name="requests.get", blocking_call=name) for name in ("socket.getaddrinfo", "open")]
    (failure,) = failure_texts(calls, 50)[0]
    assert failure.headline == "requests.get is known to block the event loop"
    assert failure.message[1:4] == (
        "in shop.pay, where it calls",
        "  socket.getaddrinfo (waiting)",
        "  open (waiting)",
    )


def test_a_strict_call_that_in_app_code_makes_itself_is_named_once():
    (failure,) = failure_texts([strict(reason="sleep", count=3)], 50)[0]
    assert failure.message[:2] == ("time.sleep is known to block the event loop", "in shop.pay (sleep), 3 times")


def test_a_call_of_a_backend_says_that_the_test_may_have_a_quicker_one():
    (failure,) = failure_texts([strict(reason="cache")], 50)[0]
    assert failure.message[1] == "in shop.pay (cache; the site's backend may be slower than the test's)"


def library_frames(*modules):
    return tuple(StackFrame(f"/lib/{module}.py", module, "call", 1) for module in modules)


def test_frames_of_libraries_between_in_app_code_and_the_call_are_folded(tmp_path):
    stack = (
        frame_in(tmp_path / "shop.py", 1),
        *library_frames(*["httpx._client"] * 12, "httpcore._async", "anyio._core", "httpx._config"),
    )
    for text in (terminal_text([found(stack=stack)], 50), terminal_text([strict(stack=stack)], 50)):
        places = text.splitlines()[:3]
        assert places[1:] == ["    … 14 frames of httpx, httpcore, anyio", "/lib/httpx._config.py:1: in call"]


def test_two_frames_of_a_library_are_shown(tmp_path):
    stack = (frame_in(tmp_path / "shop.py", 1), *library_frames("httpx", "httpcore", "socket"))
    text = terminal_text([found(stack=stack)], 50)
    assert "…" not in text
    assert "/lib/httpcore.py:1: in call" in text


def test_of_a_stack_without_in_app_code_both_ends_are_shown():
    text = terminal_text([found(stack=library_frames("twisted", *"abcdef", "socket"))], 50)
    lines = ["/lib/twisted.py:1: in call", "    … 6 frames of a, b, c, d, …", "/lib/socket.py:1: in call"]
    assert text.splitlines()[:3] == lines


def test_an_uncertain_call_is_called_likely():
    assert "(the call is likely; the function is certain)" in terminal_text([found(exact=False)], 50)


def test_the_phase_is_shown_unless_it_is_the_test_itself():
    assert "for 60.0 ms in setup" in terminal_text([found(phase="setup")], 50)


# The summary


def test_verdicts_and_channels_are_listed_separately_new_ones_first():
    totals = RunTotals()
    for verdict, make in itertools.product((Verdict.ALLOWED, Verdict.KNOWN, Verdict.NEW), (strict, found)):
        totals.add(make(fingerprint=make.__name__, verdict=verdict))
    heads = [line for line in summary_lines(totals, []) if line.endswith(":")]
    assert heads == [
        "1 new blocking call:",
        "1 known blocking call:",
        "1 allowed blocking call:",
        "1 new strict finding:",
        "1 known strict finding:",
        "1 allowed strict finding:",
    ]


def test_events_blocked_time_and_tests_of_a_finding_are_added_up():
    totals = RunTotals()
    for count, duration_ms in ((2, 60.0), (3, 90.0)):
        totals.add(found(count=count, duration_ms=duration_ms, blocked_ms=count * duration_ms, test=f"test_{count}"))
    (finding,) = json.loads(json.dumps(totals.as_dict()))["findings"]
    assert (finding["events"], finding["blocked_ms"], finding["longest_ms"]) == (5, 390.0, 90.0)
    assert finding["tests"] == {"test_2": 2, "test_3": 3}


def test_a_long_list_is_cut_and_the_rest_counted():
    totals = RunTotals()
    for index in range(MAX_LISTED + 7):
        totals.add(found(fingerprint=str(index)))
    lines = list(summary_lines(totals, []))
    assert len(lines) == MAX_LISTED + 2
    assert lines[-1] == "  … and 7 more"


def test_of_many_strict_calls_in_one_line_the_most_frequent_are_listed():
    totals = RunTotals()
    for count, name in enumerate(("open", "os.stat", "os.listdir", "io.TextIOWrapper.read", "os.mkdir"), start=1):
        totals.add(strict(blocking_call=name, called_name="shutil.copy", count=count))
    listed = "os.mkdir 5 times, io.TextIOWrapper.read 4 times, os.listdir 3 times and 2 more"
    assert f": {listed}, in test_shop.py::test_pay" in list(summary_lines(totals, []))[1]


def test_a_run_without_findings_has_no_summary():
    assert list(summary_lines(RunTotals(), [])) == []


def test_stalls_of_the_machine_and_dropped_calls_are_counted():
    totals = RunTotals()
    totals.disturbances, totals.dropped = 1, 2
    assert list(summary_lines(totals, [])) == [
        "1 stall caused by the machine, not attributed to any test",
        "2 calls dropped because a buffer was full",
    ]
