"""However Python is started, and with all that a program may set: each stall is reported once, under its right name."""

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec

import pytest

from tests.support.children import ROOT, run

STALLS = 3
PROGRAM = """
import asyncio, contextlib, gc, json, resource, sys, threading, time
{prelude}
import loopwatch
with contextlib.suppress(ImportError):
    from tests.support.witness import Witness

def block():
    time.sleep(0.06)

async def main():
    with loopwatch.watch(threshold_ms=30.0) as watcher:
        for _ in range({stalls}):
            block()
            await asyncio.sleep(0.01)
    return watcher

with Witness() as witness, asyncio.Runner({runner}) as runner:
    watcher = runner.run(main())
calls = [[call.method_name, call.function] for call in watcher.calls]
print(json.dumps([calls, len(watcher.disturbances), witness.waited_for_cpu_s, loopwatch.__file__]))
"""


@dataclass(frozen=True)
class World:
    """Options of the interpreter, variables of its environment, and what a program does first."""

    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    prelude: str = ""
    runner: str = ""


def limited(name, number):
    return World(prelude=f"resource.setrlimit(resource.{name}, ({number}, {number}))")


HIDES_PROC = """
import ctypes
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000

libc = ctypes.CDLL(None)
failed = libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)

class Loop(asyncio.SelectorEventLoop):  # the witness reads /proc before it begins and after it ends
    def __init__(self):
        if failed or libc.mount(b"none", b"/proc", b"tmpfs", 0, None):
            sys.exit(NOT_ALLOWED)
        super().__init__()

    def close(self):
        super().close()
        libc.umount(b"/proc")
"""
NOT_ALLOWED = 77

WORLDS = {
    "without asserts and docstrings": World(("-OO",)),
    "without frozen modules": World(("-X", "frozen_modules=off", "-X", "importtime")),
    "development mode": World(("-X", "dev")),
    "asyncio's debug mode": World(variables={"PYTHONASYNCIODEBUG": "1"}),
    "the C locale": World(variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "a summer time of half an hour": World(variables={"TZ": "Australia/Lord_Howe"}),
    "a quick switch between threads": World(prelude="sys.setswitchinterval(1e-6)"),
    "a slow switch between threads": World(prelude="sys.setswitchinterval(1.0)"),
    "a profile function": World(prelude="sys.setprofile(lambda *_: None); threading.setprofile(lambda *_: None)"),
    "a trace function": World(prelude="sys.settrace(lambda *_: None); threading.settrace(lambda *_: None)"),
    "no collector": World(prelude="gc.freeze(); gc.disable()"),
    "another sleep": World(prelude="slept = time.sleep; time.sleep = lambda seconds: slept(seconds)"),
    "a loop of the program's own": World(
        prelude="class Loop(asyncio.SelectorEventLoop): ...", runner="loop_factory=Loop"
    ),
    "uvloop": World(prelude="import uvloop", runner="loop_factory=uvloop.new_event_loop"),
    "no /proc": World(prelude=HIDES_PROC.replace("NOT_ALLOWED", str(NOT_ALLOWED)), runner="loop_factory=Loop"),
    "few files": limited("RLIMIT_NOFILE", 24),
    "a small stack": limited("RLIMIT_STACK", 256 * 1024),
}


@pytest.mark.parametrize("name", WORLDS)
def test_every_stall_is_reported_once_under_its_name(real_time, name):
    world = WORLDS[name]
    if "uvloop" in world.prelude and not find_spec("uvloop"):
        pytest.skip("There is no uvloop for this Python")
    judge(real_time, world, {"PYTHONPATH": str(ROOT)})


def test_a_package_in_an_archive_works_too(real_time, tmp_path):
    for package in ("loopwatch", "tests/support"):
        shutil.copytree(ROOT / package, tmp_path / "site" / package)
    (tmp_path / "site" / "tests" / "__init__.py").touch()
    archive = shutil.make_archive(str(tmp_path / "site"), "zip", tmp_path / "site")
    judge(real_time, World(), {"PYTHONPATH": archive}, loaded_from=archive)


def judge(real_time, world, variables, loaded_from=str(ROOT)):
    program = PROGRAM.format(prelude=world.prelude, runner=world.runner, stalls=STALLS)
    for one in real_time.runs():
        command = [sys.executable, *world.options, "-c", program]
        done = run(command, env=os.environ | variables | world.variables, cwd="/")
        if done.returncode == NOT_ALLOWED:
            pytest.skip("Only root may hide /proc")
        assert done.returncode == 0, done.stderr
        calls, disturbances, waited_for_cpu_s, file = json.loads(done.stdout)
        assert file.startswith(loaded_from)
        names = {tuple(call) for call in calls}
        if names - {("time.sleep", "__main__.block"), ("time.sleep", "__main__.<module>")} or len(calls) > STALLS:
            one.false(f"{calls}")
        elif len(calls) == STALLS and not disturbances:
            one.exact()
        elif waited_for_cpu_s > 0.005:
            one.disturbed(f"threads waited {waited_for_cpu_s:.3f} s for a CPU; {len(calls)} calls")
        else:
            one.short(f"{len(calls)} calls, {disturbances} disturbances")
