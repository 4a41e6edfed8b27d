from django.urls import path

from testproject.home import views

urlpatterns = [path("", views.home, name="home")]
