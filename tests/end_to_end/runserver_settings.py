"""The site as Django's development server serves it, which is Daphne where that is installed."""

from tests.faults import settings
from tests.faults.settings import *  # noqa: F403

INSTALLED_APPS = ["daphne", *settings.INSTALLED_APPS]
ASGI_APPLICATION = "tests.faults.application.application"
