"""Rules that allow calls: ``CALL [in FUNCTION] [during TEST]``, each part a pattern with ``*`` and ``?``.

``time.sleep in shop.legacy.* during tests/slow/*`` allows ``time.sleep`` in all functions of ``shop.legacy``, during
the tests of that folder.
"""

import functools
import re
from dataclasses import dataclass

_FORM = re.compile(r"(?P<call>.+?)(?:\s+in\s+(?P<function>\S+))?(?:\s+during\s+(?P<test>.+))?")
_WORDS = frozenset({"in", "during"})


class RuleError(ValueError):
    """A rule that cannot be parsed; the message says how to write one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The calls that are allowed, in which functions and tests. ``text`` is the rule as written."""

    text: str
    call: str = "*"
    function: str = "*"
    test: str = "*"

    @classmethod
    def parse(cls, text: object) -> "Rule":
        """Parse a rule. Raises ``RuleError``."""
        if not isinstance(text, str):
            raise RuleError(f"a rule is a string such as {EXAMPLE!r}, not {text!r}")
        found = _FORM.fullmatch(text.strip())
        if found is None or _WORDS & set(found["call"].split()):
            raise RuleError(f"the rule {text!r} is not of the form CALL [in FUNCTION] [during TEST], as {EXAMPLE!r} is")
        return cls(text.strip(), found["call"], found["function"] or "*", (found["test"] or "*").strip())

    def matches(self, names: tuple[str, ...], function: str, test: str) -> bool:
        """Return whether a call with one of ``names``, made by ``function`` in ``test`` (its node id), is allowed."""
        return (
            any(matches(self.call, name) for name in names)
            and matches(self.function, function)
            and matches(self.test, test)
        )


EXAMPLE = "time.sleep in shop.legacy.*"


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` matches the whole of ``text``. Brackets are literal, because node ids have them."""
    return _compiled(pattern).fullmatch(text) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    anything = {"*": ".*", "?": "."}
    return re.compile("".join(anything.get(char) or re.escape(char) for char in pattern), re.DOTALL)
