"""Collects the advice for calls known to block. Each module covers one topic and holds only data."""

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
