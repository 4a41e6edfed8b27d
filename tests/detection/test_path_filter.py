"""``include_paths`` and ``exclude_paths``: substrings of the files from the user's own function inward."""

import json
import time
from pathlib import Path

import pytest

from loopwatch import watch
from tests.detection.catalogue import waiting

pytestmark = pytest.mark.real_time
THRESHOLD_MS = 20.0


def block():
    time.sleep(0.05)


class Slow:
    pass


def dump(value):
    time.sleep(0.05)
    return str(value)


def block_in_library():
    json.dumps(Slow(), default=dump)


async def reported(function, **filters):
    with watch(threshold_ms=THRESHOLD_MS, **filters) as watcher:
        function()
    return len(watcher.calls)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 1),
        ({"include_paths": []}, 1),
        ({"include_paths": ["test_path_filter"]}, 1),
        ({"include_paths": ["nowhere", "test_path_filter"]}, 1),
        ({"include_paths": ["nowhere"]}, 0),
        ({"exclude_paths": []}, 1),
        ({"exclude_paths": ["nowhere"]}, 1),
        ({"exclude_paths": ["test_path_filter"]}, 0),
        ({"include_paths": [Path(__file__).parent]}, 1),
        ({"exclude_paths": [Path(__file__).parent]}, 0),
        ({"include_paths": ["tests/"], "exclude_paths": ["test_path_filter"]}, 0),
        ({"include_paths": ("test_path_filter",), "exclude_paths": ("nowhere",)}, 1),
    ],
)
async def test_the_file_of_the_users_own_function(filters, count):
    assert await reported(block, **filters) == count


async def test_a_caller_further_out_does_not_count():
    async def case():
        return await reported(waiting.fetch_with_retries, include_paths=["test_path_filter"])

    assert await case() == 0
    assert await reported(waiting.fetch_with_retries, include_paths=["catalogue/waiting"]) == 1
    assert await reported(waiting.fetch_with_retries, exclude_paths=["catalogue/waiting"]) == 0
