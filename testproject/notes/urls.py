from django.urls import path

from testproject.notes import views

urlpatterns = [
    path("", views.note_list, name="notes"),
    path("<int:pk>/tidy/", views.tidy),
    path("<int:pk>/tidy/fixed/", views.tidy_fixed),
    path("agreement/", views.agreement),
    path("agreement/fixed/", views.agreement_fixed),
]
