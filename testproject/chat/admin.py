from django.contrib import admin

from testproject.chat.models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("room", "author", "text", "sent_at")
