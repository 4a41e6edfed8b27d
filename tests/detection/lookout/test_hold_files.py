"""What keeps the GIL permanently is noted in a file, which another process reads once the first one was killed."""

import errno
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime

import pytest

from loopwatch.detection.lookout import abandoned_holds, looking
from loopwatch.detection.lookout.abandoned_holds import LARGEST_FILE, read_hold, take_abandoned_holds
from loopwatch.detection.lookout.hold_folder import open_hold_folder
from loopwatch.detection.lookout.look import LookedFrame
from loopwatch.detection.lookout.looking import HoldFile, Looker, Orders

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lookout needs Linux")

LATE_S, WATCHDOG, LOOP = 0.008, 7, 8
FRAME = ("/srv/shop/prices.py", "total", 37, 37, 4, 17)
NAME = "hold-4711-00c0ffee.jsonl"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "holds"


@pytest.fixture
def folder(path):
    folder = open_hold_folder(str(path))
    yield folder
    os.close(folder)


def lookout(folder):
    """A looker that always sees the loop's thread at one place."""
    orders = Orders(0, 0, LATE_S, 5.0, WATCHDOG, looking.NO_DESCRIPTOR, folder)
    return Looker(orders, lambda: (LOOP, (FRAME,), 44), lambda message: None)


def entry(**changes):
    whole = {
        "version": looking.HOLD_VERSION,
        "python": sys.implementation.cache_tag,
        "process_id": 4711,
        "thread_id": LOOP,
        "at": 1000.0,
        "lasted_s": 40.0,
        "opcode": 44,
        "frames": [FRAME],
    }
    return json.dumps(whole | changes).encode()


def names(path):
    return sorted(each.name for each in path.iterdir())


def test_the_folder_is_made_for_this_user_alone(path, folder):
    assert path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_refused(path):
    path.mkdir()
    path.chmod(0o770)
    with pytest.raises(PermissionError, match="other users may write to the folder"):
        open_hold_folder(str(path))


def test_a_folder_of_another_user_is_refused(path, monkeypatch):
    path.mkdir()
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        open_hold_folder(str(path))


def test_a_folder_on_a_disk_that_is_read_only_is_refused(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PermissionError, match="cannot be written to"):
        open_hold_folder(str(path))


def test_a_link_is_not_followed(path, tmp_path):
    path.symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        open_hold_folder(str(path))


def test_a_folder_whose_parent_is_missing_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_hold_folder(str(tmp_path / "missing" / "holds"))


def test_a_thread_that_keeps_the_gil_for_long_is_noted(path, folder):
    looker = lookout(folder)
    for at in (1.0, 7.0, 11.5, 14.0):
        looker.pause_s(0.0, at)
    (file,) = path.iterdir()
    assert [read_hold(line).look.lasted_s for line in file.read_bytes().splitlines()] == [6.0, 13.0]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_noted_can_be_read(path, folder):
    looker = lookout(folder)
    before = time.time()
    looker.pause_s(0.0, 1.0)
    looker.pause_s(0.0, 7.0)
    (file,) = path.iterdir()
    hold = read_hold(file.read_bytes())
    assert (hold.process_id, hold.look.thread_id, hold.look.opcode) == (os.getpid(), LOOP, 44)
    assert hold.look.frames == (LookedFrame(*FRAME),)
    assert 0 <= hold.started_at.timestamp() + 6.0 - before < 60


def test_nothing_is_noted_before_it_is_long(path, folder):
    looker = lookout(folder)
    looker.pause_s(0.0, 1.0)
    looker.pause_s(0.0, 5.9)
    assert names(path) == []


def test_the_file_is_removed_when_the_watchdog_runs_again(path, folder):
    looker = lookout(folder)
    looker.pause_s(0.0, 1.0)
    looker.pause_s(0.0, 7.0)
    looker.pause_s(7.1, 7.1)
    assert names(path) == []


def test_the_file_is_removed_when_the_lookout_ends(path, folder):
    looker = lookout(folder)
    looker.pause_s(0.0, 1.0)
    looker.pause_s(0.0, 7.0)
    looker.end()
    assert names(path) == []


def test_a_file_that_is_removed_may_be_followed_by_another(path, folder):
    file = HoldFile(folder)
    file.add(b"one\n")
    file.remove()
    file.add(b"other\n")
    (left,) = path.iterdir()
    assert left.read_bytes() == b"other\n"
    file.remove()


def test_a_full_folder_gets_no_more_files(path, folder):
    for number in range(looking.MAX_HOLD_FILES):
        (path / str(number)).touch()
    HoldFile(folder).add(b"more\n")
    assert len(names(path)) == looking.MAX_HOLD_FILES


def test_an_entry_that_is_too_large_is_left_out(path, folder):
    HoldFile(folder).add(b"x" * (looking.MAX_MESSAGE_BYTES + 1))
    assert names(path) == []


