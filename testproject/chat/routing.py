from django.urls import path

from testproject.chat.consumers import ChatConsumer, FixedChatConsumer, ThreadedChatConsumer

websocket_urlpatterns = [
    path("ws/chat/<slug:room>/", ChatConsumer.as_asgi()),
    path("ws/chat/<slug:room>/threaded/", ThreadedChatConsumer.as_asgi()),
    path("ws/chat/<slug:room>/fixed/", FixedChatConsumer.as_asgi()),
]
