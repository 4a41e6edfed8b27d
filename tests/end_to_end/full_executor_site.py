"""A site whose page ``reports/`` fills the two threads of the default executor until ``release/`` is asked for."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="full",
    INSTALLED_APPS=["django.contrib.contenttypes", "loopwatch"],
    LOOPWATCH={"SINKS": ["log"], "ONGOING_AFTER_S": 0.5},
)

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from loopwatch.asgi import LoopWatch  # noqa: E402
from tests.support.waiting import until  # noqa: E402

begun = threading.Semaphore(0)
released = threading.Event()


def render():
    begun.release()
    released.wait()


async def reports(request):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    holding = [asyncio.ensure_future(asyncio.to_thread(render)) for _ in range(2)]
    for _ in holding:
        await until(lambda: begun.acquire(blocking=False))
    await asyncio.gather(*holding, *(asyncio.to_thread(render) for _ in range(3)))
    return HttpResponse("rendered")


async def release(request):
    released.set()
    return HttpResponse("released")


async def quick(request):
    return HttpResponse("quick")


urlpatterns = [path("reports/", reports), path("release/", release), path("", quick)]
application = LoopWatch(get_asgi_application())
