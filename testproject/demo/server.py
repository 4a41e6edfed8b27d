"""The site as visitors meet it: Daphne, and the slow upstream behind it, each a real process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from testproject.demo.ports import LOOPBACK, any_free
from testproject.demo.processes import Child, ChildError, start, stop, tail
from testproject.demo.shop import environment_for

APPLICATION = "testproject.asgi:application"


@asynccontextmanager
async def serve(database: Path, port: int) -> AsyncIterator[list[Child]]:
    """Serve the shop kept in ``database`` on loopback; yields Daphne and the upstream once both answer.

    Their logs lie beside the database. Raises ``ChildError`` if one does not come up.
    """
    upstream_port = any_free()
    environment = environment_for(database, f"http://{LOOPBACK}:{upstream_port}")
    upstream = ["-m", "testproject.upstream", str(upstream_port)]
    daphne = ["-m", "daphne", "-b", LOOPBACK, "-p", str(port), APPLICATION]
    async with AsyncExitStack() as running:
        children = []
        for name, arguments in (("Daphne", daphne), ("The upstream", upstream)):
            log = database.with_name(f"{database.stem}-{name.split()[-1].lower()}.log")
            children.append(await start(name, arguments, environment, log))
            running.push_async_callback(stop, children[-1])
        await asyncio.gather(
            until_answering(children[0], f"http://{LOOPBACK}:{port}/"),
            until_answering(children[1], f"http://{LOOPBACK}:{upstream_port}/rates/"),
        )
        yield children


async def until_answering(child: Child, url: str) -> None:
    """Wait for the first answer; raise ``ChildError`` if none comes, or it is an error."""
    try:
        await child.until_ready(lambda: answers(url))
    except httpx.HTTPStatusError as error:
        raise ChildError(f"{child.name} answered {url} with {error.response.status_code}.\n{tail(child.log)}") from None


async def answers(url: str) -> bool:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        try:
            (await client.get(url)).raise_for_status()
        except httpx.TransportError:
            return False
        return True
