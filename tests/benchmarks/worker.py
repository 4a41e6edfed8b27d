"""A process that does one workload under one variant, whenever it is asked to by a line on its standard input.

It has a second thread, which does nothing, as every Django site has one that ever calls ``sync_to_async``: from the
second thread on, system calls and the GIL cost more, whoever watches.
"""

import asyncio
import json
import logging
import os
import sys
import threading

from tests.benchmarks.variants import BY_NAME
from tests.benchmarks.workloads import catalogue


def main(workload_name: str, variant_name: str, warming_up: int) -> None:
    logging.disable()  # on a busy machine there may be something to tell, but not here
    workload, variant = catalogue.BY_NAME[workload_name], BY_NAME[variant_name]
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    with asyncio.Runner(debug=variant.is_debug, loop_factory=workload.new_loop) as runner:

        async def prepare():
            return workload.prepare(variant)

        work = runner.run(prepare())
        for _ in range(0 if workload.at_once else warming_up):
            runner.run(work())
        answer(None)
        for _ in sys.stdin:
            answer(runner.run(work()))
        os._exit(0)  # not every tool survives the interpreter's own end


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
