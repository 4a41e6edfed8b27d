import pytest
from channels.layers import InMemoryChannelLayer

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
def test_an_in_memory_layer_with_several_processes_gives_one_warning(monkeypatch, found, name, value, told):
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
def test_an_in_memory_layer_with_one_process_gives_no_warning(monkeypatch, found, name, value):
    monkeypatch.setenv(name, value)
    assert not found(W007)


def test_an_in_memory_layer_gives_a_warning_on_deployment(found):
    assert not found(W007)
    (message,) = found(W007, include_deployment_checks=True)
    assert 'CHANNEL_LAYERS["default"]' in message.msg


def test_a_subclass_of_the_in_memory_layer_gives_a_warning(settings, found):
    settings.CHANNEL_LAYERS = {"chat": {"BACKEND": f"{__name__}.Derived"}}
    (message,) = found(W007, include_deployment_checks=True)
    assert 'CHANNEL_LAYERS["chat"]' in message.msg


@pytest.mark.parametrize(
    "layers", [{}, None, REDIS, {"default": {}}, {"default": {"BACKEND": "nowhere.Layer"}}, {"default": None}, "redis"]
)
def test_other_channel_layers_give_no_warning(settings, found, layers):
    settings.CHANNEL_LAYERS = layers
    assert not found(W007, include_deployment_checks=True)
