"""Reads the setting ``LIVENESS_ADDRESS``, a port on loopback or an IP address with a port, and listens there."""

import ipaddress
import socket
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
LAST_PORT = 65_535


class ProbeAddress(NamedTuple):
    """Where probes are answered. The host is an IP address, so that it needs no look-up."""

    host: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


def probe_address(setting: int | str) -> ProbeAddress:
    """Return the address that ``8081``, ``"0.0.0.0:8081"`` or ``"[::]:8081"`` means. Raises ``ValueError``."""
    if isinstance(setting, int):
        host, port = LOOPBACK, setting
    else:
        host, _, number = setting.rpartition(":")
        port = int(number) if number.isascii() and number.isdigit() else 0
        in_brackets = host.startswith("[") and host.endswith("]")
        host = str(ipaddress.IPv6Address(host[1:-1]) if in_brackets else ipaddress.IPv4Address(host))
    if not 0 < port <= LAST_PORT:
        raise ValueError(f"{port} is no port")
    return ProbeAddress(host, port)


def listener_at(address: ProbeAddress) -> socket.socket:
    """Return a socket that listens, and never blocks. Raises ``OSError`` if the address is in use or another host's."""
    family = socket.AF_INET6 if address.is_ipv6 else socket.AF_INET
    with_ipv4 = address.host == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server(address, family=family, backlog=128, dualstack_ipv6=with_ipv4)
    listener.setblocking(False)
    return listener
