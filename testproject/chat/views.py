from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from testproject.chat.models import Message


def room(request: HttpRequest, name: str) -> HttpResponse:
    messages = Message.objects.filter(room=name).order_by("-pk")[:30]
    return render(request, "chat/room.html", {"room": name, "chat_messages": reversed(messages)})
