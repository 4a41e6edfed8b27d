"""The flame graph of some events, in the form that was asked for."""

from typing import Final

from django.http import Http404, HttpResponse, JsonResponse

from loopwatch.admin.exports.streaming import file
from loopwatch.admin.flame_drawing import drawing_of
from loopwatch.reporting.as_collapsed import render_collapsed
from loopwatch.reporting.as_speedscope import render_speedscope
from loopwatch.reporting.flame import FlameGraph

FILES: Final = ("speedscope", "collapsed")
DRAWING: Final = "drawing"
"""For the script of the page, and nothing else."""


def flame_response(graph: FlameGraph, form: str, *, name: str, title: str) -> HttpResponse:
    """``name`` begins the file's name, ``title`` is what its reader sees. Raises ``Http404`` for an unknown form."""
    match form:
        case "drawing":
            return JsonResponse(drawing_of(graph))
        case "speedscope":
            text = render_speedscope(graph, f"{title} ({graph.merged} events)")
            return file(text, filename=f"{name}.speedscope.json", content_type="application/json")
        case "collapsed":
            return file(render_collapsed(graph), filename=f"{name}.collapsed.txt", content_type="text/plain")
    raise Http404(f"There is no form {form!r} of a flame graph.")
