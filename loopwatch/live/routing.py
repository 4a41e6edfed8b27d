"""Defines the route of the live page's WebSocket, for a ``URLRouter`` inside ``AuthMiddlewareStack``."""

from django.urls import path

from loopwatch.live.consumers import LiveConsumer

websocket_urlpatterns = [path("loopwatch/live/", LiveConsumer.as_asgi())]
