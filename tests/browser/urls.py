import time

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.http import HttpResponse
from django.urls import path


async def stall(request, milliseconds):
    time.sleep(milliseconds / 1000)
    return HttpResponse("ok")


async def forbidden(request):
    """What the policy does not let pass, and a reader who cannot see would not get."""
    script, picture, wide = "<script>alert(1)</script>", '<img src="/favicon.ico">', '<table width="5000"><td>x</table>'
    return HttpResponse(f"<!doctype html><title>x</title>{script}{picture}{wide}")


async def nothing(request):
    return HttpResponse(status=204)


urlpatterns = [
    path("stall/<int:milliseconds>/", stall),
    path("forbidden/", forbidden),
    path("favicon.ico", nothing),
    path("static/<path:path>", serve, {"insecure": True}),
    path("admin/", admin.site.urls),
]
