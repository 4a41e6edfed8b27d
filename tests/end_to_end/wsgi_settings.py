"""Settings of a site that a WSGI server serves."""

import os

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.end_to_end.wsgi_site"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}}
LOOPWATCH = {"FLUSH_INTERVAL_S": 60}
