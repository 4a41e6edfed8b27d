"""Fails a run that leaves something behind: a process, a listening port, or a file in a folder for temporary ones.

Processes are recognised by an environment variable that all children inherit, those that were given another environment
by their parent. Temporary files of this run are in a folder of its own; what has to be elsewhere has the id of this
process in its name. Linux only: elsewhere there is no ``/proc`` to ask.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import TooLateError, wait_until

RUN = "LOOPWATCH_TESTS_RUN"
TEST = "PYTEST_CURRENT_TEST"
"""Set by pytest, and inherited by what a test starts."""
PROC = Path("/proc")
LISTENING = "0A"
ENDS_WITHIN_S = 60
# Python starts these for itself, and they end with this process.
PYTHONS_OWN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
FOLDERS = pytest.StashKey[tuple[Path, Path]]()
FOUND = pytest.StashKey[list[str]]()


@dataclass(frozen=True, slots=True)
class Process:
    """A running process as the kernel shows it."""

    process_id: int
    parent_id: int
    command: str
    environment: dict[str, str]

    def __str__(self) -> str:
        return f"process {self.process_id}: {self.command[:200]} (started in {self.environment.get(TEST, 'no test')})"


def pytest_configure(config: pytest.Config) -> None:
    """Begin before anything is started, and where pytest-xdist divides the tests, in each of its processes."""
    elsewhere = Path(tempfile.gettempdir())
    # A worker's folder is inside the run's. Its name is short: the path of Chromium's socket may have 107 characters.
    prefix = f"{os.getpid()}-" if RUN in os.environ else f"loopwatch-tests-{os.getpid()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    config.stash[FOLDERS] = elsewhere, folder
    config.stash[FOUND] = []
    os.environ[RUN] = folder.name
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # What ``tmp_path`` gives stays for a while after the run.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(elsewhere))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Look when fixtures and other plugins have cleaned up, even if one of them failed to."""
    try:
        return (yield)
    finally:
        look(session)


def look(session: pytest.Session) -> None:
    config = session.config
    elsewhere, folder = config.stash[FOLDERS]
    config.stash[FOUND] += [*remaining_processes(folder.name), *listening_ports(), *remaining_files(elsewhere, folder)]
    shutil.rmtree(folder, ignore_errors=True)
    tempfile.tempdir = str(elsewhere)
    if hasattr(config, "workeroutput"):
        config.workeroutput[RUN] = config.stash[FOUND]
    elif config.stash[FOUND] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "xdist.workermanage.WorkerController") -> None:  # noqa: F821 - a hook of xdist's
    node.config.stash[FOUND] += getattr(node, "workeroutput", {}).get(RUN, [])


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    if config.stash[FOUND]:
        terminalreporter.section("left behind")
        for line in config.stash[FOUND]:
            terminalreporter.line(line, red=True)


def remaining_processes(run: str) -> Iterator[str]:
    """Every process of the run, after a while for those that are ending; then it is killed."""
    with suppress(TooLateError):
        wait_until(lambda: not list(started_by(run)), within_s=ENDS_WITHIN_S)
    for process in started_by(run):
        yield str(process)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.process_id, signal.SIGKILL)


def started_by(run: str) -> Iterator[Process]:
    """The processes that inherited the name of the run, and the children of this one."""
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            process = _process(folder)
            is_ours = process.environment.get(RUN) == run or process.parent_id == os.getpid()
            if is_ours and process.command and not any(own in process.command for own in PYTHONS_OWN):
                yield process


def _process(folder: Path) -> Process:
    state = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    parts = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
    return Process(int(folder.name), int(state[1]), command, dict(part.split("=", 1) for part in parts if "=" in part))


def listening_ports() -> Iterator[str]:
    """The TCP ports that this process itself still listens on."""
    sockets = set()
    for descriptor in PROC.glob("self/fd/*"):
        with suppress(OSError):
            sockets.add(str(descriptor.readlink()))
    for table in PROC.glob("self/net/tcp*"):
        for line in table.read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTENING and f"socket:[{columns[9]}]" in sockets:
                yield f"port {int(columns[1].rpartition(':')[2], 16)}, which this process listens on"


def remaining_files(elsewhere: Path, folder: Path) -> Iterator[str]:
    ours = [path for path in elsewhere.glob(f"loopwatch-*-{os.getpid()}*") if path != folder]
    for path in [*folder.iterdir(), *ours]:
        yield f"file or folder {path}"
