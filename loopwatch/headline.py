"""Names a finding, and the second place in a step, in the same words wherever they are shown."""


def headline(*, called: str, detail: str) -> str:
    """Return the call that the in-app function made, and what took the time inside it, or one name if they are one.

    For example ``requests.get → http.client.HTTPConnection.getresponse``.
    """
    return f"{called} → {detail}" if called and called != detail else detail


def at_least(calls_seen: int) -> str:
    """Return ``at least 14 calls``, or ``""`` for a single one."""
    return f"at least {calls_seen:,} calls" if calls_seen > 1 else ""


def and_elsewhere(duration: str, called: str, function: str, lineno: int) -> str:
    """Return ``and 200 ms of time.sleep in shop.views.locate, line 41``."""
    call = "" if called == function else f" of {called}"
    return f"and {duration}{call} in {function}, line {lineno}"


def part_at_line(duration: str, lineno: int) -> str:
    """Return ``200 ms of it at line 41``."""
    return f"{duration} of it at line {lineno}"
