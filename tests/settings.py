"""Settings of the unit tests: the app, the admin and a database file that other threads can open."""

import os
from pathlib import Path
from tempfile import gettempdir
from zoneinfo import available_timezones

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "tests only"
USE_TZ = True
# Django sets the time zone of the process, so a run in another one has to tell it.
TIME_ZONE = zone if (zone := os.environ.get("TZ")) in available_timezones() else "America/Chicago"
ROOT_URLCONF = "tests.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "loopwatch",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
# The writer thread has a connection of its own, so the test database must be a file, not memory.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # Nobody needs the database after a power cut, and a thread that locks it may have to wait for a CPU.
        "OPTIONS": {"init_command": "PRAGMA synchronous = OFF", "timeout": 60},
        "TEST": {"NAME": Path(gettempdir()) / f"loopwatch-tests-{os.getpid()}.sqlite3"},
    },
}
# Hashing a password properly takes longer than most tests.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
