"""The report as a file: the browser reports no errors, and axe-core no serious faults, in every look."""

import pytest
from django.utils import translation

from loopwatch.reporting.as_html import render_html
from tests.browser.window import LOOKS, NARROW_PX, Look
from tests.reporting.reports import HOSTILE, a_finding, a_group, a_report, compared, grouped

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "a_package.with_a_long_name." * 9
ODD = a_finding(blocking_call=f"{LONG}{HOSTILE}", function=f"{LONG}call", filename=f"{'folder/' * 40}x.py", exact=False)
REPORTS = {
    "findings": a_report(a_finding(reopened=True), ODD, a_finding(status="ignored", routes=())),
    "groups": grouped(a_group(), a_group(name=LONG, worst=HOSTILE)),
    "comparison": compared(ODD),
    "empty": a_report(stored=0),
}


@pytest.mark.parametrize("name", REPORTS)
async def test_nothing_is_wrong_with_a_report_in_any_look(name, open_window, tmp_path):
    async with open_window() as window:
        requested = []
        window.page.on("request", lambda request: requested.append(request.url))
        for look in [*LOOKS, Look("light", NARROW_PX, "ar")]:
            file = tmp_path / f"{name}-{look}.html"
            with translation.override(look.language):
                file.write_text(render_html(REPORTS[name]), encoding="utf-8")
            await window.show_in(look)
            await window.page.goto(file.as_uri())
            assert (look, await window.flaws()) == (look, [])
            assert requested.pop() == file.as_uri()
            assert not requested
