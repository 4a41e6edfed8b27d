"""The signs of life that the settings ask for, without the thread that gives them.

Every process of a site reads its settings, and most processes, such as those of management commands, watch no loop.
"""

from dataclasses import dataclass

from loopwatch.sign_of_life.address import ProbeAddress


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of life that the settings ask for."""

    address: ProbeAddress | None = None
    file: str | None = None
    systemd: bool = False

    def __bool__(self) -> bool:
        return self.address is not None or self.file is not None or self.systemd
