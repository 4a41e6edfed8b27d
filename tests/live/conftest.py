from contextlib import ExitStack

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.conftest import staff
from tests.live.page import Page
from tests.recorder.conftest import recorder_of

__all__ = ["recorder_of", "staff"]


@pytest.fixture
def session_key(transactional_db):
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="secret"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def open_page(site, session_key):
    with ExitStack() as pages:

        def opened():
            page = Page(site.port, session_key)
            pages.callback(page.hang_up)
            return page

        yield opened
