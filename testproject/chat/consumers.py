"""The chat room: what one visitor writes, all in the room read, once the moderator has let it pass."""

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from testproject.chat.models import Message
from testproject.chat.moderation import is_welcome

LONGEST_TEXT = 1000


class Room(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Joining, leaving and telling everyone; what is moderated, and how, is the subclasses' affair."""

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        user = self.scope["user"]
        self.author = user.get_username() or "a guest"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, _code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    @property
    def group(self) -> str:
        return f"chat-{self.room}"

    async def tell_everyone(self, text: str) -> None:
        message = await Message.objects.acreate(room=self.room, author=self.author, text=text)
        event = {"type": "chat.message", "author": message.author, "text": message.text}
        await self.channel_layer.group_send(self.group, event)

    async def refuse(self) -> None:
        await self.send_json({"error": "The moderator did not let this pass."})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send_json({"author": event["author"], "text": event["text"]})


class ChatConsumer(Room):
    async def receive_json(self, content: dict[str, Any], **_kwargs: Any) -> None:
        text = str(content.get("text", ""))[:LONGEST_TEXT]
        if is_welcome(text):
            await self.tell_everyone(text)
        else:
            await self.refuse()


class ThreadedChatConsumer(Room):
    async def receive_json(self, content: dict[str, Any], **_kwargs: Any) -> None:
        text = str(content.get("text", ""))[:LONGEST_TEXT]
        if await sync_to_async(is_welcome)(text):
            await self.tell_everyone(text)
        else:
            await self.refuse()


class FixedChatConsumer(Room):
    async def receive_json(self, content: dict[str, Any], **_kwargs: Any) -> None:
        text = str(content.get("text", ""))[:LONGEST_TEXT]
        if await asyncio.to_thread(is_welcome, text):
            await self.tell_everyone(text)
        else:
            await self.refuse()
