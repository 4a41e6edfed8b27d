import pytest

from tests.advice.examples.books import books

__all__ = ["books"]


@pytest.fixture
def mailer(settings):
    """Keeps mails in memory; Django 6.1 warns without this setting."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
