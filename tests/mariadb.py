"""A MariaDB server of our own."""

import os
import shutil
import socket
from contextlib import closing

from tests.database_server import DatabaseServer

try:
    import pymysql
except ImportError:
    pymysql = None

NAME = "loopwatch"
PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
# For a few small tables, and without the waits of a server that survives a power cut.
SMALL = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--performance-schema=OFF")
FASTER = ("--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--innodb-flush-method=nosync")


def missing():
    """What there is to install, or nothing."""
    if not (shutil.which("mariadbd", path=PATH) and shutil.which("mariadb-install-db")):
        return "MariaDB is not installed (on Debian and Ubuntu: apt install mariadb-server)"
    return "" if pymysql else "PyMySQL is not installed (pip install --group test)"


class Server(DatabaseServer):
    """One server. ``durable`` makes it wait for the disk as a real one does; tests need not."""

    prefix = "mariadb"
    unprivileged = ("mysql", "nobody")

    def __init__(self, *, durable=False):
        self._flags = SMALL if durable else (*SMALL, *FASTER)
        super().__init__()

    @property
    def settings(self):
        """What goes into ``DATABASES``."""
        return {"ENGINE": "tests.pymysql_backend", "NAME": NAME, "USER": "root", "HOST": str(self.socket)}

    @property
    def socket(self):
        return self.folder / "socket"

    def _making(self):
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        return ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", *options]

    def _serving(self):
        places = [f"--datadir={self.folder / 'data'}", f"--socket={self.socket}"]
        options = ["--skip-networking", "--skip-log-bin", *self._flags]
        return [shutil.which("mariadbd", path=PATH), "--no-defaults", *places, *options]

    def _accepts(self):
        with socket.socket(socket.AF_UNIX) as probe:  # where nobody listens, PyMySQL would not close its socket
            if probe.connect_ex(str(self.socket)):
                return False
        self.execute(f"CREATE DATABASE IF NOT EXISTS {NAME} CHARACTER SET utf8mb4")
        return True

    def execute(self, statement):
        """Execute a statement without Django, as the user who may do anything."""
        with closing(pymysql.connect(unix_socket=str(self.socket), user="root")) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
            connection.commit()
