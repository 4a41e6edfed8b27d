"""An address is a port on loopback, or an IP address with a port."""

import socket

import pytest

from loopwatch.sign_of_life.address import ProbeAddress, listener_at, probe_address
from testproject.demo.ports import LOOPBACK, any_free

ADDRESSES = [
    pytest.param(8081, ("127.0.0.1", 8081), "127.0.0.1:8081", id="a port"),
    pytest.param("0.0.0.0:8081", ("0.0.0.0", 8081), "0.0.0.0:8081", id="all addresses"),
    pytest.param("[::1]:65535", ("::1", 65535), "[::1]:65535", id="version 6"),
]
WRONG = [
    0,
    -1,
    65_536,
    "",
    "8081",
    "localhost:8081",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "::1:80",
    "[::]:x",
    "[a]:1",
]


@pytest.mark.parametrize(("setting", "address", "text"), ADDRESSES)
def test_an_address_is_read(setting, address, text):
    assert probe_address(setting) == address
    assert str(probe_address(setting)) == text


@pytest.mark.parametrize("setting", [*WRONG, "127.0.0.1:٨"])
def test_another_address_is_refused(setting):
    with pytest.raises(ValueError):
        probe_address(setting)


def test_an_address_in_use_cannot_be_listened_at():
    address = ProbeAddress(LOOPBACK, any_free())
    with listener_at(address), pytest.raises(OSError):
        listener_at(address)
    listener_at(address).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="There is no IPv6 here")
@pytest.mark.parametrize(("host", "reached_at"), [("::1", "::1"), ("::", "127.0.0.1")])
def test_an_address_of_version_6_is_listened_at(host, reached_at):
    address = ProbeAddress(host, any_free())
    try:
        listener = listener_at(address)
    except OSError as error:
        pytest.skip(f"There is no IPv6 here: {error}")
    with listener:
        socket.create_connection((reached_at, address.port), timeout=30).close()
