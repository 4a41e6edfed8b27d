"""Settings of the site; what it talks to comes from the environment."""

import json
import os

SECRET_KEY = "tests only"
ROOT_URLCONF = "tests.libraries.site.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "adrf", "ninja", "loopwatch"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}}
LOOPWATCH = {"THRESHOLD_MS": 80, "FLUSH_INTERVAL_S": 0.1}
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}

UPSTREAM_URL = os.environ["SITE_UPSTREAM"]
REDIS_PORT = int(os.environ["SITE_REDIS_PORT"])
POSTGRESQL = json.loads(os.environ["SITE_POSTGRESQL"])
"""What ``psycopg.connect`` takes."""
