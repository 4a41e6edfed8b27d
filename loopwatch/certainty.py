"""How sure a finding is of its blocking call, in the words of the list and the report."""

from typing import Final

LIKELY: Final = "likely"
FUNCTION_ONLY: Final = "function only"


def doubt(*, exact: bool, blocking_call: str, function: str) -> str:
    """Empty where the call is exact, ``FUNCTION_ONLY`` where not even a likely call is known."""
    if exact:
        return ""
    return FUNCTION_ONLY if blocking_call == function else LIKELY
