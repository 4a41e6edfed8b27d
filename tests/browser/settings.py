"""The site the browser visits: the admin of the unit tests, on their database, under a Content-Security-Policy."""

import os

from tests.settings import *  # noqa: F403 - the same site, but served
from tests.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

ASGI_APPLICATION = "tests.browser.asgi.application"
ROOT_URLCONF = "tests.browser.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["daphne", "channels", *INSTALLED_APPS]
MIDDLEWARE = [
    "tests.browser.policy.strict_policy",
    *MIDDLEWARE[:1],
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    *MIDDLEWARE[1:],
]
DATABASES = {
    "default": DATABASES["default"]
    | {"NAME": os.environ["SITE_DATABASE"], "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"}}
}
LOOPWATCH = {
    "THRESHOLD_MS": int(os.environ.get("SITE_THRESHOLD_MS", "50")),
    "FLUSH_INTERVAL_S": 0.2,
    "ONGOING_AFTER_S": 0.5,
}
if redis_port := os.environ.get("SITE_REDIS_PORT"):
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [("127.0.0.1", int(redis_port))]}}
    CHANNEL_LAYERS = {"default": layer}
