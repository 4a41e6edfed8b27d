"""Loops are watched in all ways in which a Django test can reach code."""

import pytest

from tests.testing.conftest import ASYNCIO

SETTINGS = """
from tests.settings import *

ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""

URLS = """
import time

from django.http import HttpResponse
from django.urls import path


async def pay(request):
    time.sleep(0.2)
    return HttpResponse("paid")


async def show(request):
    return HttpResponse("shown")


def print_label(request):
    time.sleep(0.2)
    return HttpResponse("printed")


urlpatterns = [path("pay/", pay), path("show/", show), path("label/", print_label)]
"""

TESTS = """
import time

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.test import SimpleTestCase, TestCase


async def test_blocks_with_the_async_client(async_client):
    assert (await async_client.get("/pay/")).content == b"paid"


def test_blocks_with_the_client(client):
    assert client.get("/pay/").content == b"paid"


async def test_blocks_with_a_communicator():
    communicator = HttpCommunicator(get_asgi_application(), "GET", "/pay/")
    assert (await communicator.get_response(timeout=30))["body"] == b"paid"
    await communicator.wait(timeout=60)


class Slow(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        time.sleep(0.2)
        await self.send(text_data)


async def test_blocks_in_a_consumer():
    socket = WebsocketCommunicator(Slow.as_asgi(), "/chat/")
    await socket.connect(timeout=60)
    await socket.send_to("hello")
    assert await socket.receive_from(timeout=30) == "hello"
    await socket.disconnect(timeout=60)


class TestShop(SimpleTestCase):
    async def test_blocks_in_an_async_method(self):
        time.sleep(0.2)

    async def test_blocks_with_its_async_client(self):
        assert (await self.async_client.get("/pay/")).content == b"paid"


class TestShopWithDatabase(TestCase):
    async def test_blocks_in_an_async_method(self):
        time.sleep(0.2)

    async def test_shows(self):
        assert (await self.async_client.get("/show/")).content == b"shown"

    async def test_runs_sync_views_in_a_thread(self):
        assert (await self.async_client.get("/label/")).content == b"printed"
"""


@pytest.fixture
def shop(stalling_project, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop_settings")
    stalling_project.ini("pythonpath = .")
    for name, source in (("shop_settings", SETTINGS), ("urls", URLS), ("test_shop", TESTS)):
        (stalling_project.path / f"{name}.py").write_text(source, encoding="utf-8")
    return stalling_project


def test_only_tests_that_block_fail(shop):
    result = shop.run_in_new_process(
        "--loopwatch", "--loopwatch-json", "found.json", plugins=[ASYNCIO, "pytest_django.plugin"]
    )
    result.assert_outcomes(failed=7, passed=2)
    found = {(found["blocking_call"], found["function"]) for found in shop.found() if found["verdict"] == "new"}
    assert found == {
        ("time.sleep", "urls.pay"),
        ("time.sleep", "test_shop.Slow.receive"),
        ("time.sleep", "test_shop.TestShop.test_blocks_in_an_async_method"),
        ("time.sleep", "test_shop.TestShopWithDatabase.test_blocks_in_an_async_method"),
    }
