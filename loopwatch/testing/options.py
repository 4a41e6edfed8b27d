"""Combines the project's options with those of a test's markers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from loopwatch.detection.strict.allow_rules import Rule, RuleError
from loopwatch.detection.watcher import watch

KEYS = ("threshold_ms", "engine", "strict", "allow", "enabled")


class MarkerError(ValueError):
    """A marker has invalid arguments; the message says which are valid."""


@dataclass(frozen=True, slots=True)
class Options:
    """Holds the options of one test. ``allow`` has the rules of its markers only, not those of the project."""

    threshold_ms: float = 50.0
    engine: str = "sampling"
    strict: bool = False
    allow: tuple[Rule, ...] = ()
    enabled: bool = True

    def with_marker(self, positional: tuple[Any, ...], named: Mapping[str, Any], *, owner: str) -> "Options":
        """Return the options changed by a marker. ``owner`` is the node id of the test, class or module that has it.

        Raises ``MarkerError``.
        """
        if positional:
            raise MarkerError(f"use keyword arguments, such as threshold_ms={positional[0]!r}: {', '.join(KEYS)}")
        for key in named:
            if key not in KEYS:
                raise MarkerError(f"unknown argument {key!r}{_meant(key)}: {', '.join(KEYS)}")
        changed = dict(named)
        if "allow" in changed:
            changed["allow"] = (*self.allow, *_rules(changed["allow"], owner))
        for key in ("enabled", "strict"):
            if not isinstance(changed.get(key, True), bool):
                raise MarkerError(f"{key} must be True or False, not {changed[key]!r}")
        options = replace(self, **changed)
        options.check()
        return options

    def check(self) -> None:
        """Raise ``MarkerError`` for an engine or threshold that ``watch()`` rejects, or that every step reaches."""
        if self.threshold_ms == 0:
            raise MarkerError("threshold_ms must be more than 0 milliseconds: every step of a loop takes longer")
        try:
            watch(threshold_ms=self.threshold_ms, engine=self.engine)
        except (TypeError, ValueError) as error:
            raise MarkerError(str(error)) from None


DEFAULTS = Options()


def _rules(allow: Any, owner: str) -> Iterable[Rule]:
    if isinstance(allow, str) or not isinstance(allow, Iterable):
        raise MarkerError(f"allow must be a list of rules, not {allow!r}: write allow=[{str(allow)!r}]")
    try:
        rules = [Rule.parse(text) for text in allow]
    except RuleError as error:
        raise MarkerError(f"allow: {error}") from None
    return [replace(rule, text=f"{rule.text} (marker of {owner})") for rule in rules]


def _meant(key: str) -> str:
    close = get_close_matches(key, KEYS, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
