"""Ports on loopback that nobody listens on."""

import socket

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 20


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Daphne binds the same way, so that a connection lately closed does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def first_free(preferred: int) -> int | None:
    """The first free port from ``preferred`` on, or ``None`` if the next few are all taken."""
    last = min(preferred + PORTS_TRIED, 65536)
    return next((port for port in range(preferred, last) if is_free(port)), None)


def any_free() -> int:
    """Return a free port that the kernel gives to no other process within the next minute.

    One connection leaves it in the state TIME_WAIT, in which it is never chosen as a random port, but a server that
    sets SO_REUSEADDR may listen on it: the trick of https://github.com/Yelp/ephemeral-port-reserve.
    """
    with socket.create_server((LOOPBACK, 0)) as server:
        with socket.create_connection(server.getsockname()):
            server.accept()[0].close()  # the side that closes first is the one that waits
        port: int = server.getsockname()[1]
        return port
