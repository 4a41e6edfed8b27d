"""Access to the live page: it is checked before the connection is accepted, and while it is open."""

import asyncio
import json

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from playwright.async_api import expect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.browser.test_live import open_live

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEW = "view_blockingevent"


@pytest.fixture
def session(transactional_db, session_of):
    """Return a function that logs in a staff user with these permissions or other columns."""

    def log_in(*codenames, **columns):
        user = User.objects.create_user("bert", password="secret", **{"is_staff": True} | columns)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return session_of(user)

    return log_in


@pytest.fixture
def viewer(session):
    return session(VIEW)


def connection(site, session_key=None, origin=None):
    """Open a WebSocket to the live page's consumer, as a program other than a browser can."""
    patience = {"open_timeout": 60, "close_timeout": 60, "ping_interval": None}
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_key}"} if session_key else {}
    url = site.address.replace("http:", "ws:") + "/loopwatch/live/"
    return connect(
        url,
        origin=site.address if origin is None else origin or None,
        additional_headers=headers,
        proxy=None,
        **patience,
    )


async def refused(*arguments):
    with pytest.raises(InvalidStatus) as caught:
        async with connection(*arguments):
            pass
    return caught.value.response.status_code == 403


async def closed(socket):
    """Return the code with which the connection is finally closed."""
    with pytest.raises(ConnectionClosed) as caught:
        async with asyncio.timeout(60):
            while True:
                await socket.recv()
    return caught.value.rcvd.code


async def test_a_permitted_user_receives_the_lateness_of_the_loop(site, viewer):
    async with connection(site, viewer) as socket, asyncio.timeout(60):
        past, beat = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert "late_ms" not in past
    assert beat["process"].endswith(f" {site.process_id}")
    assert beat["late_ms"] >= 0


async def test_a_user_without_permission_is_not_connected(site, transactional_db):
    assert await refused(site)
    assert await refused(site, "no-such-session")


@pytest.fixture(
    params=[{"is_staff": False}, {"is_active": False}, {"codenames": ["view_finding"]}],
    ids=["user", "inactive", "other"],
)
def outsider(request, session):
    columns = dict(request.param)
    return session(*columns.pop("codenames", [VIEW]), **columns)


async def test_neither_permission_nor_staff_is_enough_alone(site, outsider):
    assert await refused(site, outsider)


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1", "null", ""])
async def test_no_other_site_connects_with_the_cookies_of_its_visitors(site, viewer, origin):
    assert await refused(site, viewer, origin)


async def test_a_client_that_sends_something_is_disconnected(site, viewer):
    async with connection(site, viewer) as socket:
        await socket.send("{}")
        assert await closed(socket) == 4400
    async with connection(site, viewer) as socket:
        await socket.send(b"\x00")
        assert await closed(socket) == 4400


async def lose_permission():
    await (await User.objects.aget(username="bert")).user_permissions.aclear()


async def leave_the_staff():
    await User.objects.aupdate(is_staff=False)


async def be_deactivated():
    await User.objects.aupdate(is_active=False)


async def log_out():
    await Session.objects.all().adelete()


async def change_the_password():
    user = await User.objects.aget(username="bert")
    user.set_password("another")
    await user.asave()


@pytest.mark.parametrize("change", [lose_permission, leave_the_staff, be_deactivated, log_out, change_the_password])
async def test_a_user_who_loses_the_permission_is_disconnected(site, viewer, change):
    async with connection(site, viewer) as socket:
        await socket.recv()
        await change()
        assert await closed(socket) == 4403


async def test_a_disconnected_page_says_why(open_window, viewer):
    async with open_window(session_key=viewer) as window:
        await open_live(window)
        await lose_permission()
        await expect(window.page.locator("#loopwatch-state")).to_contain_text("You no longer have permission")
        assert await window.flaws() == []
