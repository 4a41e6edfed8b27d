"""Settings of Foxglove Books, the small bookshop that shows loopwatch at work. For a demo only: DEBUG is on."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("TESTPROJECT_DATA", BASE_DIR / ".demo"))
DATA_DIR.mkdir(parents=True, exist_ok=True)
UPSTREAM_URL = os.environ.get("TESTPROJECT_UPSTREAM", "http://127.0.0.1:8001")

# Sites that call the ORM in async code set this to silence Django's own guard.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
SILENCED_SYSTEM_CHECKS = ["loopwatch.W005"]  # which would warn of it, and does not know that this is a demo

SECRET_KEY = "for the demo only"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "testproject.urls"
ASGI_APPLICATION = "testproject.asgi.application"
INSTALLED_APPS = [
    "daphne",
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "loopwatch",
    "testproject.home",
    "testproject.accounts",
    "testproject.catalogue",
    "testproject.orders",
    "testproject.notes",
    "testproject.chat",
    "testproject.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "testproject.home.middleware.server_timing",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("TESTPROJECT_DATABASE", DATA_DIR / "shop.sqlite3"),
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
        },
    },
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# The mistakes stall for some 240 ms, everything else for a few: 80 ms keeps a factor of three on either side.
LOOPWATCH = {"THRESHOLD_MS": 80}
