"""Feeds the watchdog of systemd: ``WATCHDOG=1`` by the protocol of sd_notify(3) and sd_watchdog_enabled(3)."""

import re
import socket
from collections.abc import Mapping
from typing import NamedTuple

MESSAGE = b"WATCHDOG=1"
_PERIOD_US = re.compile(r"[1-9][0-9]{0,11}")
"""Periods of up to eleven days: epoll cannot wait for more than 24."""


class SystemdError(Exception):
    """Says why the watchdog of systemd is not fed, as the end of a sentence."""


class SystemdWatchdog(NamedTuple):
    """The socket of the service manager, and how often it is to be notified."""

    address: str
    interval_s: float

    def sign(self) -> None:
        """Send the message. Raises ``OSError``."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(MESSAGE, self.address)


def systemd_watchdog(environment: Mapping[str, str], pid: int) -> SystemdWatchdog:
    """Return what the environment of a service asks for. Raises ``SystemdError`` if that is nothing."""
    address, period_us = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
    if not address or not _PERIOD_US.fullmatch(period_us):
        raise SystemdError("systemd has not asked for it: the unit needs WatchdogSec=")
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        raise SystemdError(f"systemd waits for process {environment['WATCHDOG_PID']}, and this is a child of it")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        raise SystemdError(f"the kind of its socket is not supported: {address}")
    if address.startswith("@"):  # an abstract socket: unix(7)
        address = f"\0{address[1:]}"
    return SystemdWatchdog(address, int(period_us) / 2e6)
