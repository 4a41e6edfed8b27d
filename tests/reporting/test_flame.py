import pytest

from loopwatch.reporting import flame
from loopwatch.reporting.flame import SampledEvent, flame_of, merge
from tests.stored import stored_event, stored_finding, stored_stack

HANDLER = ("django/core/handlers/base.py", "get_response", 253, 8, 40, 0, "")
CHECKOUT = ("shop/views.py", "checkout", 41, 7, 22, 1, "nap = time.sleep(0.1)")
ELSEWHERE = ("shop/views.py", "checkout", 44, 7, 22, 1, "total = add(cart)")
ADD = ("shop/cart.py", "add", 7, 0, 0, 1, "return sum(cart)")


def samples(*stacks):
    """Return stored samples; a stack is its milliseconds and its frames."""
    parts = [stored_stack(*frames) for _, *frames in stacks]
    frames = [frame for part in parts for frame in part["frames"]]
    ends = [sum(len(part["frames"]) for part in parts[: number + 1]) for number in range(len(parts))]
    indices = [list(range(end - len(part["frames"]), end)) for part, end in zip(parts, ends, strict=True)]
    weighted = [[milliseconds, each] for (milliseconds, *_), each in zip(stacks, indices, strict=True)]
    return {"version": 1, "frames": frames, "samples": weighted}


def names(graph):
    return {";".join(frame.name for frame in stack): self_ms for stack, self_ms in graph.stacks()}


def test_equal_stacks_of_several_events_are_one():
    stored = samples((60, HANDLER, CHECKOUT))
    graph = merge([SampledEvent(stored, "time.sleep", 60.0)] * 2)
    stack = "django.core.handlers.base.get_response;shop.views.checkout;time.sleep"
    assert names(graph) == {stack: 120}
    assert (graph.total_ms, graph.merged) == (120, 2)


def test_a_frame_has_the_time_of_its_callees():
    graph = merge([SampledEvent(samples((60, CHECKOUT), (30, CHECKOUT, ADD), (10, ADD)), "time.sleep", 100.0)])
    checkout, add = graph.root.heaviest_first()
    assert (checkout.frame.name, checkout.total_ms, checkout.self_ms) == ("shop.views.checkout", 90, 0)
    assert [(node.frame.name, node.total_ms) for node in checkout.heaviest_first()] == [
        ("time.sleep", 60),
        ("shop.cart.add", 30),
    ]
    assert (add.frame.name, add.self_ms) == ("shop.cart.add", 10)


def test_the_call_the_event_ended_in_has_no_more_time_than_the_event():
    """The same frames were seen in the call and beside it, and are one sample of the whole step."""
    graph = merge([SampledEvent(samples((648, HANDLER, CHECKOUT)), "time.sleep", 341.0)])
    stack = "django.core.handlers.base.get_response;shop.views.checkout"
    assert names(graph) == {stack: 307, f"{stack};time.sleep": 341}
    assert graph.total_ms == 648


def test_lines_of_one_function_are_one_frame_without_a_line():
    graph = merge([SampledEvent(samples((60, CHECKOUT), (30, ELSEWHERE)), "", 90.0)])
    (node,) = graph.root.heaviest_first()
    assert (node.total_ms, node.lineno) == (90, 0)
    assert merge([SampledEvent(samples((60, CHECKOUT)), "", 60.0)]).root.heaviest_first()[0].lineno == 41


@pytest.mark.parametrize("leaf_name", ["shop.checkout", "django.core.handlers.base.get_response"])
def test_a_call_that_has_a_frame_by_another_path_is_not_repeated(leaf_name):
    graph = merge([SampledEvent(samples((60, HANDLER, CHECKOUT)), leaf_name, 60.0)])
    assert names(graph) == {"django.core.handlers.base.get_response;shop.views.checkout": 60}


def test_functions_of_the_same_name_are_different_frames():
    graph = merge([SampledEvent(samples((60, CHECKOUT)), "acme.checkout", 60.0)])
    assert names(graph) == {"shop.views.checkout;acme.checkout": 60}


def test_the_call_the_event_ended_in_is_not_repeated_where_it_has_a_frame():
    graph = merge([SampledEvent(samples((60, CHECKOUT, ADD)), "shop.cart.add", 60.0)])
    assert names(graph) == {"shop.views.checkout;shop.cart.add": 60}


def test_the_time_of_the_event_stands_in_for_samples_without():
    assert names(merge([SampledEvent(samples((0, CHECKOUT)), "", 75.0)])) == {"shop.views.checkout": 75}


@pytest.mark.parametrize(
    "junk", [{}, [], None, "x", {"version": 2}, {"version": 1, "samples": [[1, [7]]], "frames": []}]
)
def test_an_event_without_a_stack_is_counted(junk):
    graph = merge([SampledEvent(junk, "time.sleep", 60.0), SampledEvent(samples((60, CHECKOUT)), "", 60.0)])
    assert (graph.merged, graph.without_stack) == (1, 1)


@pytest.mark.parametrize("duration_ms", [float("nan"), float("inf"), -5])
def test_an_invalid_duration_leaves_other_samples_alone(duration_ms):
    assert names(merge([SampledEvent(samples((60, CHECKOUT), (duration_ms, ADD)), "", 60.0)])) == {
        "shop.views.checkout": 60
    }


def test_frames_are_bounded_and_events_over_the_limit_are_counted():
    graph = merge([SampledEvent(samples((60, HANDLER, CHECKOUT)), "", 60.0)] * 5, most_frames=4)
    assert (graph.merged, graph.left_out) == (2, 3)


def test_a_stack_deeper_than_the_interpreter_can_recurse_is_cut():
    deep = [("shop/tree.py", f"walk_{number}", 5, 0, 0, 1, "") for number in range(3000)]
    ((stack, _),) = merge([SampledEvent(samples((60, *deep)), "", 60.0)]).stacks()
    assert len(stack) == flame.DEEPEST


@pytest.mark.django_db
def test_one_query_reads_only_as_many_events_as_asked_for(django_assert_num_queries):
    finding = stored_finding()
    for _ in range(3):
        stored_event(finding, stacks=samples((60, CHECKOUT)))
    with django_assert_num_queries(1):
        graph = flame_of(finding.blocking_events.order_by("pk"), 2)
    assert names(graph) == {"shop.views.checkout;time.sleep": 120}
