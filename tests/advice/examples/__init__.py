"""Runs the example of each piece of advice, as it is shown, against the real libraries."""

import textwrap
from dataclasses import dataclass

import pytest

from loopwatch.advice.catalogue import ALL
from loopwatch.advice.catalogue.causes import COMPUTING, LAZY_IMPORT, REPEATED_QUERY, WAITING

EVERY = {advice.topic: advice for advice in (*ALL, COMPUTING, LAZY_IMPORT, REPEATED_QUERY, WAITING)}
EXECUTED = set()


@dataclass(frozen=True)
class Example:
    """The code of one topic. A call runs it with the given names, and returns its result or else its variables."""

    topic: str

    @property
    def code(self):
        return EVERY[self.topic].example

    async def __call__(self, **names):
        function = f"async def example():\n{textwrap.indent(self.code, '    ')}\n    return locals()\n"
        names["__name__"] = __name__
        exec(compile(function, f"<example of {self.topic}>", "exec", dont_inherit=True), names)
        return await names["example"]()


def executes(*topics):
    """Mark a test that runs the examples of these topics, which it gets as ``example``."""
    EXECUTED.update(topics)
    return pytest.mark.parametrize("example", [Example(topic) for topic in topics], ids=topics)
