"""A Django site whose views make its loop stand still. It notes each pause of a heartbeat, and each report."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from loopwatch.detection import monitor
from loopwatch.detection.calls import BlockingCall
from tests.benchmarks.pauses.causes import LOOKOUT_VARIABLE, PAUSES, THRESHOLD_MS, Pause, prepare

BEAT_S = 0.005
SETTLES_WITHIN_S = 60.0

settings.configure(
    SECRET_KEY="benchmarks only",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    INSTALLED_APPS=["loopwatch"],
    MIDDLEWARE=[],
    LOGGING_CONFIG=None,
    LOOPWATCH={"THRESHOLD_MS": THRESHOLD_MS, "SINKS": [], "LOOKOUT": bool(os.environ.get(LOOKOUT_VARIABLE))},
)


@dataclass
class Notes:
    """What the loop has felt, and what was reported. Times are ``time.time()``, in seconds."""

    threshold_s: float = THRESHOLD_MS / 1000
    engine: str = "sampling"
    ongoing_after_s: float = 5.0
    counts_kept_out: bool = False
    calls_dropped: int = 0
    entered: float = 0.0
    felt: list[tuple[float, float]] = field(default_factory=list)
    reported: list[dict[str, object]] = field(default_factory=list)
    beats: "asyncio.Task[None] | None" = None

    def receive(self, call: BlockingCall) -> None:
        began = call.started_at.timestamp()
        holder = call.held_by
        self.reported.append(
            {
                "began": began,
                "ended": began + call.step_ms / 1000,
                "cause": call.cause.value,
                "called_name": call.called_name,
                "source": call.source,
                "exact": call.exact,
                "holder": holder and _named(holder),
                "holder_is_exact": bool(holder and holder.exact),
            }
        )

    async def beat(self) -> None:
        while True:
            due = time.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            felt = time.time()
            if felt - due >= self.threshold_s:
                self.felt.append((due, felt))


def _named(holder: BlockingCall) -> dict[str, str]:
    return {"function": holder.function, "called_name": holder.called_name, "source": holder.source}


notes = Notes()


async def begin(_request: HttpRequest) -> HttpResponse:
    """Begin to take notes. The site has watched the loop since the request arrived."""
    monitor.start_watching(notes, asyncio.get_running_loop())
    notes.beats = asyncio.create_task(notes.beat())
    return HttpResponse("begun")


async def end(_request: HttpRequest) -> JsonResponse:
    assert notes.beats is not None
    notes.beats.cancel()
    settled = await asyncio.to_thread(monitor.stop_watching, notes, SETTLES_WITHIN_S)
    assert settled, "The watchdog has not settled what it was given"
    return JsonResponse({"felt": notes.felt, "reported": notes.reported})


def view_of(pause: Pause) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def view(_request: HttpRequest) -> HttpResponse:
        await pause.act()
        return HttpResponse(pause.name)

    return view


urlpatterns = [
    path("begin/", begin),
    path("end/", end),
    *(path(f"{pause.name}/", view_of(pause)) for pause in PAUSES),
]

prepare()
django_application = get_asgi_application()  # sets Django up, which comes first

from loopwatch.asgi import LoopWatch  # noqa: E402

application = LoopWatch(django_application)
