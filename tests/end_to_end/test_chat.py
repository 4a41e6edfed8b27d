import json

import pytest

from testproject.demo.client import Visitor, say
from tests.end_to_end.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_people_chat(shop: Shop):
    async with (
        Visitor(shop.address) as ada,
        Visitor(shop.address) as bert,
        ada.chat("/ws/chat/poetry/") as adas_room,
        bert.chat("/ws/chat/poetry/fixed/") as berts_room,
    ):
        await say(adas_room, "Has anyone read it?")
        assert json.loads(await berts_room.recv()) == {"author": "a guest", "text": "Has anyone read it?"}
        await say(berts_room, "Twice — über gut!")
        assert json.loads(await adas_room.recv())["text"] == "Twice — über gut!"
        assert "Has anyone read it?" in (await ada.get("/chat/poetry/")).text


async def test_what_the_moderator_refuses_only_its_author_hears_of(shop: Shop):
    async with (
        Visitor(shop.address) as ada,
        ada.chat("/ws/chat/prose/fixed/") as writing,
        ada.chat("/ws/chat/prose/fixed/") as listening,
    ):
        await writing.send(json.dumps({"text": "Win the lottery!"}))
        assert "error" in json.loads(await writing.recv())
        await say(writing, "Sorry.")
        assert json.loads(await listening.recv())["text"] == "Sorry."
