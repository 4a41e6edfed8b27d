"""The tests' own backend for MariaDB leaves nothing behind."""

import gc

import pytest

pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed (pip install --group test)")


def test_a_connection_that_fails_closes_its_socket(tmp_path):
    from tests.pymysql_backend import base

    with pytest.raises(pymysql.OperationalError, match="Can't connect"):
        base.Connection(unix_socket=str(tmp_path / "missing"))
    gc.collect()  # a socket that is left to it fails the test with a ResourceWarning
