"""Waits for the end of a thread, but not forever: a thread that cannot end must not keep the process from ending."""

import threading

JOINS = 300
JOIN_S = 0.1


def joined(thread: threading.Thread) -> bool:
    """Wait for the end of a thread. Returns false if it has not ended after 30 s of waiting.

    The waits are short, because a process may be frozen during one of them.
    """
    for _ in range(JOINS):
        thread.join(JOIN_S)
        if not thread.is_alive():
            return True
    return False
