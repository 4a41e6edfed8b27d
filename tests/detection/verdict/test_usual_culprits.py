"""Reports that are not certain take the name of what usually blocks in the function."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loopwatch.detection.calls import BlockingCall, Cause, Contribution, Request, StackSample
from loopwatch.detection.verdict import usual_culprits
from loopwatch.detection.verdict.usual_culprits import UsualCulprits

DUMPS = BlockingCall(
    stall_id="1",
    method_name="json.dumps",
    duration_ms=80.0,
    is_c_call=True,
    filename="app.py",
    lineno=19,
    source="json.dumps(history)",
    function="app.export",
    stack=(),
    step_ms=80.0,
    task_name="",
    engine="sampling",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    exact=False,
    cause=Cause.COMPUTING,
    called_name="json.dumps",
    leaf_name="json.JSONEncoder.encode",
    contributions=tuple(
        Contribution(name, 20.0) for name in ("app.export", "json.dumps", "str.encode", "time.sleep", "zlib.compress")
    ),
)
ENCODE = replace(
    DUMPS,
    method_name="str.encode",
    called_name="str.encode",
    lineno=20,
    source="HttpResponse(body)",
    leaf_name="str.encode",
)
FUNCTION = replace(DUMPS, method_name="app.export", called_name="app.export", is_c_call=False, lineno=18)
SLEEP = replace(DUMPS, method_name="time.sleep", called_name="time.sleep", lineno=21, cause=Cause.WAITING)
CERTAIN = replace(DUMPS, exact=True)
ITSELF = replace(FUNCTION, exact=True)
NAMELESS = replace(DUMPS, called_name="")
COLLECTS = replace(CERTAIN, method_name="zlib.compress", called_name="zlib.compress", cause=Cause.GARBAGE_COLLECTION)
IMPORTS = replace(CERTAIN, method_name="zlib.compress", called_name="zlib.compress", cause=Cause.IMPORTING)


def noted(*calls):
    usual = UsualCulprits()
    for call in calls:
        usual.note(call)
    return usual


LIKELY = [
    pytest.param([DUMPS, DUMPS, ENCODE], ENCODE, "json.dumps", id="what was seen most often"),
    pytest.param([DUMPS, DUMPS, ENCODE], DUMPS, "json.dumps", id="its own name, if that was seen most often"),
    pytest.param([ENCODE, DUMPS], DUMPS, "json.dumps", id="its own name, if that was seen as often"),
    pytest.param([DUMPS, ENCODE], DUMPS, "json.dumps", id="its own name, even if it comes first in the alphabet"),
    pytest.param([CERTAIN, ENCODE, ENCODE], ENCODE, "json.dumps", id="one that was certain, more than others twice"),
    pytest.param([CERTAIN, *[ENCODE] * 4], DUMPS, "str.encode", id="others four times, more than one that was certain"),
    pytest.param([DUMPS, *[FUNCTION] * 3], FUNCTION, "json.dumps", id="any call, rather than the function alone"),
    pytest.param([ITSELF, ENCODE], ENCODE, "app.export", id="the function, if its own time was certain"),
    pytest.param([ITSELF, SLEEP], SLEEP, "time.sleep", id="not the function, if it computed and the thread waited"),
    pytest.param(
        [*[ITSELF] * 2, CERTAIN, DUMPS], DUMPS, "json.dumps", id="not the function, if the call was certain once"
    ),
    pytest.param(
        [ITSELF, ENCODE],
        replace(ENCODE, contributions=ENCODE.contributions[2:]),
        "str.encode",
        id="not the function, if this stall did not show its own time",
    ),
    pytest.param([*[FUNCTION] * 3, ENCODE], ENCODE, "str.encode", id="not the function, if that was never certain"),
    pytest.param([FUNCTION], FUNCTION, "app.export", id="the function, if no call was seen in it"),
    pytest.param([], FUNCTION, "app.export", id="the function, if nothing was seen in it"),
    pytest.param([SLEEP, SLEEP, DUMPS], FUNCTION, "json.dumps", id="a call that computed, if the thread computed"),
    pytest.param([SLEEP], FUNCTION, "app.export", id="not a call that waited, if the thread computed"),
    pytest.param(
        [replace(DUMPS, function="app.other")], FUNCTION, "app.export", id="nothing that was seen in another function"
    ),
    pytest.param(
        [DUMPS, DUMPS, ENCODE],
        replace(ENCODE, contributions=()),
        "str.encode",
        id="nothing that it did not see itself",
    ),
    pytest.param(
        [replace(DUMPS, called_name="app.dump"), ENCODE, ENCODE],
        replace(FUNCTION, contributions=(Contribution("json.dumps", 20.0),)),
        "json.dumps",
        id="a call of which it saw the detail",
    ),
    pytest.param([NAMELESS], replace(NAMELESS, method_name="str.encode"), "str.encode", id="nothing without a name"),
    pytest.param([COLLECTS], replace(FUNCTION, cause=COLLECTS.cause), "app.export", id="not a collection"),
    pytest.param([IMPORTS], replace(FUNCTION, cause=IMPORTS.cause), "app.export", id="not an import"),
]


@pytest.mark.parametrize(("seen", "call", "name"), LIKELY)
def test_likely_is(seen, call, name):
    assert noted(*seen).likely(call).method_name == name


@pytest.mark.parametrize(
    ("seen", "call"),
    [
        pytest.param([], FUNCTION, id="nothing else was seen"),
        pytest.param([FUNCTION], FUNCTION, id="no call was seen"),
        pytest.param([DUMPS], DUMPS, id="it is the usual one"),
    ],
)
def test_a_report_stays_as_it_is_if(seen, call):
    assert noted(*seen).likely(call) is call


def test_the_likely_call_is_described_as_it_was_seen_last():
    moved = replace(DUMPS, lineno=30, source="json.dumps(all)")
    call = replace(ENCODE, stall_id="2", duration_ms=90.0)
    assert noted(DUMPS, moved).likely(call) == replace(
        call,
        method_name="json.dumps",
        is_c_call=True,
        lineno=30,
        source="json.dumps(all)",
        called_name="json.dumps",
        leaf_name="json.JSONEncoder.encode",
    )
    assert noted(DUMPS, DUMPS).likely(replace(FUNCTION, called_name="", leaf_name="")).leaf_name == DUMPS.leaf_name


def test_a_call_that_is_the_usual_one_keeps_its_detail():
    call = replace(DUMPS, method_name="json.encoder.encode")
    assert noted(DUMPS, DUMPS).likely(call) is call


def test_how_often_a_call_of_a_function_was_named_counts_certain_ones_three_times():
    usual = noted(DUMPS, CERTAIN, ENCODE, COLLECTS)
    names = "json.dumps", "str.encode", "zlib.compress"
    assert [usual.times_named("app.export", name) for name in names] == [4, 1, 0]
    assert usual.times_named("app.other", "json.dumps") == 0


def test_what_is_kept_of_a_call_is_small():
    heavy = replace(
        DUMPS, stack=("frame",), samples=(StackSample(1.0, ()),), request=Request("http"), otel_span=object()
    )
    usual = noted(heavy)
    assert usual._latest["app.export"]["json.dumps"] == replace(DUMPS)
    assert usual._latest["app.export"]["json.dumps"].otel_span is None


def test_the_calls_kept_of_a_function_are_limited(monkeypatch):
    monkeypatch.setattr(usual_culprits, "MAX_CULPRITS", 2)
    usual = noted(DUMPS, DUMPS, ENCODE)
    assert usual.likely(FUNCTION).method_name == "json.dumps"
    usual.note(replace(DUMPS, method_name="zlib.compress", called_name="zlib.compress"))
    assert usual.likely(FUNCTION).method_name == "zlib.compress"
    assert list(usual._latest["app.export"]) == ["zlib.compress"]


def test_the_functions_kept_are_limited(monkeypatch):
    monkeypatch.setattr(usual_culprits, "MAX_FUNCTIONS", 2)
    usual = noted(DUMPS, replace(DUMPS, function="app.second"))
    assert usual.likely(FUNCTION).method_name == "json.dumps"
    usual.note(replace(DUMPS, function="app.third"))
    assert usual.likely(FUNCTION) is FUNCTION
    assert list(usual._latest) == ["app.third"]
