"""systemd's watchdog is fed by its own protocol: only if the unit asks this process for it."""

import socket
import sys

import pytest

from loopwatch.sign_of_life.systemd import SystemdError, systemd_watchdog

ASKED = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="There are no such sockets here")


def test_a_message_is_due_twice_in_the_time_that_the_unit_gives():
    assert systemd_watchdog(ASKED, 42) == ("/run/systemd/notify", 15.0)


def test_an_abstract_socket_begins_with_a_zero_byte():
    assert systemd_watchdog(ASKED | {"NOTIFY_SOCKET": "@notify"}, 42).address == "\0notify"


def test_a_service_manager_need_not_name_a_process():
    environment = {name: value for name, value in ASKED.items() if name != "WATCHDOG_PID"}
    assert systemd_watchdog(environment, 7).interval_s == 15.0


NOT_ASKED = [
    pytest.param({"WATCHDOG_USEC": ""}, "WatchdogSec=", id="no watchdog"),
    pytest.param({"WATCHDOG_USEC": "0"}, "WatchdogSec=", id="a watchdog that is off"),
    pytest.param({"WATCHDOG_USEC": "soon"}, "WatchdogSec=", id="a time that is no number"),
    pytest.param({"WATCHDOG_USEC": "²"}, "WatchdogSec=", id="a digit that is no number"),
    pytest.param({"WATCHDOG_USEC": "9" * 5000}, "WatchdogSec=", id="a time of 5,000 digits"),
    pytest.param({"NOTIFY_SOCKET": ""}, "WatchdogSec=", id="no socket"),
    pytest.param({"WATCHDOG_PID": "41"}, "process 41", id="another process"),
    pytest.param({"NOTIFY_SOCKET": "vsock:2:1234"}, "vsock:2:1234", id="another kind of socket"),
]


@pytest.mark.parametrize(("changed", "said"), NOT_ASKED)
def test_a_process_that_is_not_asked_says_why(changed, said):
    with pytest.raises(SystemdError, match=said):
        systemd_watchdog(ASKED | changed, 42)


@pytest.mark.parametrize(
    "kind",
    ["path", pytest.param("abstract", marks=pytest.mark.skipif(sys.platform != "linux", reason="Only on Linux"))],
)
def test_the_message_arrives(kind, tmp_path):
    named = str(tmp_path / "notify") if kind == "path" else f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(named.replace("@", "\0"))
        manager.settimeout(30)
        systemd_watchdog(ASKED | {"NOTIFY_SOCKET": named}, 42).sign()
        assert manager.recv(100) == b"WATCHDOG=1"


def test_a_service_manager_that_is_gone_raises(tmp_path):
    with pytest.raises(OSError):
        systemd_watchdog(ASKED | {"NOTIFY_SOCKET": str(tmp_path / "gone")}, 42).sign()
