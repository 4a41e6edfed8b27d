import time

from django.http import HttpResponse
from django.urls import path

from tests.libraries.site import (
    by_adrf,
    by_bcrypt,
    by_boto3,
    by_httpx,
    by_ninja,
    by_openpyxl,
    by_pillow,
    by_psycopg,
    by_redis,
    by_requests,
    by_strawberry,
)


async def ready(request):
    return HttpResponse("ready")


async def stall(request):
    """Come last: stalls are stored in their order."""
    time.sleep(0.12)
    return HttpResponse("stalled")


urlpatterns = [
    path("", ready),
    path("stall/", stall),
    path("adrf/", by_adrf.Books.as_view()),
    path("adrf/fixed/", by_adrf.BooksInThread.as_view()),
    path("ninja/", by_ninja.api.urls),
    path("strawberry/", by_strawberry.view),
    *(
        route
        for name, module in {
            "bcrypt": by_bcrypt,
            "boto3": by_boto3,
            "httpx": by_httpx,
            "openpyxl": by_openpyxl,
            "pillow": by_pillow,
            "psycopg": by_psycopg,
            "redis": by_redis,
            "requests": by_requests,
        }.items()
        for route in (path(f"{name}/", module.mistake), path(f"{name}/fixed/", module.fixed))
    ),
]
