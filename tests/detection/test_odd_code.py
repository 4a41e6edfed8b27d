"""Code that is unlike what people write: it is reported as well as it can be, and does no harm."""

import asyncio
import importlib.util
import linecache
import sys
import time

import pytest

from loopwatch import watch

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
STALL_S = 0.06


async def reports(function, *arguments):
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await asyncio.sleep(0)
        try:
            function(*arguments)
        finally:
            await asyncio.sleep(0)
    assert not watcher.disturbances, watcher.disturbances
    return watcher.calls


async def report(function, *arguments):
    (call,) = await reports(function, *arguments)
    return call


def block():
    time.sleep(STALL_S)


def block_after(count):
    number = count
    time.sleep(STALL_S)
    return number


def compute():
    until = time.perf_counter() + STALL_S
    while time.perf_counter() < until:
        pass


async def test_code_without_positions():
    bare = type(block)(block.__code__.replace(co_linetable=b""), globals())
    call = await report(bare)
    assert call.function == f"{__name__}.block"
    assert call.filename == __file__
    assert call.method_name in ("time.sleep", f"{__name__}.block")
    assert call.lineno == block.__code__.co_firstlineno


async def test_computing_code_without_positions():
    bare = type(compute)(compute.__code__.replace(co_linetable=b""), globals())
    call = await report(bare)
    assert call.method_name == call.function == f"{__name__}.compute"


async def test_code_without_a_name_or_a_file():
    nameless = type(block)(block.__code__.replace(co_name="", co_qualname="", co_filename=""), globals())
    call = await report(nameless)
    assert call.method_name == "time.sleep"
    assert call.source == ""


async def test_code_in_a_namespace_without_a_module_name():
    namespace = {"time": time, "STALL_S": STALL_S}
    anonymous = type(block)(block.__code__, namespace)
    call = await report(anonymous)
    assert call.method_name == "time.sleep"
    assert call.function == "block"


@pytest.mark.parametrize("name", [None, 42, ""])
async def test_a_module_whose_name_is_no_text(name):
    namespace = {"time": time, "STALL_S": STALL_S, "__name__": name}
    call = await report(type(block)(block.__code__, namespace))
    assert call.method_name == "time.sleep"
    assert call.function.endswith("block")


async def test_executed_text_is_its_callers():
    call = await report(exec, f"import time\ntime.sleep({STALL_S})", {"__name__": "shop.rules"})
    assert call.method_name == "time.sleep"
    assert call.filename == __file__
    assert call.function == f"{__name__}.reports"
    assert call.source == "function(*arguments)"


async def test_evaluated_text():
    call = await report(eval, f"sleep({STALL_S})", {"sleep": time.sleep})
    assert call.method_name == "time.sleep"


