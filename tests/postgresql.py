"""A PostgreSQL server of our own: in a folder for temporary files, reached through a socket in it, gone afterwards."""

import os
import pwd
import shutil
import signal
from pathlib import Path
from tempfile import mkdtemp

import psycopg

from tests.support.children import Child, run
from tests.support.waiting import wait_until

READY_WITHIN_S = 60
LIVES_AT_MOST_S = 3600
UNPRIVILEGED = ("postgres", "nobody")
FASTER = ("-c", "fsync=off", "-c", "full_page_writes=off")


def programs():
    """The folder of PostgreSQL's programs: that of Debian's newest package, or of what is on the path."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = packaged[-1] if packaged else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Server:
    """One server. It can be stopped and started again, and keeps its data meanwhile.

    ``durable`` makes it wait for the disk as a real one does; tests need not.
    """

    def __init__(self, *, durable=False):
        self._programs = programs()
        self._options = () if durable else FASTER
        self._credentials = _credentials()
        self._process = None
        # The path of a socket may have some 100 characters, and an unprivileged user has to get there.
        self.folder = Path(mkdtemp(prefix=f"loopwatch-pg-{os.getpid()}-", dir="/tmp"))
        if self._credentials:
            os.chown(self.folder, self._credentials["user"], self._credentials["group"])
        options = ["--auth=trust", "--username=loopwatch", "--encoding=UTF8", "--no-locale", "--no-sync"]
        command = [self._programs / "initdb", "--pgdata", self.folder / "data", *options]
        made = run(command, cwd=self.folder, **self._credentials)
        assert made.returncode == 0, made.stdout + made.stderr

    @property
    def settings(self):
        """What goes into ``DATABASES``."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "loopwatch",
            "HOST": str(self.folder),
        }

    def start(self):
        """Start it, if it is stopped, and wait until it accepts connections."""
        if self._process:
            return
        command = [*_bounds(), self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder]
        options = ["-c", "listen_addresses=", *self._options]
        log = self.folder / "log"
        self._process = Child([*command, *options], log=log, cwd=self.folder, **self._credentials)
        wait_until(self._accepts, within_s=READY_WITHIN_S, otherwise=log.read_text)

    def stop(self, how=signal.SIGINT):
        """End it, and every connection to it; ``SIGQUIT`` does so at once, as a crash would."""
        process, self._process = self._process, None
        if process:
            process.send_signal(how)
            process.wait(READY_WITHIN_S)

    def remove(self):
        """Stop it and delete everything it stored."""
        self.stop()
        shutil.rmtree(self.folder)

    def _accepts(self):
        assert self._process.poll() is None, self._process.output()
        try:
            psycopg.connect(host=str(self.folder), user="loopwatch", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def _bounds():
    """What ends the server with this process, however that ends."""
    ends_with_us = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    ends_by_itself = ["timeout", str(LIVES_AT_MOST_S)] if shutil.which("timeout") else []
    return [*ends_with_us, *ends_by_itself]


def _credentials():
    """Whom to run it as where we are root: PostgreSQL refuses to."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next(known[name] for name in UNPRIVILEGED if name in known)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
