import pytest
from django.urls import reverse

from loopwatch.admin.callers import callers_of
from loopwatch.admin.exports.flames import drawing_of
from loopwatch.admin.flame_tree import DEEPEST_NESTING, MOST_BRANCHES, MOST_FRAMES, tree_of
from loopwatch.reporting.flame import SampledEvent, merge
from tests.reporting.test_flame import ADD, CHECKOUT, ELSEWHERE, HANDLER, samples
from tests.stored import stored_event, stored_finding


def sampled(*stacks, leaf_name=""):
    return SampledEvent(samples(*stacks), leaf_name, float(sum(milliseconds for milliseconds, *_ in stacks)))


def branches_of(graph):
    return tree_of(graph).branches


def frame(name):
    return ("shop/tree.py", name, 5, 0, 0, 1, "")


def comb(depth):
    """Return stacks that branch at every frame."""
    chain = [frame(f"walk_{level}") for level in range(depth)]
    return [(1, *chain[: level + 1], frame(f"leaf_{level}")) for level in range(depth)]


def outline(branches):
    return [(branch.depth, branch.percent, branch.names, branch.left_out) for branch in branches]


def test_a_chain_of_calls_is_one_branch():
    (branch,) = branches_of(merge([sampled((60, HANDLER, CHECKOUT), leaf_name="time.sleep")]))
    assert branch.names == ["shop.views.checkout", "time.sleep"]
    assert [run.is_in_app for run in branch.runs] == [False, True, False]
    assert (branch.total_ms, branch.has_branches, branch.closes) == (60, False, 0)


def test_branches_come_heaviest_first_with_their_shares():
    graph = merge([sampled((20, HANDLER, ADD), (60, HANDLER, CHECKOUT, ADD), (20, HANDLER, CHECKOUT))])
    assert outline(branches_of(graph)) == [
        (0, 100, ["django.core.handlers.base.get_response"], 0),
        (1, 80, ["shop.views.checkout"], 0),
        (2, 60, ["shop.cart.add"], 0),
        (1, 20, ["shop.cart.add"], 0),
    ]


WIDE = [(1, frame(str(number))) for number in range(10_000)]
BUSHY = [
    (ms, *map(frame, path)) for number in range(190) for ms, path in ((1, [f"a{number}"]), (99, [f"a{number}", "b"]))
]


@pytest.mark.parametrize("stacks", [comb(5), comb(200), WIDE, BUSHY], ids=["comb", "long comb", "wide", "bushy"])
def test_every_list_that_is_opened_is_closed(stacks):
    branches = branches_of(merge([sampled(stack) for stack in stacks]))
    assert sum(branch.has_branches for branch in branches) == sum(branch.closes for branch in branches)
    assert len(branches) <= MOST_BRANCHES
    assert max(branch.depth for branch in branches) <= DEEPEST_NESTING


@pytest.mark.parametrize(
    ("stacks", "is_cut"),
    [(comb(5), False), (BUSHY, True), ([(1, *[CHECKOUT, ADD] * 240, frame(str(n))) for n in range(9)], False)],
)
def test_a_truncated_tree_is_marked(stacks, is_cut):
    assert tree_of(merge([sampled(stack) for stack in stacks])).is_cut == is_cut


def test_very_deep_stacks_are_truncated_even_with_few_branches():
    deep = [(1, *(frame(f"{number}.{level}") for level in range(450))) for number in range(9)]
    tree = tree_of(merge([sampled(stack) for stack in deep]))
    assert tree.is_cut
    assert MOST_FRAMES <= sum(len(branch.nodes) for branch in tree.branches) < MOST_FRAMES + 450


def test_small_branches_are_counted_together():
    stacks = [(1000, CHECKOUT), *((1, frame(f"small_{number}")) for number in range(7))]
    *_, last = branches_of(merge([sampled(stack) for stack in stacks]))
    assert (last.left_out, last.total_ms) == (7, 7)


def test_a_graph_without_stacks_has_no_branch():
    assert branches_of(merge([])) == []
    assert drawing_of(merge([])) == {"total_ms": 0, "frames": [], "nodes": [], "hidden": 0}


def test_nodes_smaller_than_a_pixel_are_counted_but_not_drawn():
    graph = merge([sampled((100_000, CHECKOUT)), sampled((1, ADD, HANDLER))])
    drawing = drawing_of(graph)
    assert (len(drawing["nodes"]), drawing["hidden"]) == (1, 2)


def test_paths_through_in_app_code_have_their_shares():
    callers = callers_of([sampled((75, HANDLER, CHECKOUT)), sampled((25, HANDLER, ELSEWHERE, ADD))])
    assert [(path.sites, path.percent, path.events) for path in callers.paths] == [
        ((("shop.views.checkout", "shop/views.py", 41),), 75, 1),
        ((("shop.views.checkout", "shop/views.py", 44), ("shop.cart.add", "shop/cart.py", 7)), 25, 1),
    ]


def test_recursion_is_one_site_and_long_paths_lose_their_outer_end():
    (path,) = callers_of([sampled((60, *[CHECKOUT] * 50, *map(frame, "abcdefghi")))]).paths
    assert (len(path.sites), path.outer) == (8, 2)
    assert path.sites[-1][0] == "shop.tree.i"


def test_paths_beyond_the_first_are_counted():
    callers = callers_of([sampled((60, frame(f"f{number}"))) for number in range(25)])
    assert (len(callers.paths), callers.left_out) == (20, 5)


def test_stacks_without_in_app_frames_have_no_path():
    assert callers_of([sampled((60, HANDLER)), SampledEvent({}, "", 60.0)]).paths == []


@pytest.mark.django_db
@pytest.mark.parametrize("stacks", [comb(150), [(1, *map(frame, map(str, range(10_000))))]], ids=["comb", "distinct"])
def test_the_page_of_a_finding_can_show_any_stacks(admin_client, stacks):
    finding = stored_finding()
    for _ in range(3):
        stored_event(finding, stacks=samples(*stacks))
    response = admin_client.get(reverse("admin:loopwatch_finding_change", args=[finding.pk]))
    assert response.status_code == 200
    page = response.content.decode()
    assert page.count("<details") == page.count("</details>")
    assert page.count("<ul") == page.count("</ul>")
    drawing = admin_client.get(reverse("admin:loopwatch_finding_flame", args=[finding.pk, "drawing"]))
    assert drawing.json()["nodes"]


def test_the_functions_with_the_most_self_time_come_first_and_recursion_counts_once():
    a, b, c = map(frame, "abc")
    graph = merge([sampled((30, a, b, a), (50, a, c), (20, a))])
    times = [(each.frame.name, each.self_ms, each.total_ms, each.share) for each in tree_of(graph).times]
    assert times == [("shop.tree.a", 50, 100, 0.5), ("shop.tree.c", 50, 50, 0.5)]
