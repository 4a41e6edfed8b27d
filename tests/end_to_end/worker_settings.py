"""Settings of a site whose Channels worker is started by ``runworker``, on a real Redis."""

import os

from testproject.demo.ports import LOOPBACK
from tests.settings import *  # noqa: F403

ASGI_APPLICATION = "tests.end_to_end.worker_site.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [(LOOPBACK, int(os.environ["SITE_REDIS_PORT"]))]},
    }
}
INSTALLED_APPS = [*INSTALLED_APPS, "channels"]  # noqa: F405
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}}
LOOPWATCH = {"FLUSH_INTERVAL_S": 60}
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
