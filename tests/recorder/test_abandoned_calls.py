"""What a process that was killed has left in ``LOOKOUT_FOLDER`` is recorded by the next one that writes."""

import json
import sys
import time
from dataclasses import replace

import pytest

from loopwatch.detection.lookout.looking import HOLD_VERSION
from loopwatch.models import BlockingEvent, Finding
from tests.recorder.calls import blocking_call

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="the lookout needs Linux"),
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "holds"
    folder.mkdir(mode=0o700)
    return folder


def leave(folder, number=1, content=None):
    """Leave a file as a process does that is killed after a minute."""
    entry = {
        "version": HOLD_VERSION,
        "python": sys.implementation.cache_tag,
        "process_id": 4711,
        "thread_id": 4711,
        "at": time.time(),
        "lasted_s": 60.0,
        "opcode": 44,
        "frames": [(__file__, "total", 1, 1, 0, 7)],
    }
    (folder / f"hold-4711-{number:08x}.jsonl").write_text(json.dumps(entry) if content is None else content)


def write(recorder, times=2):
    """Write something, and what is found meanwhile."""
    for _ in range(times):
        recorder.put(blocking_call())
        assert recorder.flush(60)


def found():
    return Finding.objects.filter(function=f"{__name__}.total")


def test_it_is_stored_as_a_stall_that_has_not_ended(recorder_of, folder):
    leave(folder)
    write(recorder_of(lookout_folder=str(folder)))
    event = BlockingEvent.objects.get(finding=found().get())
    assert (event.ongoing, event.duration_us, event.lineno) == (True, 60_000_000, 1)
    assert [*folder.iterdir()] == []


def test_without_the_setting_nothing_is_read(recorder_of, folder):
    leave(folder)
    write(recorder_of())
    assert not found().exists()
    assert len([*folder.iterdir()]) == 1


def test_the_folder_is_looked_at_once_a_minute(recorder_of, folder):
    recorder = recorder_of(lookout_folder=str(folder))
    write(recorder)
    leave(folder)
    write(recorder)
    assert not found().exists()
    recorder._writer._housekeeping._abandoned._take_at = 0.0
    write(recorder)
    assert found().exists()


def test_the_settings_of_paths_apply(recorder_of, folder):
    leave(folder)
    write(recorder_of(lookout_folder=str(folder), exclude_paths=("test_abandoned",)))
    assert not found().exists()


def test_it_passes_redact(recorder_of, folder, caplog):
    leave(folder)
    write(recorder_of(lookout_folder=str(folder), redact=lambda call: replace(call, function="(hidden)", stack=())))
    assert not found().exists()
    assert Finding.objects.filter(function="(hidden)", events=1).exists()
    assert "total" not in caplog.text
    assert "Process 4711 was killed while a thread kept the GIL" in caplog.text


def test_files_that_cannot_be_read_are_counted_and_logged_once(recorder_of, folder, caplog):
    for number in range(3):
        leave(folder, number, content="{")
    leave(folder, 4)
    recorder = recorder_of(lookout_folder=str(folder))
    write(recorder)
    assert recorder.stats().errors["lookout"] == 3
    assert caplog.text.count("could not be read, and was removed") == 1
    assert found().exists()


def test_a_folder_that_cannot_be_used_does_no_harm(recorder_of, folder, caplog):
    folder.chmod(0o777)
    recorder = recorder_of(lookout_folder=str(folder))
    write(recorder)
    assert recorder.stats().errors == {}
    assert BlockingEvent.objects.count() == 2


def test_one_that_cannot_be_reported_does_not_keep_the_others_out(recorder_of, folder, monkeypatch):
    from loopwatch.recorder import abandoned_calls

    makes_report = abandoned_calls.abandoned_call

    def fail_once(hold):
        monkeypatch.setattr(abandoned_calls, "abandoned_call", makes_report)
        raise RuntimeError

    monkeypatch.setattr(abandoned_calls, "abandoned_call", fail_once)
    leave(folder, 1)
    leave(folder, 2)
    recorder = recorder_of(lookout_folder=str(folder))
    write(recorder)
    assert recorder.stats().errors == {"lookout": 1}
    assert found().get().events == 1
