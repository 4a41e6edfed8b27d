"""Says how many requests were delayed: those in flight, which are known, and those kept out, which are estimated."""


def delayed_cell(in_flight: int, kept_out: int) -> str:
    """Return both numbers for a cell of a table, such as ``3 + ~97``."""
    return f"{in_flight:,} + ~{kept_out:,}" if kept_out else f"{in_flight:,}"


def delayed_in_words(in_flight: int, kept_out: int) -> str:
    """Return both numbers for a log line; nothing if no request was delayed."""
    parts = []
    if in_flight:
        parts.append(f"{in_flight} in flight")
    if kept_out:
        parts.append(f"about {kept_out} {'more ' if in_flight else ''}kept out (estimate)")
    return f"delayed: {', '.join(parts)}" if parts else ""
