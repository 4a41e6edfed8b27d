"""A Python that is later than those that are known is reported once in the log."""

import pytest

from loopwatch import watch
from loopwatch.detection.cpython import known_versions as interpreter


@pytest.fixture(autouse=True)
def nothing_was_said():
    interpreter.warn_if_later_than_known.cache_clear()
    yield
    interpreter.warn_if_later_than_known.cache_clear()


async def test_a_later_python_is_reported_once(monkeypatch, caplog):
    monkeypatch.setattr(interpreter, "KNOWN_UNTIL", (3, 10))
    for _ in range(2):
        with watch():
            pass
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "3.10" in record.getMessage()


async def test_nothing_is_said_of_a_python_that_is_known(caplog):
    with watch():
        pass
    assert caplog.records == []
