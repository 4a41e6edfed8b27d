"""A database server of our own: in a folder for temporary files, reached through a socket in it, gone afterwards."""

import os
import pwd
import shutil
import signal
from pathlib import Path
from tempfile import mkdtemp

from tests.support.children import Child, run
from tests.support.waiting import wait_until

READY_WITHIN_S = 60
LIVES_AT_MOST_S = 3600


class DatabaseServer:
    """One server. It can be stopped and started again, and keeps its data meanwhile.

    The class of each kind of server has the command that makes its files and the one that starts it, and finds out
    whether it accepts connections. ``ends_by`` is the signal that ends it together with every connection.
    """

    prefix: str
    unprivileged: tuple[str, ...]
    """Users to run it as where we are root, which these servers refuse; the first that exists."""
    ends_by = signal.SIGTERM

    def __init__(self):
        credentials = _credentials(self.unprivileged)
        self._process = None
        # The path of a socket may have some 100 characters, and an unprivileged user has to get there.
        self.folder = Path(mkdtemp(prefix=f"loopwatch-{self.prefix}-{os.getpid()}-", dir="/tmp"))
        if credentials:
            os.chown(self.folder, credentials["user"], credentials["group"])
        self._options = {"cwd": self.folder, "env": os.environ | {"TMPDIR": str(self.folder)}, **credentials}
        made = run(self._making(), **self._options)
        assert made.returncode == 0, made.stdout + made.stderr

    def start(self):
        """Start it, if it is stopped, and wait until it accepts connections."""
        if self._process:
            return
        log = self.folder / "log"
        command = [*_bounds(self.ends_by), *self._serving()]
        self._process = Child(command, log=log, **self._options)
        wait_until(self._is_ready, within_s=READY_WITHIN_S, otherwise=log.read_text)

    def stop(self, how=None):
        """End it with a signal, by default the one that ends every connection too."""
        process, self._process = self._process, None
        if process:
            process.send_signal(how or self.ends_by)
            process.wait(READY_WITHIN_S)

    def remove(self):
        """Stop it and delete everything it stored."""
        self.stop()
        shutil.rmtree(self.folder)

    def _is_ready(self):
        assert self._process.poll() is None, self._process.output()
        return self._accepts()


def _bounds(ends_by):
    """What ends the server with this process, however that ends."""
    ends_with_us = ["setpriv", "--pdeathsig", ends_by.name.removeprefix("SIG")] if shutil.which("setpriv") else []
    ends_by_itself = ["timeout", str(LIVES_AT_MOST_S)] if shutil.which("timeout") else []
    return [*ends_with_us, *ends_by_itself]


def _credentials(unprivileged):
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next(known[name] for name in unprivileged if name in known)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
