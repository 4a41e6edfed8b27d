"""The real bookshop, served by a real Daphne in a process of its own."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest
import pytest_asyncio

from testproject.demo.ports import LOOPBACK, any_free
from testproject.demo.processes import Child
from testproject.demo.server import serve
from testproject.demo.shop import ROOT, open_shop


@dataclass(frozen=True)
class ServedShop:
    site: str
    database: Path
    daphne: Child

    @property
    def host_and_port(self) -> str:
        return self.site.removeprefix("http://")


@asynccontextmanager
async def serve_shop(database: Path) -> AsyncIterator[ServedShop]:
    await open_shop(database)
    port = any_free()
    async with serve(database, port) as (daphne, _upstream):
        yield ServedShop(f"http://{LOOPBACK}:{port}", database, daphne)


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """In the checkout: folders for temporary files are often in memory, where an fsync costs nothing."""
    (ROOT / ".demo").mkdir(exist_ok=True)
    made = Path(mkdtemp(prefix="tests-", dir=ROOT / ".demo"))
    yield made
    shutil.rmtree(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(data_dir: Path) -> AsyncIterator[ServedShop]:
    async with serve_shop(data_dir / "shop.sqlite3") as served:
        yield served
