"""What is known of calls that block, one module a theme: data, not code."""

from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.catalogue import computing, databases, django_itself, machine, network

ALL: Final[tuple[Advice, ...]] = (
    *django_itself.ADVICE,
    *databases.ADVICE,
    *network.ADVICE,
    *machine.ADVICE,
    *computing.ADVICE,
)
