"""Django's backend for MariaDB and MySQL with PyMySQL in place of mysqlclient, which has no wheels for Linux.

PyMySQL pretends to be a version of mysqlclient that Django accepts: https://github.com/PyMySQL/PyMySQL/discussions/790
"""

import socket
from contextlib import ExitStack

import pymysql

pymysql.install_as_MySQLdb()

from django.db.backends.mysql.base import *  # noqa: E402, F403


class Connection(pymysql.connections.Connection):
    """Closes its socket where nobody listens. PyMySQL leaves that socket to the garbage collector, which warns."""

    def connect(self, sock=None):
        with ExitStack() as opened:
            if sock is None and self.unix_socket:
                sock = opened.enter_context(socket.socket(socket.AF_UNIX))
                try:
                    sock.connect(self.unix_socket)
                except OSError as error:
                    message = f"Can't connect to MySQL server on {self.host!r} ({error})"
                    raise pymysql.OperationalError(2003, message) from error
            super().connect(sock)
            opened.pop_all()


pymysql.connect = Connection
