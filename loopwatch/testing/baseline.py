"""Reads and writes the baseline: the known blocking calls of a project's tests, so that only new ones fail.

The baseline is a JSON file for version control. It has no times or line numbers, so unrelated edits do not change it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwatch.escaping.json_document import readable_json
from loopwatch.testing.finding import Channel, FindingInTest

VERSION = 1
UPDATE = "--loopwatch-update-baseline"
_LISTS = {Channel.STALL: "blocking_calls", Channel.STRICT: "strict_calls"}


class BaselineError(Exception):
    """This version cannot read the file as a baseline; the message says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class KnownCall:
    """Identifies a finding by its fingerprint. The names are for people who read the file."""

    blocking_call: str
    function: str
    fingerprint: str
    channel: Channel = Channel.STALL

    @classmethod
    def of(cls, finding: FindingInTest) -> "KnownCall":
        return cls(finding.called_name or finding.blocking_call, finding.function, finding.fingerprint, finding.channel)


@dataclass(frozen=True, slots=True)
class Baseline:
    calls: frozenset[KnownCall] = frozenset()

    def without(self, channels: frozenset[Channel]) -> "Baseline":
        return Baseline(frozenset(call for call in self.calls if call.channel not in channels))

    def knows(self, finding: FindingInTest) -> bool:
        """Return whether the finding is in the file; an uncertain stall is if any stall of its function is."""
        likely = None if finding.exact else (finding.function, finding.channel)
        return any(
            known.fingerprint == finding.fingerprint or (known.function, known.channel) == likely
            for known in self.calls
        )


NOTHING_KNOWN = Baseline()


def read(path: Path) -> Baseline:
    """Read the baseline. Raises ``BaselineError``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaselineError(f"{path} does not exist; {UPDATE} writes it") from None
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or not JSON
        raise BaselineError(f"{path} is not JSON ({error}); {UPDATE} rewrites it") from None
    _check_version(path, content)
    try:
        return Baseline(
            frozenset(
                _known_call(entry, channel) for channel, name in _LISTS.items() for entry in content.get(name, ())
            )
        )
    except (AttributeError, TypeError):
        raise BaselineError(f"{path} is not a valid baseline; {UPDATE} rewrites it") from None


def write(path: Path, findings: Iterable[FindingInTest], kept: Baseline) -> int:
    """Write the findings and the kept calls of the previous baseline, and return how many that is.

    Raises ``OSError``.
    """
    calls = sorted({*kept.calls, *map(KnownCall.of, findings)})
    content: dict[str, Any] = {"version": VERSION}
    for channel, name in _LISTS.items():
        content[name] = [
            {"blocking_call": call.blocking_call, "function": call.function, "fingerprint": call.fingerprint}
            for call in calls
            if call.channel is channel
        ]
    path.write_text(readable_json(content) + "\n", encoding="utf-8")
    return len(calls)


def _known_call(entry: Any, channel: Channel) -> KnownCall:
    """Return the call of an entry. Raises ``AttributeError`` or ``TypeError`` unless it maps the names to strings."""
    if not all(isinstance(value, str) for value in entry.values()):
        raise TypeError("not a string")
    return KnownCall(**entry, channel=channel)


def _check_version(path: Path, content: Any) -> None:
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, bool) or not isinstance(version, int):
        raise BaselineError(f"{path} is not a baseline: it has no version; {UPDATE} rewrites it")
    if version > VERSION:
        raise BaselineError(
            f"{path} is a baseline of version {version}, but this loopwatch reads versions up to {VERSION}: "
            f"update loopwatch, or rewrite the file with {UPDATE}"
        )
