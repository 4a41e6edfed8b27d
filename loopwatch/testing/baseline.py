"""The baseline: what a project's tests are known to block on, so that they fail only on what is new.

A JSON file to be kept under version control: no times and no line numbers, so that it changes only when something does.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwatch.testing.finding import Channel, FindingInTest

VERSION = 1
UPDATE = "--loopwatch-update-baseline"
_LISTS = {Channel.STALL: "blocking_calls", Channel.STRICT: "strict_calls"}


class BaselineError(Exception):
    """The file is no baseline that this version can read; the message says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class KnownCall:
    """A finding by its fingerprint. The names are for the reader."""

    blocking_call: str
    function: str
    fingerprint: str
    channel: Channel = Channel.STALL

    @classmethod
    def of(cls, found: FindingInTest) -> "KnownCall":
        return cls(found.name, found.function, found.fingerprint, found.channel)


@dataclass(frozen=True, slots=True)
class Baseline:
    calls: frozenset[KnownCall] = frozenset()

    def without(self, channels: frozenset[Channel]) -> "Baseline":
        return Baseline(frozenset(call for call in self.calls if call.channel not in channels))

    def knows(self, found: FindingInTest) -> bool:
        """Whether it is in the file. A call that is not certain is known if anything in its function is."""
        return any(
            known.fingerprint == found.fingerprint or (not found.exact and known.function == found.function)
            for known in self.calls
        )


NOTHING_KNOWN = Baseline()


def read(path: Path) -> Baseline:
    """Raises ``BaselineError``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaselineError(f"{path} does not exist; {UPDATE} writes it") from None
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # not UTF-8, or not JSON
        raise BaselineError(f"{path} is not JSON ({error}); {UPDATE} writes it anew") from None
    _check_version(path, content)
    try:
        return Baseline(
            frozenset(
                KnownCall(**entry, channel=channel)
                for channel, name in _LISTS.items()
                for entry in content.get(name, ())
            )
        )
    except (AttributeError, TypeError):
        raise BaselineError(f"{path} is not as loopwatch writes it; {UPDATE} writes it anew") from None


def write(path: Path, found: Iterable[FindingInTest], kept: Baseline) -> int:
    """Write what was found and what is kept of the baseline before; how many calls that is. Raises ``OSError``."""
    calls = sorted({*kept.calls, *map(KnownCall.of, found)})
    content: dict[str, Any] = {"version": VERSION}
    for channel, name in _LISTS.items():
        content[name] = [
            {"blocking_call": call.blocking_call, "function": call.function, "fingerprint": call.fingerprint}
            for call in calls
            if call.channel is channel
        ]
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(calls)


def _check_version(path: Path, content: Any) -> None:
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, bool) or not isinstance(version, int):
        raise BaselineError(f"{path} is not a baseline: it has no version; {UPDATE} writes it anew")
    if version > VERSION:
        raise BaselineError(
            f"{path} is a baseline of version {version}, and this loopwatch reads up to {VERSION}: "
            f"update loopwatch, or write the file anew with {UPDATE}"
        )
