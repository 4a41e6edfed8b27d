"""A PostgreSQL server of our own."""

import shutil
import signal
from pathlib import Path

import psycopg

from tests.database_server import DatabaseServer

FASTER = ("-c", "fsync=off", "-c", "full_page_writes=off")


def programs():
    """The folder of PostgreSQL's programs: that of Debian's newest package, or of what is on the path."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = packaged[-1] if packaged else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def missing():
    """What there is to install, or nothing."""
    return "" if programs() else "PostgreSQL is not installed (on Debian and Ubuntu: apt install postgresql)"


class Server(DatabaseServer):
    """One server. ``durable`` makes it wait for the disk as a real one does; tests need not."""

    prefix = "pg"
    unprivileged = ("postgres", "nobody")
    ends_by = signal.SIGINT
    """``SIGQUIT`` ends it at once, as a crash would."""

    def __init__(self, *, durable=False):
        self._programs = programs()
        self._flags = () if durable else FASTER
        super().__init__()

    @property
    def settings(self):
        """What goes into ``DATABASES``."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "loopwatch",
            "HOST": str(self.folder),
        }

    @property
    def socket(self):
        return self.folder / ".s.PGSQL.5432"

    def _making(self):
        options = ["--auth=trust", "--username=loopwatch", "--encoding=UTF8", "--no-locale", "--no-sync"]
        return [self._programs / "initdb", "--pgdata", self.folder / "data", *options]

    def _serving(self):
        options = ["-c", "listen_addresses=", *self._flags]
        return [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]

    def _accepts(self):
        try:
            psycopg.connect(host=str(self.folder), user="loopwatch", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True
