"""A Redis that keeps nothing."""

import shutil
from contextlib import contextmanager

import pytest

from testproject.demo.ports import LOOPBACK, any_free
from tests.needs import not_there
from tests.support.children import Child
from tests.support.waiting import wait_until


@contextmanager
def serve_redis(program, folder):
    """Serve it on a port of loopback, which is yielded, with its log in ``folder``."""
    port = any_free()
    command = [program, "--port", port, "--bind", LOOPBACK, "--save", "", "--dir", folder]
    with Child(command, log=folder / "redis.log") as server:
        wait_until(lambda: "Ready to accept connections" in server.output(), otherwise=server.output)
        yield port


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory):
    program = shutil.which("redis-server") or not_there("redis", package="redis-server")
    with serve_redis(program, tmp_path_factory.mktemp("redis")) as port:
        yield port