def test_a_folder_that_is_deleted_does_no_harm(path, folder):
    path.rmdir()
    file = HoldFile(folder)
    file.add(b"a line\n")
    file.remove()


def test_a_file_of_a_process_that_lives_is_left_alone(path, folder):
    file = HoldFile(folder)
    file.add(entry() + b"\n")
    assert take_abandoned_holds(str(path)).holds == ()
    assert len(names(path)) == 1
    file.remove()


def test_a_process_without_descriptors_leaves_the_files_for_another(path, folder):
    (path / NAME).write_bytes(entry() + b"\n")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        content = abandoned_holds._content_unless_locked(NAME, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert content is None
    assert len(take_abandoned_holds(str(path)).holds) == 1


def test_a_file_that_cannot_be_locked_is_not_left_behind(path, folder, monkeypatch):
    def unlocked(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(looking.fcntl, "flock", unlocked)
    HoldFile(folder).add(b"a line\n")
    assert names(path) == []


def test_a_file_of_a_process_that_has_ended_is_read_and_removed(path, folder):
    (path / NAME).write_bytes(entry() + b"\n")
    found = take_abandoned_holds(str(path))
    (hold,) = found.holds
    assert (hold.process_id, hold.started_at) == (4711, datetime.fromtimestamp(960, UTC))
    assert found.unreadable == 0
    assert names(path) == []


def test_the_last_entry_that_is_whole_counts(path, folder):
    (path / NAME).write_bytes(entry(lasted_s=5) + b"\n" + entry(lasted_s=10) + b"\n" + entry(lasted_s=20)[:30])
    (hold,) = take_abandoned_holds(str(path)).holds
    assert hold.look.lasted_s == 10


def test_other_files_of_the_folder_are_left_alone(path, folder):
    (path / "notes.jsonl").write_bytes(entry())
    (path / f"{NAME}.new").write_bytes(entry())
    assert take_abandoned_holds(str(path)).holds == ()
    assert names(path) == [f"{NAME}.new", "notes.jsonl"]


def test_a_link_is_removed_and_not_what_it_leads_to(path, folder, tmp_path):
    (tmp_path / "other").write_bytes(entry())
    (path / NAME).symlink_to(tmp_path / "other")
    found = take_abandoned_holds(str(path))
    assert (found.holds, found.unreadable, names(path)) == ((), 1, [])
    assert (tmp_path / "other").exists()


def test_a_pipe_is_removed_and_not_waited_for(path, folder):
    os.mkfifo(path / NAME)
    found = take_abandoned_holds(str(path))
    assert (found.holds, found.unreadable, names(path)) == ((), 1, [])


def test_a_file_that_is_too_large_is_removed_unread(path, folder):
    with (path / NAME).open("wb") as file:
        file.write(entry() + b"\n")
        file.truncate(LARGEST_FILE + 1)
    found = take_abandoned_holds(str(path))
    assert (found.holds, found.unreadable, names(path)) == ((), 1, [])


def test_a_folder_with_that_name_is_left_alone(path, folder):
    (path / NAME).mkdir()
    assert take_abandoned_holds(str(path)).holds == ()
    assert names(path) == [NAME]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="nested deeply"),
        pytest.param(b"[]", id="no object"),
        pytest.param(entry(version=2), id="of another version"),
        pytest.param(entry(process_id=-1), id="no process"),
        pytest.param(entry(process_id="4711"), id="a process that is text"),
        pytest.param(entry(lasted_s=-1), id="a time that ran backwards"),
        pytest.param(entry(lasted_s=float("nan")), id="no time"),
        pytest.param(entry(at=1e300), id="a time that no date has"),
        pytest.param(entry(frames=[]), id="no frame"),
        pytest.param(entry(frames=[FRAME] * (looking.MAX_FRAMES + 1)), id="too many frames"),
        pytest.param(entry(frames=[FRAME[:5]]), id="a frame that is too short"),
        pytest.param(entry(frames=[("x" * 1001, *FRAME[1:])]), id="a name that is too long"),
        pytest.param(entry(frames=[(*FRAME[:5], 2**31)]), id="a column that is too large"),
        pytest.param(entry(frames=[(*FRAME[:5], "17")]), id="a column that is text"),
        pytest.param(entry(frames=[{"filename": "a.py"}]), id="a frame that is an object"),
    ],
)
def test_what_is_no_entry_is_not_read(line):
    assert read_hold(line) is None


def test_a_place_that_is_not_known_may_be_left_out():
    (frame,) = read_hold(entry(frames=[(*FRAME[:4], None, None)])).look.frames
    assert frame == LookedFrame(*FRAME[:4], -1, -1)


def test_the_opcode_of_another_python_says_nothing():
    assert read_hold(entry(python="cpython-399")).look.opcode == -1


def test_a_hold_does_not_begin_in_the_future():
    assert read_hold(entry(at=time.time() + 1e6)).started_at <= datetime.now(UTC)
