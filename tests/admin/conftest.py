import pytest
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture
def staff(django_user_model):
    """Return a function that makes a client of a staff user with only these permissions."""

    def log_in(*codenames, **options):
        user = django_user_model.objects.create_user("ada", password="secret", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client(**options)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def viewer(staff):
    return staff("view_finding", "view_blockingevent")
