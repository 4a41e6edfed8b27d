"""The patch of the mistakes that the demo site makes."""

import ast
import re
import shutil

import pytest

from testproject.mistakes import MISTAKES, ROOT
from tests.reporting.patches import apply, call_in, report, stored_stall
from tests.stored import stored_finding

CORRECTED = {
    "orders/repeat_buyers.py": "await bought_again().acount()",
    "catalogue/views.py": "    return await sync_to_async(render)(request, ",
    "orders/labels.py": "    printed = await asyncio.to_thread(subprocess.run, [*PRINT, order.customer], ",
}
"""What the mistakes with a certain form become, by file; a corrected twin may have the same code."""


@pytest.mark.django_db
def test_the_mistakes_that_have_a_certain_form_are_corrected(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "testproject", tmp_path / "testproject", ignore=shutil.ignore_patterns("__pycache__"))
    before = {name: (tmp_path / "testproject" / name).read_text() for name in CORRECTED}
    for mistake in MISTAKES:
        store(tmp_path, mistake)

    patch, remarks = report()
    apply(tmp_path, patch)

    assert remarks.startswith(f"{len(MISTAKES) - len(CORRECTED)} findings left out")
    assert sorted(re.findall(r"\+\+\+ b/testproject/(.+)", patch)) == sorted(CORRECTED)
    for name, code in CORRECTED.items():
        changed = (tmp_path / "testproject" / name).read_text()
        compile(changed, name, "exec")
        assert changed.count(code) == before[name].count(code) + 1


def store(site, mistake):
    """Store the mistake as detection reports it; the call in the line of the query is that of the query set."""
    called_name = "django.db.models.QuerySet.count" if mistake.name == "query" else mistake.blocking_calls[0]
    ending, lines = called_name.rpartition(".")[2], mistake.line_numbers()
    call = call_in(
        mistake.filename.read_text(),
        lambda node, _: node.lineno in lines and ast.unparse(node.func).endswith(ending),
    )
    if call is None:  # it computes, or is made by "with"
        stored_finding(blocking_call=called_name)
    else:
        stored_stall(site, mistake.filename.relative_to(ROOT).as_posix(), call, called_name)
