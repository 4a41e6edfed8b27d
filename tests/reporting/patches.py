"""Stores findings of calls in a file, prints their patch and applies it with git."""

import ast
import io
import os
from subprocess import PIPE

from django.core.management import call_command

from tests.stored import stored_event, stored_finding
from tests.support.children import run


def call_in(source, is_wanted):
    """Return the first call in the source for which ``is_wanted(node, its text)``, or ``None``."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return next((node for node in calls if is_wanted(node, ast.get_source_segment(source, node))), None)


def stored_stall(site, filename, call, called_name, **columns):
    """Store a finding of a call in a file, and one exact event."""
    source = (site / filename).read_text()
    line = source.splitlines()[call.lineno - 1].strip()
    place = [call.lineno, call.end_lineno, call.col_offset, call.end_col_offset]
    frame = [filename, "shop.views", "pay", *place, 1, line]
    where = {"filename": filename, "lineno": call.lineno, "source": ast.get_source_segment(source, call)}
    finding = stored_finding(blocking_call=called_name, **where)
    stacks = {"version": 1, "frames": [frame], "samples": [[100.0, [0]]]}
    stored_event(finding, called_name=called_name, stacks=stacks, **columns)
    return finding


def report(*options):
    """Return the patch, and what is printed on standard error."""
    out, remarks = io.StringIO(), io.StringIO()
    call_command("loopwatch_report", "--format", "patch", *options, stdout=out, stderr=remarks)
    return out.getvalue(), remarks.getvalue()


def apply(site, patch):
    """Apply the patch with git, outside of any repository."""
    (site / "loopwatch.patch").write_text(patch, newline="")
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(site.parent)}
    ran = run(["git", "apply", "loopwatch.patch"], cwd=site, stderr=PIPE, env=environment)
    assert ran.returncode == 0, f"{ran.stderr}\n{patch}"
