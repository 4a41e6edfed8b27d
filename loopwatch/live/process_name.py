"""How a process is called on the live page."""

import os
import socket


def process_name() -> str:
    """The machine and the process id, as the admin's list of processes has them."""
    return f"{socket.gethostname()[:100]} {os.getpid()}"
