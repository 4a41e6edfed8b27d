"""The real bookshop, served by a real Daphne in a separate process."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
import pytest_asyncio

from testproject.demo.ports import LOOPBACK
from testproject.demo.server import APPLICATION
from testproject.demo.shop import ROOT, environment_for, open_shop
from tests.support.site import Site

SETTINGS = "testproject.settings"
PROMPT_SETTINGS = "tests.end_to_end.prompt_settings"
# By default, Daphne hangs up on a WebSocket whose handshake takes 5 s.
DAPHNE = ("daphne", "--bind", LOOPBACK, "--port", "{port}", "--websocket_connect_timeout", "600")


class Shop(Site):
    """The bookshop as ``database`` has it."""

    def __init__(self, database: Path, upstream_url: str, settings: str) -> None:
        environment = environment_for(database, upstream_url) | {"DJANGO_SETTINGS_MODULE": settings}
        super().__init__(database.parent, **environment)
        self.database = database


@asynccontextmanager
async def fresh_shop(database: Path, upstream_url: str = "", settings: str = SETTINGS) -> AsyncIterator[Shop]:
    """A shop that is not served yet, in a new database."""
    await open_shop(database)
    with Shop(database, upstream_url, settings) as shop:
        yield shop


@asynccontextmanager
async def serve_shop(database: Path, settings: str = SETTINGS) -> AsyncIterator[Shop]:
    """A shop that is served, and the slow upstream behind it."""
    with Site(database.parent) as upstream:
        await asyncio.to_thread(upstream.serve, "testproject.upstream", "{port}", ready="/rates/")
        async with fresh_shop(database, upstream.address, settings) as shop:
            await asyncio.to_thread(shop.serve, *DAPHNE, APPLICATION)
            yield shop


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """In the checkout: folders for temporary files are often in memory, where an fsync costs nothing."""
    (ROOT / ".demo").mkdir(exist_ok=True)
    made = Path(mkdtemp(prefix="tests-", dir=ROOT / ".demo"))
    yield made
    shutil.rmtree(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(data_dir: Path) -> AsyncIterator[Shop]:
    async with serve_shop(data_dir / "shop.sqlite3", PROMPT_SETTINGS) as served:
        yield served
