"""A separate site for every fault: its database and its LOOPWATCH come from the environment."""

import json
import os
import sys
import time

from django.http import HttpResponse
from django.urls import path

from loopwatch.recorder import log_throttle

log_throttle.INTERVAL_S = 0.0  # the tests count the pauses that the machine made


async def stall(request):
    time.sleep(int(os.environ["SITE_STALL_MS"]) / 1000)
    return HttpResponse("ok")


async def ok(request):
    return HttpResponse("ok")


def note(call):
    """Say what was detected, in one write, because several processes share the log."""
    if not call.ongoing:
        sys.stderr.write(f"Detected in {call.function}.\n")


SECRET_KEY = "tests only"
ROOT_URLCONF = __name__
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
USE_TZ = True
INSTALLED_APPS = ["loopwatch"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": json.loads(os.environ["SITE_DATABASE"])}
LOOPWATCH = {"THRESHOLD_MS": 50, "FLUSH_INTERVAL_S": 0.2, "ON_BLOCKING_CALL": note} | json.loads(
    os.environ["SITE_LOOPWATCH"]
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"loopwatch": {"handlers": ["stderr"], "level": "INFO"}},
}
urlpatterns = [path("ok/", ok), path("stall/", stall)]
