"""Makes the loop of a real server stand still in every way, and compares what it felt with what was reported.

``python -m tests.benchmarks.pauses [--server daphne] [--times 20] [--only let_thread_collect] [--lookout]``:
a timer in the loop, due every 5 ms, feels each pause. For each way, the pauses over the threshold are printed, how many
were reported, how many with the right cause, and of those whose call or holder was certain, how many were right: by
name and, where one expression is to blame, by its line and columns.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.request import ProxyHandler, build_opener

from loopwatch.detection.machine.cgroups import cpu_groups
from testproject.demo.ports import any_free
from tests.benchmarks.pauses.causes import LASTS_S, LOOKOUT_VARIABLE, PAUSES, THRESHOLD_MS, Pause, rest, use_cpu
from tests.benchmarks.pauses.judging import Judged, judge, overlap
from tests.benchmarks.servers import SERVERS, server_command

APPLICATION = "tests.benchmarks.pauses.site:application"
ANSWERS_WITHIN_S = 120
PERIOD_US, QUOTA_US = 100_000, 20_000
open_url = build_opener(ProxyHandler({})).open


class Server:
    """A server process with the site, in a control group if one is given."""

    def __init__(self, name: str, *, lookout: bool, group: Path | None = None) -> None:
        port = any_free()
        self.address = f"http://127.0.0.1:{port}"
        command = server_command(name, port, APPLICATION)
        if group:  # before the process begins: its limits are read when a loop is first watched
            command = ["sh", "-c", f'echo $$ > "{group}/cgroup.procs" && exec "$@"', "sh", *command]
        self.process = subprocess.Popen(command, env=os.environ | ({LOOKOUT_VARIABLE: "1"} if lookout else {}))
        until = time.monotonic() + ANSWERS_WITHIN_S
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError):
                self.get("begin")
                return
            time.sleep(0.1)
        self.stop()
        raise SystemExit(f"{name} does not answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def get(self, path: str) -> bytes:
        with open_url(f"{self.address}/{path}/", timeout=ANSWERS_WITHIN_S) as response:
            return bytes(response.read())

    def suspend(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(LASTS_S)
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def cpu_limit() -> Iterator[Path | None]:
    """Give a control group whose processes may use a fifth of a CPU, or ``None`` if the machine does not allow it."""
    found = cpu_groups(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    if not found:
        yield None
        return
    group = Path(found[0].directory, f"loopwatch-benchmark-{os.getpid()}")
    try:
        group.mkdir()
        if found[0].version == 2:
            (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
    except OSError as error:
        print(f"No CPU limit can be set here: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield group
    finally:
        group.rmdir()


def make(server: Server, pause: Pause, times: int) -> list[tuple[float, float]]:
    """Have the server make a pause that many times; return when each began and ended."""
    spans = []
    for _ in range(times):
        began = time.time()
        if pause.act is rest:
            server.suspend()
        else:
            server.get(pause.name)
        spans.append((began, time.time()))
        time.sleep(0.1)
    return spans


def measure(name: str, pauses: Sequence[Pause], times: int, *, lookout: bool) -> dict[str, list[Judged]]:
    """Have the pauses made; return the judged ones by the name of what made them."""
    judged = {}
    unlimited = [pause for pause in pauses if pause.act is not use_cpu]
    if unlimited:
        with Server(name, lookout=lookout) as server:
            judged |= felt_on(server, unlimited, times)
    if len(unlimited) < len(pauses):
        with cpu_limit() as group:
            if group:
                with Server(name, lookout=lookout, group=group) as server:
                    judged |= felt_on(server, [pause for pause in pauses if pause.act is use_cpu], times)
    return judged


def felt_on(server: Server, pauses: Sequence[Pause], times: int) -> dict[str, list[Judged]]:
    made = {pause.name: make(server, pause, times) for pause in pauses}
    noted: dict[str, Any] = json.loads(server.get("end"))
    felt = [(began, ended) for began, ended in noted["felt"]]
    judged = {}
    for pause in pauses:
        own = [each for each in felt if any(overlap(each, span) for span in made[pause.name])]
        judged[pause.name] = list(judge(own, noted["reported"], pause))
    return judged


def row(name: str, judged: Sequence[Judged]) -> str:
    reported = [each for each in judged if each.is_reported]
    right = sum(bool(each.is_cause_right) for each in reported)
    calls = [each.is_call_right for each in reported if each.is_call_right is not None]
    holders = [each.is_holder_right for each in reported if each.is_holder_right is not None]
    share = f"{len(reported) / len(judged):7.1%}" if judged else "      –"
    return (
        f"{name:20} {len(judged):6} {len(reported):9} {share} {right:12} "
        f"{f'{sum(calls)} of {len(calls)}':>13} {f'{sum(holders)} of {len(holders)}':>13}"
    )


def text(judged: dict[str, list[Judged]]) -> Iterator[str]:
    yield f"{'made by':20} pauses  reported           right cause   exact calls  sure holders"
    yield from (row(name, each) for name, each in judged.items())
    yield row("together", [each for every in judged.values() for each in every])
    for name, every in judged.items():
        wrong = Counter(
            each.said if each.is_reported else "not reported"
            for each in every
            if not each.is_reported or False in (each.is_cause_right, each.is_call_right, each.is_holder_right)
        )
        yield from (f"  {name}: {count} times {said}" for said, count in wrong.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pauses", description="Pauses, and who made them.")
    parser.add_argument("--server", choices=SERVERS, action="append", help="by default all, one after the other")
    parser.add_argument("--times", type=int, default=20, help="how often each pause is made")
    parser.add_argument("--only", choices=[pause.name for pause in PAUSES], action="append")
    parser.add_argument("--lookout", action="store_true", help="with the setting LOOKOUT, on Python 3.15")
    options = parser.parse_args()
    pauses = [pause for pause in PAUSES if not options.only or pause.name in options.only]
    for name in options.server or SERVERS:
        print(f"Python {sys.version.split()[0]}, {name}, {os.cpu_count()} CPUs, threshold {THRESHOLD_MS} ms")
        print("\n".join(text(measure(name, pauses, options.times, lookout=options.lookout))), flush=True)


if __name__ == "__main__":
    main()
