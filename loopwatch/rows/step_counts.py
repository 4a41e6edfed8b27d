"""Reads the counts of steps by their durations."""


def read_step_counts(stored: object) -> dict[str, int]:
    """Return how many steps were counted under each name; what is no such count is left out."""
    found = stored if isinstance(stored, dict) else {}
    return {str(name): count for name, count in found.items() if type(count) is int and count > 0}
