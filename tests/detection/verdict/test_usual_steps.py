"""A stall that shows no call joins the finding of the call that usually blocks steps of its kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loopwatch.detection.calls import BlockingCall, Cause, StackFrame
from loopwatch.detection.verdict import usual_steps
from loopwatch.detection.verdict.usual_steps import UsualSteps


def frame(name):
    return StackFrame("app.py", "app", name, 19, is_in_app=True)


DUMPS = BlockingCall(
    stall_id="1",
    method_name="json.JSONEncoder.encode",
    duration_ms=80.0,
    is_c_call=True,
    filename="app.py",
    lineno=19,
    source="json.dumps(history)",
    function="app.export",
    stack=(frame("view"), frame("export"), StackFrame("json/__init__.py", "json", "dumps", 231)),
    step_ms=80.0,
    task_name="",
    engine="sampling",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    exact=False,
    cause=Cause.COMPUTING,
    called_name="json.dumps",
    leaf_name="json.JSONEncoder.encode",
    contributions=(),
)
CERTAIN = replace(DUMPS, exact=True)
RENDERS = replace(CERTAIN, called_name="django.shortcuts.render", lineno=12)
COLLECTS = replace(CERTAIN, cause=Cause.GARBAGE_COLLECTION)
NEXT_LINE = replace(DUMPS, method_name="app.export", called_name="app.export", lineno=20, source="return body")
LINE_BEFORE = replace(NEXT_LINE, lineno=18)
AROUND = replace(NEXT_LINE, method_name="app.view", called_name="app.view", function="app.view", lineno=7)
ELSEWHERE = replace(AROUND, method_name="app.count", called_name="app.count", function="app.count")
UNSEEN = replace(AROUND, stack=())
ITSELF = replace(NEXT_LINE, exact=True)

JOINED = [
    pytest.param([DUMPS], NEXT_LINE, True, id="if it shows what the function did next"),
    pytest.param([DUMPS], AROUND, True, id="if it shows a function that has made the call"),
    pytest.param([DUMPS], UNSEEN, True, id="if it shows nothing"),
    pytest.param([ITSELF], UNSEEN, True, id="if the function's own time usually blocks, and it shows nothing"),
    pytest.param([DUMPS, UNSEEN], UNSEEN, True, id="while half of the stalls show it"),
    pytest.param([CERTAIN, *[UNSEEN] * 2], UNSEEN, False, id="not if most stalls of such steps show none"),
    pytest.param([DUMPS, RENDERS], UNSEEN, False, id="not if another call has blocked such a step"),
    pytest.param([DUMPS], LINE_BEFORE, False, id="not if the function had not come to it"),
    pytest.param([DUMPS], ELSEWHERE, False, id="not if it shows another function"),
    pytest.param([DUMPS], replace(NEXT_LINE, cause=Cause.WAITING), False, id="not if the thread waited"),
    pytest.param([DUMPS], ITSELF, False, id="not if it is certain"),
    pytest.param([DUMPS], RENDERS, False, id="not if it shows another call"),
    pytest.param([COLLECTS], UNSEEN, False, id="not that of a collection"),
    pytest.param([NEXT_LINE], UNSEEN, False, id="not that of another stall without a call"),
    pytest.param([], UNSEEN, False, id="not without any before"),
]


def noted(*calls, step="app.view GET export/"):
    steps = UsualSteps()
    for call in calls:
        steps.note(step, call)
    return steps


@pytest.mark.parametrize(("seen", "call", "is_joined"), JOINED)
def test_a_stall_joins_the_usual_finding(seen, call, is_joined):
    joined = noted(*seen).joined("app.view GET export/", call)
    assert joined.fingerprint == (seen[0] if is_joined else call).fingerprint
    assert is_joined is not (joined is call)


def test_a_stall_that_joins_a_finding_is_not_certain_and_keeps_what_was_measured():
    unseen = replace(UNSEEN, stall_id="2", duration_ms=90.0)
    joined = noted(CERTAIN).joined("app.view GET export/", unseen)
    assert (joined.method_name, joined.exact, joined.lineno, joined.source) == (
        "json.JSONEncoder.encode",
        False,
        19,
        "json.dumps(history)",
    )
    assert (joined.stall_id, joined.duration_ms, joined.stack) == ("2", 90.0, ())


@pytest.mark.parametrize("step", ["app.view GET books/", ""])
def test_nothing_is_taken_from_another_kind_of_step_or_one_of_which_nothing_is_known(step):
    assert noted(CERTAIN).joined(step, UNSEEN) is UNSEEN
    assert noted(CERTAIN, step="").joined(step, UNSEEN) is UNSEEN


def test_what_is_kept_is_limited(monkeypatch):
    monkeypatch.setattr(usual_steps, "MAX_STEPS", 1)
    monkeypatch.setattr(usual_steps, "MAX_CALLS", 1)
    steps = noted(RENDERS, CERTAIN)
    assert steps.joined("app.view GET export/", UNSEEN).called_name == "json.dumps"
    steps.note("another", CERTAIN)
    assert steps.joined("app.view GET export/", UNSEEN) is UNSEEN
