"""Django's backend for MariaDB and MySQL with PyMySQL in place of mysqlclient, which has no wheels for Linux.

PyMySQL pretends to be a version of mysqlclient that Django accepts: https://github.com/PyMySQL/PyMySQL/discussions/790
"""

import pymysql

pymysql.install_as_MySQLdb()

from django.db.backends.mysql.base import *  # noqa: E402, F403
