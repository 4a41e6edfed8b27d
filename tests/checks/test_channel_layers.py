import pytest
from channels.layers import InMemoryChannelLayer
from django.test import override_settings

pytestmark = pytest.mark.usefixtures("served", "nobody_asks_for_workers")
W007 = "loopwatch.W007"
IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
REDIS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": []}}}


class Derived(InMemoryChannelLayer):
    pass


@pytest.fixture
def nobody_asks_for_workers(monkeypatch, settings):
    for name in ("WEB_CONCURRENCY", "GRANIAN_WORKERS", "GUNICORN_CMD_ARGS"):
        monkeypatch.delenv(name, raising=False)
    settings.CHANNEL_LAYERS = IN_MEMORY


SEVERAL = [
    ("WEB_CONCURRENCY", "4", "WEB_CONCURRENCY=4"),
    ("GRANIAN_WORKERS", "2", "GRANIAN_WORKERS=2"),
    ("GUNICORN_CMD_ARGS", "--bind=127.0.0.1 --workers=3", "--workers=3"),
    ("GUNICORN_CMD_ARGS", "-w 3 --preload", "-w 3"),
]


@pytest.mark.parametrize(("name", "value", "told"), SEVERAL)
def test_a_layer_in_memory_behind_several_processes_is_warned_of_once(monkeypatch, found, name, value, told):
    monkeypatch.setenv(name, value)
    (message,) = found(W007)
    assert told in message.msg
    assert len(found(W007, include_deployment_checks=True)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_CONCURRENCY", "1"),
        ("WEB_CONCURRENCY", "many"),
        ("WEB_CONCURRENCY", ""),
        ("GUNICORN_CMD_ARGS", "--workers 1"),
        ("GUNICORN_CMD_ARGS", "--threads 4 --worker-class=uvicorn_worker.UvicornWorker"),
    ],
)
def test_nothing_is_said_of_one_process(monkeypatch, found, name, value):
    monkeypatch.setenv(name, value)
    assert not found(W007)


def test_deploying_it_is_warned_of_whatever_is_known(found):
    assert not found(W007)
    (message,) = found(W007, include_deployment_checks=True)
    assert 'CHANNEL_LAYERS["default"]' in message.msg


def test_a_layer_derived_from_it_is_no_better(settings, found):
    settings.CHANNEL_LAYERS = {"chat": {"BACKEND": f"{__name__}.Derived"}}
    (message,) = found(W007, include_deployment_checks=True)
    assert 'CHANNEL_LAYERS["chat"]' in message.msg


@pytest.mark.parametrize(
    "layers", [{}, None, REDIS, {"default": {}}, {"default": {"BACKEND": "nowhere.Layer"}}, {"default": None}, "redis"]
)
def test_nothing_is_said_of_other_layers(settings, found, layers):
    settings.CHANNEL_LAYERS = layers
    assert not found(W007, include_deployment_checks=True)


def test_nothing_is_said_where_no_asgi_server_is_known_of(monkeypatch, found):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    with override_settings(ASGI_APPLICATION=None):
        assert not found(W007, include_deployment_checks=True)
