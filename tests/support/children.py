"""The one place that starts child processes: none outlives its test, and a test that fails shows what they printed."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TAIL_CHARACTERS = 20_000


class Child(subprocess.Popen):
    """A process in a session of its own, without input. Leaving ``with`` kills it and whatever it has started.

    Its output goes to the end of the file ``log``. Otherwise ``stdout`` and ``stderr`` mean what they do in ``Popen``.
    """

    def __init__(self, command, *, log=None, **options):
        self.log = log
        self.printed = ""
        self._begin = self._shown_from = self._logged()
        defaults = {"stdin": subprocess.DEVNULL, "cwd": ROOT, "text": True, "start_new_session": True}
        with contextlib.ExitStack() as opened:
            if log:
                defaults |= {"stdout": opened.enter_context(log.open("ab")), "stderr": subprocess.STDOUT}
            super().__init__([str(part) for part in command], **(defaults | options))
        _children.append(self)

    def kill_group(self):
        """Kill the process and all that it has started, as long as those have not left its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def __exit__(self, *raised):
        self.kill_group()
        super().__exit__(*raised)

    def output(self):
        """What it has printed, if that is kept."""
        return self._printed_since(self._begin)

    def hide_output(self):
        """Let ``recent_output`` begin here."""
        self._shown_from = self._logged()

    def recent_output(self):
        return self._printed_since(self._shown_from)[-TAIL_CHARACTERS:]

    def _logged(self):
        return self.log.stat().st_size if self.log and self.log.exists() else 0

    def _printed_since(self, position):
        if not self.log or not self.log.exists():
            return self.printed
        with self.log.open(encoding="utf-8", errors="replace") as file:
            file.seek(position)
            return file.read()

    def __str__(self):
        state = "still running" if self.poll() is None else f"exit code {self.returncode}"
        return f"{' '.join(self.args)[:200]} (process {self.pid}, {state})"


def is_running(process_id):
    """Whether the process has not ended. An ended process that was not waited for yet is still there, as a zombie."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def run(command, *, within_s=120, check=False, **options):
    """Run a command to its end, as ``subprocess.run`` does with captured text; whatever it has started is killed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Child(command, **(pipes | options)) as child:
        try:
            output, errors = child.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            child.kill_group()
            child.printed = "".join(filter(None, child.communicate()))
            raise
    child.printed = "".join(filter(None, (output, errors)))
    done = subprocess.CompletedProcess(child.args, child.returncode, output, errors)
    if check:
        done.check_returncode()
    return done


_children: list[Child] = []


def pytest_runtest_logstart(nodeid, location):
    """Forget the processes of earlier tests, and what others have printed until now."""
    _children[:] = [child for child in _children if child.poll() is None]
    for child in _children:
        child.hide_output()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.sections += [(str(child), output) for child in _children if (output := child.recent_output())]
    return report
