from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [
    path("", include("testproject.home.urls")),
    path("accounts/login/", auth_views.LoginView.as_view(template_name="home/login.html"), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/", include("testproject.accounts.urls")),
    path("catalogue/", include("testproject.catalogue.urls")),
    path("orders/", include("testproject.orders.urls")),
    path("notes/", include("testproject.notes.urls")),
    path("chat/", include("testproject.chat.urls")),
    path("admin/", admin.site.urls),
    *staticfiles_urlpatterns(),
]
