"""Tasks that begin within the step that creates them: by a task factory (Python 3.12), or when asked to (3.14)."""

import asyncio
import time

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.peers import PAUSE_S

catalogue = Catalogue()
WAITING = Cause.WAITING


async def child(truth):
    await asyncio.sleep(0)
    with truth:
        time.sleep(PAUSE_S)  # blocks


async def eager_child(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks
    await asyncio.sleep(0)


# uvloop 0.23 passes ``eager_start`` to task factories: Python 3.13.0 does not know it, and for 3.14 None means that the
# task is not to start eagerly. So what a factory makes of it is asked on asyncio alone.
@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="eager_child", since=(3, 12), loops=("asyncio",))
async def eager_task(truth):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    await asyncio.create_task(eager_child(truth))


@catalogue.blocks(
    "time.sleep", cause=WAITING, is_c=True, where="child", tasks=("eager",), since=(3, 12), loops=("asyncio",)
)
async def eager_task_resumed(truth):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    await asyncio.create_task(child(truth), name="eager")


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="eager_child", since=(3, 14))
async def task_started_eagerly(truth):
    await asyncio.create_task(eager_child(truth), eager_start=True)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child", tasks=("eager",), since=(3, 14))
async def task_started_eagerly_and_resumed(truth):
    await asyncio.create_task(child(truth), name="eager", eager_start=True)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="eager_child", since=(3, 14))
async def task_of_a_group_started_eagerly(truth):
    async with asyncio.TaskGroup() as group:
        group.create_task(eager_child(truth), eager_start=True)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="eager_child", tasks=("lazy",), since=(3, 14))
async def task_not_started_eagerly(truth):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    await asyncio.create_task(eager_child(truth), name="lazy", eager_start=False)
