"""An address is a port on loopback, or an IP address with a port."""

import pytest

from loopwatch.sign_of_life.address import probe_address

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
