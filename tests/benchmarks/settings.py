"""A site with nothing but one async view."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


async def ok(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


SECRET_KEY = "benchmarks only"
ROOT_URLCONF = __name__
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["loopwatch"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
LOOPWATCH = {"SINKS": []}
urlpatterns = [path("ok/", ok)]
