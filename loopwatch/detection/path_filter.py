"""Selects reports by the files involved."""

from dataclasses import dataclass

from loopwatch.detection.calls import BlockingCall


@dataclass(frozen=True, slots=True)
class PathFilter:
    """Substrings of file names, matched with the files of the in-app function and of the calls below it.

    A report is accepted if none of ``exclude`` is found and, where ``include`` is not empty, one of ``include`` is.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def accepts(self, call: BlockingCall) -> bool:
        if not self.include and not self.exclude:
            return True
        filenames = [call.filename, *_filenames_inward(call)]
        if any(part in filename for filename in filenames for part in self.exclude):
            return False
        return not self.include or any(part in filename for filename in filenames for part in self.include)


def _filenames_inward(call: BlockingCall) -> list[str]:
    """Return the files of the frames from the in-app function inward."""
    for index in range(len(call.stack) - 1, -1, -1):
        if call.stack[index].name == call.function:
            return [frame.filename for frame in call.stack[index:]]
    return [frame.filename for frame in call.stack]
