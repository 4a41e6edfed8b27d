"""Names this process for the live page."""

import os
import socket


def process_name() -> str:
    """Return the host name and the process id, as the admin's list of processes shows them."""
    return f"{socket.gethostname()[:100]} {os.getpid()}"
