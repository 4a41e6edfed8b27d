from django.urls import path

from testproject.chat import views

urlpatterns = [path("", views.room, {"name": "lobby"}, name="chat"), path("<slug:name>/", views.room, name="room")]