def module_at(path, source):
    path.write_bytes(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    linecache.checkcache()
    return module


async def test_a_source_file_that_is_gone(tmp_path):
    module = module_at(tmp_path / "gone.py", b"import time\ndef block():\n    time.sleep(0.06)\n")
    (tmp_path / "gone.py").unlink()
    call = await report(module.block)
    assert call.method_name == "time.sleep"
    assert (call.filename, call.lineno, call.source) == (str(tmp_path / "gone.py"), 3, "")


async def test_a_source_file_that_is_not_utf_8(tmp_path):
    source = "# coding: latin-1\nimport time\ndef block():\n    time.sleep(0.06) # größer\n".encode("latin-1")
    call = await report(module_at(tmp_path / "latin.py", source).block)
    assert call.method_name == "time.sleep"
    assert call.source == "time.sleep(0.06)"


async def test_a_source_file_that_was_replaced_by_rubbish(tmp_path):
    module = module_at(tmp_path / "rubbish.py", b"import time\ndef block():\n    time.sleep(0.06)\n")
    (tmp_path / "rubbish.py").write_bytes(b"\xff\xfe\x00\x00\n" * 10)
    call = await report(module.block)
    assert call.method_name == "time.sleep"
    assert call.lineno == 3


async def test_a_source_file_that_became_shorter(tmp_path):
    module = module_at(tmp_path / "shorter.py", b"import time\ndef block():\n    time.sleep(0.06)\n")
    (tmp_path / "shorter.py").write_bytes(b"")
    call = await report(module.block)
    assert (call.method_name, call.source) == ("time.sleep", "")


async def test_a_line_that_is_not_ascii(tmp_path):
    source = 'import time\ndef block():\n    größe = "ä€😀"; time.sleep(0.06)\n'.encode()
    call = await report(module_at(tmp_path / "wide.py", source).block)
    assert call.source == "time.sleep(0.06)"


async def test_names_that_are_not_ascii(tmp_path):
    source = "import time\ndef größe_prüfen():\n    time.sleep(0.06)\n".encode()
    call = await report(module_at(tmp_path / "wide_names.py", source).größe_prüfen)
    assert call.function == "wide_names.größe_prüfen"


async def test_a_very_long_expression(tmp_path):
    source = f"import time\ndef block():\n    time.sleep(0.06, *({'1, ' * 1000})[:0])\n".encode()
    call = await report(module_at(tmp_path / "long.py", source).block)
    assert call.source.startswith("time.sleep(0.06, *(1, 1,")
    assert len(call.source) <= 200


def recurse(depth):
    if depth:
        recurse(depth - 1)
    else:
        time.sleep(STALL_S)


@pytest.fixture
def deep_recursion():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(7000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("deep_recursion")
async def test_recursion_5_000_deep():
    call = await report(recurse, 5000)
    assert call.method_name == "time.sleep"
    assert call.function == f"{__name__}.recurse"
    assert call.source == "time.sleep(STALL_S)"


def recurse_and_compute(depth):
    if depth:
        recurse_and_compute(depth - 1)
    else:
        compute()


@pytest.mark.usefixtures("deep_recursion")
async def test_computing_5_000_deep():
    call = await report(recurse_and_compute, 5000)
    assert call.method_name == f"{__name__}.compute"
    assert call.stack[-1].function == "compute"


async def test_a_recursion_without_end_is_the_users_error_alone():
    def endless():
        return endless()

    def try_it():
        time.sleep(STALL_S)
        with pytest.raises(RecursionError):
            endless()

    calls = await reports(try_it)
    assert [call.method_name for call in calls] == ["time.sleep"]


class Awkward:
    """Whatever is asked of it takes long, or fails."""

    def __repr__(self):
        raise RuntimeError("no text")

    def __str__(self):
        raise RuntimeError("no text")

    def __getattr__(self, name):
        asked.append(name)
        raise RuntimeError("no attribute")

    @property
    def blocking(self):
        asked.append("blocking")
        time.sleep(STALL_S)
        return 42

    @property
    def failing(self):
        asked.append("failing")
        raise RuntimeError("no value")


asked = []


def block_with(awkward):
    time.sleep(STALL_S)
    return awkward is None


async def test_arguments_that_have_no_text():
    asked.clear()
    call = await report(block_with, Awkward())
    assert call.method_name == "time.sleep"
    assert asked == []


async def test_a_property_that_blocks_is_run_once():
    asked.clear()
    call = await report(lambda: Awkward().blocking)
    assert call.method_name == "time.sleep"
    assert call.function == f"{__name__}.Awkward.blocking"
    assert asked == ["blocking"]


class OddTask(asyncio.Task):
    def get_name(self):
        raise RuntimeError("no name")


async def test_a_task_whose_name_fails():
    async def block_in_task():
        time.sleep(STALL_S)

    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await OddTask(block_in_task())
    assert [call.method_name for call in watcher.calls] == ["time.sleep"]


class OddCallback:
    def __call__(self):
        time.sleep(STALL_S)

    def __getattr__(self, name):
        raise RuntimeError("no attribute")

    def __repr__(self):
        raise RuntimeError("no text")


async def test_a_callback_that_is_an_awkward_object():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        asyncio.get_running_loop().call_soon(OddCallback())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [call.method_name for call in watcher.calls] == ["time.sleep"]


async def test_a_generator_and_a_coroutine_run_by_hand():
    def generator():
        time.sleep(STALL_S)
        yield

    async def coroutine():
        time.sleep(STALL_S)

    def run():
        next(generator())
        with pytest.raises(StopIteration):
            coroutine().send(None)

    call = await report(run)
    assert call.method_name == "time.sleep"
    assert call.step_ms >= 2 * 1000 * STALL_S
