"""The shop's files under one data directory: a seeded database to start from, and the copy that a demo works on."""

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path

import django

from testproject.demo.processes import run

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDED_FROM = ("testproject/*/migrations/*.py", "loopwatch/migrations/*.py", "testproject/demo/*.py")


def environment_for(database: Path, upstream_url: str = "http://127.0.0.1:8001") -> dict[str, str]:
    """The environment variables of a process that serves or manages the shop."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "testproject.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TESTPROJECT_DATA": str(database.parent),
        "TESTPROJECT_DATABASE": str(database),
        "TESTPROJECT_UPSTREAM": upstream_url,
        # urllib would ask a proxy for loopback addresses too.
        "no_proxy": "127.0.0.1,localhost",
    }


async def open_shop(database: Path) -> None:
    """Make ``database`` a fresh, seeded shop; what was in it is lost.

    Raises ``ChildError`` when that fails.
    """
    seeded = database.with_name(f"seeded-{seed_digest()}.sqlite3")
    if not seeded.exists():
        await make_seeded(seeded)
    remove_database(database)
    copy_database(seeded, database)


async def make_seeded(seeded: Path) -> None:
    seeded.parent.mkdir(parents=True, exist_ok=True)
    unfinished = seeded.with_name(f"unfinished-{os.getpid()}.sqlite3")
    environment = environment_for(unfinished)
    log = seeded.with_name("seeding.log")
    try:
        await run("manage.py migrate", [str(ROOT / "manage.py"), "migrate", "-v0"], environment, log)
        await run("manage.py seed_shop", [str(ROOT / "manage.py"), "seed_shop"], environment, log)
        for outdated in seeded.parent.glob("seeded-*.sqlite3"):
            remove_database(outdated)
        copy_database(unfinished, seeded)
    finally:
        remove_database(unfinished)


def seed_digest() -> str:
    """Names what a seeded database is made from: the migrations, the seeding, the version of Django."""
    digest = hashlib.sha256(repr(django.VERSION).encode())
    for pattern in SEEDED_FROM:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def copy_database(source: Path, target: Path) -> None:
    """Copy a database, its write-ahead log included; ``target`` appears whole or not at all."""
    partial = target.with_name(f"{target.name}-{os.getpid()}")
    with contextlib.closing(sqlite3.connect(source)) as origin, contextlib.closing(sqlite3.connect(partial)) as copy:
        origin.backup(copy)
    partial.replace(target)


def remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
