"""What a sink is, beside the database, which is written in batches."""

from loopwatch.detection.calls import BlockingCall


class Sink:
    """Takes one call after the other, always on the same thread; what it raises is logged once and counted."""

    name: str

    def emit(self, call: BlockingCall) -> None:
        """Hand the call on."""
        raise NotImplementedError

    def settle(self) -> None:
        """Do what was put off while other calls were waiting."""

    def close(self) -> None:
        """Give up whatever belongs to the thread, which ends; another may follow."""
