"""What the demo makes of the findings in its report."""

import pytest

from testproject.demo.verification import ReportedFinding, besides, with_twin
from testproject.mistakes import MISTAKES


@pytest.mark.parametrize(("cause", "is_wrong"), [("computing", True), ("GIL held by a thread", False)])
def test_a_twin_is_wrong_if_it_blocks_the_loop_and_not_if_its_thread_keeps_the_gil(cause, is_wrong):
    route = f"GET {MISTAKES[0].twin.route}"
    finding = ReportedFinding("json.dumps", "shop.views.export", "shop/views.py", 7, cause, (route,))
    assert with_twin([finding]) == ([finding] if is_wrong else [])
    assert besides([finding]) == ([] if is_wrong else [finding])
