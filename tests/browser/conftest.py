"""Serves one site to all browser tests, and provides a browser and its windows."""

from contextlib import ExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from playwright.async_api import async_playwright

from testproject.demo.browser import QUIET, BrowserError, find_browser
from tests.browser.site import AdminSite
from tests.browser.window import HEIGHT_PX, LOOKS, WITHIN_MS, Window
from tests.needs import not_there


@pytest.fixture(scope="package")
def site(django_db_setup, django_db_blocker, tmp_path_factory):
    """Use the database of the tests, so that a test can store the rows it needs."""
    with AdminSite(tmp_path_factory.mktemp("site"), connection.settings_dict["NAME"]) as served:
        served.serve()
        yield served
        served.stop()
        assert not served.tracebacks
    with django_db_blocker.unblock():  # what the site wrote as it ended, the next test would find
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def site_of(transactional_db, tmp_path):
    """Return a function that starts further processes of the site, which end with the test."""
    made = []
    with ExitStack() as sites:

        def make(**environment):
            made.append(sites.enter_context(AdminSite(tmp_path, connection.settings_dict["NAME"], **environment)))
            made[-1].serve()
            return made[-1]

        yield make
        for one in made:
            one.stop()
            assert not one.tracebacks


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser():
    try:
        program = find_browser()
    except BrowserError:
        not_there("chromium", package="chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=program, args=QUIET, timeout=WITHIN_MS)
        yield launched
        await launched.close()


@pytest.fixture
def superuser(transactional_db):
    return User.objects.create_superuser("ada", password="secret")


@pytest.fixture
def session_of():
    """Log a user in, and return the session key."""

    def log_in(user):
        client = Client()
        client.force_login(user)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    return log_in


@pytest.fixture
def open_window(browser, site):
    """Return a function that opens a window with its own profile, logged in by a session key."""

    @asynccontextmanager
    async def opened(look=LOOKS[0], session_key=None, address=site.address):
        context = await browser.new_context(
            viewport={"width": look.width_px, "height": HEIGHT_PX}, color_scheme=look.colours, locale=look.language
        )
        context.set_default_timeout(WITHIN_MS)
        if session_key:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_key, "url": address}
            await context.add_cookies([cookie])
        try:
            yield Window(await context.new_page(), address, look)
        finally:
            await context.close()

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def window(request, open_window, superuser_session):
    """A window of the superuser; ``@pytest.mark.parametrize("window", LOOKS, indirect=True)`` for each look."""
    async with open_window(getattr(request, "param", LOOKS[0]), superuser_session) as opened:
        yield opened


@pytest.fixture
def superuser_session(superuser, session_of):
    return session_of(superuser)
