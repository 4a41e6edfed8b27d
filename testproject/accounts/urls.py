from django.urls import path

from testproject.accounts import views

urlpatterns = [
    path("me/", views.me),
    path("me/fixed/", views.me_fixed),
]
