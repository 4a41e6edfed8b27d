"""Fixtures for the tables of several rooms."""

import asyncio
import sys

import pytest

from tests.detection.builders import Step


@pytest.fixture(autouse=True)
def _interpreter_with_a_gil(request, monkeypatch):
    """Tables describe an interpreter with a GIL, unless a test says otherwise; real time has the real interpreter."""
    if request.node.get_closest_marker("real_time") is None:
        monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)


@pytest.fixture
def step_of_task():
    """The handle of a step of a task that runs a coroutine, which never begins."""
    loop, tasks = asyncio.new_event_loop(), []

    def make(coroutine):
        tasks.append(loop.create_task(coroutine))
        return Step(tasks[-1].get_name)

    yield make
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
