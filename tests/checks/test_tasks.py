import sys
from types import ModuleType

import pytest

pytestmark = pytest.mark.usefixtures("served")
W015 = "loopwatch.W015"
IMMEDIATE = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}


@pytest.mark.parametrize("package", ["django.tasks", "django_tasks"])
def test_an_immediate_backend_that_the_site_sets_is_named(settings, found, package):
    settings.TASKS = {"mails": {"BACKEND": f"{package}.backends.immediate.ImmediateBackend"}}
    (message,) = found(W015)
    assert 'TASKS["mails"] runs a task at once' in message.msg


def test_a_backend_derived_from_the_immediate_one_is_named(settings, found):
    immediate = pytest.importorskip("django.tasks.backends.immediate", reason="Django has tasks from 6.0 on")
    module = ModuleType("site_tasks")
    module.Logged = type("Logged", (immediate.ImmediateBackend,), {})
    settings.TASKS = {"default": {"BACKEND": "site_tasks.Logged"}}
    assert not found(W015)
    sys.modules["site_tasks"] = module
    try:
        assert found(W015)
    finally:
        del sys.modules["site_tasks"]


@pytest.mark.parametrize(
    "tasks",
    [
        {"default": {"BACKEND": "django.contrib.auth.backends.ModelBackend"}},
        {"default": {"BACKEND": "nowhere.Backend"}},
        {"default": {}},
        {"default": None},
        None,
    ],
)
def test_other_backends_and_wrong_ones_give_no_warning(settings, found, tasks):
    settings.TASKS = tasks
    assert not found(W015)


def test_the_default_gives_no_warning_on_a_site_without_tasks(found):
    assert not found(W015)


def test_the_default_is_named_on_a_site_with_tasks(found, monkeypatch):
    tasks = pytest.importorskip("django.tasks", reason="Django has tasks from 6.0 on")
    module = ModuleType("loopwatch.tasks")

    def send():
        """A task, which must be a function of a module."""

    send.__module__, send.__qualname__ = "loopwatch.tasks", "send"
    module.send = tasks.task(send)
    monkeypatch.setitem(sys.modules, "loopwatch.tasks", module)
    assert found(W015)
