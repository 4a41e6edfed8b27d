"""docs/metrics.md lists every metric and attribute, and its programs run."""

import ast
import re
import sys
from pathlib import Path

from loopwatch.metrics import attributes
from loopwatch.metrics.metrics_sink import MetricsSink
from loopwatch.recorder.loop_times import LoopTimes
from testproject.demo.ports import any_free
from tests.recorder.calls import blocking_call
from tests.support.children import run

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_every_metric_is_documented_and_no_other(sdk, points):
    loop_times = LoopTimes()
    MetricsSink(loop_times).emit(blocking_call(waiting=1))
    named = set(re.findall(r"^\| `(loopwatch\.[a-z.]+)` \|", TEXT, re.MULTILINE))
    assert set(points()) | {"loopwatch.loop.busy"} == named


def test_the_attributes_and_their_limit_are_those_of_the_code():
    for name in attributes.BoundedAttributes().of(blocking_call()):
        assert f"`{name}`" in TEXT
    assert f"a process reports at most {attributes.LIMIT};" in TEXT


def test_the_documented_programs_are_valid_python():
    assert len(PROGRAMS) == 3
    for program in PROGRAMS:
        ast.parse(program)


def test_the_documented_program_exports_to_prometheus():
    port = any_free()
    program = PROGRAMS[0].replace("9464", str(port))
    site = f"""
from urllib.request import urlopen
from django.conf import settings
settings.configure(INSTALLED_APPS=["loopwatch"])
import django; django.setup()
{program}
from loopwatch.metrics.metrics_sink import MetricsSink
from loopwatch.recorder.loop_times import LoopTimes
from tests.recorder.calls import blocking_call
times = LoopTimes()
MetricsSink(times).emit(blocking_call())
print(urlopen("http://127.0.0.1:{port}/metrics").read().decode())
"""
    ran = run([sys.executable, "-c", site], check=True)
    assert re.search(r'^loopwatch_stalls_total\{.*http_route="checkout/<int:pk>/".*\} 1\.0$', ran.stdout, re.MULTILINE)
