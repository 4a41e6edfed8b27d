"""What the demo makes of the findings in its report."""

import pytest

from testproject.demo.verification import Reported, ReportedFinding, besides, missing, with_twin
from testproject.mistakes import ALL_MISTAKES, HOLDS_A_THREAD, MISTAKES


@pytest.mark.parametrize(("cause", "is_wrong"), [("computing", True), ("GIL held by a thread", False)])
def test_a_twin_is_wrong_if_it_blocks_the_loop_and_not_if_its_thread_keeps_the_gil(cause, is_wrong):
    route = f"GET {MISTAKES[0].twin.route}"
    finding = ReportedFinding("json.dumps", "shop.views.export", "shop/views.py", 7, cause, (route,))
    assert with_twin([finding]) == ([finding] if is_wrong else [])
    assert besides([finding]) == ([] if is_wrong else [finding])


def finding_of(mistake):
    (line, *_) = sorted(mistake.line_numbers())
    route = f"{mistake.visit.method} {mistake.visit.route}"
    return ReportedFinding(
        mistake.blocking_calls[0], mistake.function, str(mistake.filename), line, "waiting", (route,)
    )


def test_a_thread_that_was_held_is_a_mistake_like_those_with_a_finding():
    findings = [finding_of(mistake) for mistake in ALL_MISTAKES if mistake is not HOLDS_A_THREAD]
    assert not missing(Reported(findings, [HOLDS_A_THREAD.function]))
    (without_holder,) = missing(Reported(findings, ["django.db.close_old_connections"]))
    assert without_holder.startswith("shared-thread")
    (without_finding,) = missing(Reported(findings[:-1], [HOLDS_A_THREAD.function]))
    assert without_finding.startswith("threaded-json")
