"""Reports that are not certain take the name of what usually blocks in the function."""

from dataclasses import replace
from datetime import UTC, datetime

from loopwatch.detection.calls import BlockingCall, Cause
from loopwatch.detection.usual_culprits import MAX_CULPRITS, MAX_FUNCTIONS, UsualCulprits

CALL = BlockingCall(
    stall_id="1", method_name="json.dumps", duration_ms=80.0, is_c_call=True, filename="app.py", lineno=19,
    source="json.dumps(history)", function="app.export", stack=(), step_ms=80.0, task_name="", engine="sampling",
    started_at=datetime(2026, 1, 1, tzinfo=UTC), exact=False, cause=Cause.COMPUTING, called_name="json.dumps",
    leaf_name="json.dumps",
)  # fmt: skip
NEXT_CALL = replace(CALL, method_name="str.encode", lineno=20, source="HttpResponse(body)")
FUNCTION_ONLY = replace(CALL, method_name="app.export", is_c_call=False, lineno=18)


def noted(*calls):
    usual = UsualCulprits()
    for call in calls:
        usual.note(call)
    return usual


def test_what_was_seen_most_often_is_likely():
    usual = noted(CALL, CALL, NEXT_CALL)
    likely = usual.likely(NEXT_CALL)
    assert (likely.method_name, likely.lineno, likely.source) == ("json.dumps", 19, "json.dumps(history)")
    assert not likely.exact
    assert usual.likely(CALL) is CALL


def test_one_that_was_certain_counts_for_several():
    usual = noted(replace(CALL, exact=True), NEXT_CALL, NEXT_CALL)
    assert usual.likely(NEXT_CALL).method_name == "json.dumps"


def test_any_call_is_likelier_than_the_function_alone():
    usual = noted(CALL, FUNCTION_ONLY, FUNCTION_ONLY, FUNCTION_ONLY)
    assert usual.likely(FUNCTION_ONLY).method_name == "json.dumps"


def test_a_first_report_keeps_its_name():
    assert noted(NEXT_CALL).likely(NEXT_CALL) is NEXT_CALL
    assert noted(FUNCTION_ONLY).likely(FUNCTION_ONLY) is FUNCTION_ONLY


def test_functions_do_not_lend_each_other_names():
    other = replace(FUNCTION_ONLY, function="app.other", method_name="app.other")
    assert noted(CALL, CALL, other).likely(other) is other


def test_memory_is_bounded():
    usual = noted(*(replace(CALL, function=f"app.f{number}") for number in range(3 * MAX_FUNCTIONS)))
    assert len(usual._counts) <= MAX_FUNCTIONS
    usual = noted(*(replace(CALL, method_name=f"call{number}") for number in range(10_000)))
    assert len(usual._latest["app.export"]) <= MAX_CULPRITS
