"""A panel for django-debug-toolbar: how long a request kept the event loop, by which calls, and its thread waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from inspect import isawaitable
from typing import Any

from debug_toolbar.panels import Panel
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loopwatch.advice.match import advice_for
from loopwatch.detection import monitor
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from loopwatch.detection.tracing.traced_requests import RequestTracing
from loopwatch.recorder.paths import shorten
from loopwatch.request_tracing.on_demand import TraceOnDemand
from loopwatch.request_tracing.start import HEADER
from loopwatch.sources.running import without_secrets
from loopwatch.thread_waits.listening import listening
from loopwatch.thread_waits.thread_wait import ThreadWait

THRESHOLD_MS = 5.0
"""Shorter steps are not shown: a request has many, and none of them is noticed."""

GetResponse = Callable[[HttpRequest], Any]


class LoopwatchPanel(Panel):
    """Traces each request that the toolbar shows, if ``LoopWatch`` wraps the application and watches its loop."""

    is_async = True
    title = _("Event loop")
    template = "loopwatch/toolbar.html"

    def __init__(self, toolbar: Any, get_response: GetResponse) -> None:
        super().__init__(toolbar, get_response)
        self._found: dict[str, Any] = {"obstacle": "unwatched"}
        self._waits: list[ThreadWait] = []

    @property
    def nav_subtitle(self) -> str:
        stats = self.get_stats()
        if "figures" not in stats:
            return ""
        number = len(stats["calls"])
        stalls = ngettext("%(number)d stall", "%(number)d stalls", number) % {"number": number}
        return f"{stats['figures']['loop_ms']:.0f} ms, {stalls}"

    def process_request(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer the request. What happens before its response can be awaited is not traced."""
        served = current_request.get()
        with listening(served, self._waits.append):
            response = super().process_request(request)
        if isawaitable(response):
            return self._awaited(response, served, is_traced_already=HEADER in request.headers)
        if served is not None:
            self._found = {"obstacle": "thread"}
        return response  # type: ignore[no-any-return]

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:  # noqa: ARG002
        """Store what was found, as the toolbar asks for once the request has been answered."""
        waits = [{"waited_ms": wait.waited_ms, "held_by": wait.held_by} for wait in self._waits if not wait.ongoing]
        self.record_stats({"threshold_ms": THRESHOLD_MS, "waits": waits, **self._found})

    async def _awaited(
        self, response: Awaitable[HttpResponse], served: RequestInFlight | None, *, is_traced_already: bool
    ) -> HttpResponse:
        if served is None:
            return await response
        loop, tracing = asyncio.get_running_loop(), RequestTracing(served, THRESHOLD_MS / 1000)
        with listening(served, self._waits.append):
            is_traced = not is_traced_already and monitor.trace_request(loop, tracing, (self.get_response,))
            answered = await response
        if is_traced:
            figures, calls = await TraceOnDemand(tracing, loop).settled()
            self._found = {"figures": asdict(figures), "calls": [_shown(without_secrets(call)) for call in calls]}
        elif is_traced_already:
            self._found = {"obstacle": "token"}
        return answered


def _shown(call: BlockingCall) -> dict[str, Any]:
    """Return what the template shows of a call; the toolbar stores it as JSON."""
    shown: dict[str, Any] = {"duration_ms": call.duration_ms, "step_ms": call.step_ms, "cause": call.cause_in_words}
    if call.cause.is_machine:
        return shown
    advice = advice_for(
        call.method_name,
        cause=call.cause,
        called_name=call.called_name,
        leaf_name=call.leaf_name,
        calls_seen=call.calls_seen,
    )
    place = f"{shorten(call.filename)}:{call.lineno}" if call.filename else ""
    return shown | {
        "headline": call.headline,
        "function": call.function,
        "place": place,
        "source": call.source.strip(),
        "exact": call.exact,
        "cure": advice.cure,
        "stack": "\n".join(f"{each.name}  {shorten(each.filename)}:{each.lineno}" for each in reversed(call.stack)),
    }
