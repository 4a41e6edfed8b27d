"""What a call of ``strict()`` says, which rules let it pass, and where it looks."""

import asyncio
import cProfile
import functools
import io
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import pytest
from django.template import Context, Engine

from loopwatch import strict
from loopwatch.detection.strict.catalogue import Kind
from loopwatch.detection.tracing.tracer import TracingUnavailableError
from tests.detection.strict.found import found_in

HERE = pathlib.Path(__file__)


# What is said of a call


def test_a_call_says_where_the_users_own_code_made_it_and_how_often():
    def read():
        return HERE.read_text()

    async def main():
        for _ in range(3):
            read()

    with strict() as watcher:
        asyncio.run(main())
    opened, was_read = watcher.calls
    assert (opened.name, opened.kind, opened.called_name) == ("open", Kind.FILE, "pathlib.Path.read_text")
    assert (opened.filename, opened.source) == (__file__, "HERE.read_text()")
    assert opened.function.endswith("<locals>.read")
    assert opened.count == was_read.count == 3
    assert opened.fingerprint == was_read.fingerprint
    assert [frame.function.rpartition(".")[2] for frame in opened.stack][:3] == ["main", "read", "read_text"]
    assert str(opened).startswith("open was called on the event loop in tests.detection.strict.test_strict_calls.")


def test_a_call_that_a_template_of_django_makes_has_its_line_on_the_stack():
    page = Engine().from_string("\n{{ book.text }}")

    async def main():
        page.render(Context({"book": {"text": HERE.read_text}}))

    with strict() as watcher:
        asyncio.run(main())
    templates = [(frame.function, frame.lineno) for frame in watcher.calls[0].stack if not frame.module]
    assert templates == [("template {{ book.text }}", 2)]


def test_a_method_of_a_class_that_is_not_hashable_is_recognized():
    class Compared(type):
        __hash__ = None

        def __eq__(cls, other):
            return cls is other

    class Reader(io.FileIO, metaclass=Compared):
        pass

    def reads(reader):
        reader.readall()

    with Reader(HERE) as reader:
        assert found_in(reads, reader) == ["io.FileIO.readall"]


def test_what_a_known_call_does_inside_is_its_own_business():
    assert found_in(shutil.rmtree, tempfile.mkdtemp()) == ["shutil.rmtree"]


@pytest.mark.parametrize("callback", [time.sleep, functools.partial(time.sleep)])
def test_a_call_that_the_loop_itself_makes_is_found(callback):
    async def main():
        asyncio.get_running_loop().call_soon(callback, 0)
        await asyncio.sleep(0)

    with strict() as watcher:
        asyncio.run(main())
    assert [str(call) for call in watcher.calls] == ["time.sleep was called on the event loop in time.sleep"]


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("open", ["io.TextIOWrapper.read"]),
        ("io.*", ["open"]),
        ("pathlib.Path.read_text", []),
        ("* in tests.detection.strict.*", []),
        ("* in elsewhere.*", ["open", "io.TextIOWrapper.read"]),
    ],
)
def test_rules_allow_by_the_call_what_was_called_and_the_function(rule, left):
    async def main():
        HERE.read_text()

    with strict(allow=[rule]) as watcher:
        asyncio.run(main())
    assert [call.name for call in watcher.calls] == left


@pytest.mark.parametrize(("allow", "error"), [("open", TypeError), (["in x"], ValueError), ([3], ValueError)])
def test_a_rule_that_cannot_be_read_is_refused(allow, error):
    with pytest.raises(error, match="rule"):
        strict(allow=allow)


# Where it looks


async def test_inside_a_coroutine_it_sees_what_is_inside_the_block():
    time.sleep(0)
    with strict() as watcher:
        time.sleep(0)
        await asyncio.sleep(0)
        os.stat(".")
    os.listdir(".")
    assert [call.name for call in watcher.calls] == ["time.sleep", "os.stat"]


def in_another_thread(main):
    thread = threading.Thread(target=asyncio.run, args=[main])
    thread.start()
    thread.join()


async def sleeps():
    time.sleep(0)


@pytest.mark.parametrize(("every_thread", "names"), [(False, []), (True, ["time.sleep"])])
def test_the_loops_of_other_threads_are_looked_at_if_asked_for(every_thread, names):
    with strict(every_thread=every_thread) as watcher:
        in_another_thread(sleeps())
    assert [call.name for call in watcher.calls] == names


def test_uvloop_is_looked_at():
    uvloop = pytest.importorskip("uvloop")
    with strict() as watcher:
        uvloop.run(sleeps())
    assert [call.name for call in watcher.calls] == ["time.sleep"]


def test_blocks_may_be_nested():
    with strict() as outer:
        with strict() as inner:
            asyncio.run(sleeps())
        asyncio.run(sleeps())
    assert [[call.count for call in watcher.calls] for watcher in (outer, inner)] == [[2], [1]]


def test_a_block_that_is_open_cannot_be_entered_again():
    async def main():
        time.sleep(0)

    with strict() as watcher:
        with pytest.raises(RuntimeError, match="open already"), watcher:
            pass
        asyncio.run(main())
    with watcher:
        asyncio.run(main())
    assert [call.count for call in watcher.calls] == [2]


def test_an_exception_passes_through():
    async def main():
        HERE.joinpath("nothing").read_text()

    with strict() as watcher, pytest.raises(OSError, match="nothing"):
        asyncio.run(main())
    assert [call.name for call in watcher.calls] == ["open"]


def test_a_profile_function_that_was_there_before_is_called_too():
    def profile(_frame, event, _argument):
        seen.append(event)

    seen = []
    sys.setprofile(profile)
    try:
        with strict() as watcher:
            asyncio.run(sleeps())
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert "c_call" in seen
    assert [call.name for call in watcher.calls] == ["time.sleep"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="From Python 3.12 on a profiler does not take that place")
def test_a_profiler_in_its_place_is_named():
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        with pytest.raises(TracingUnavailableError, match=r"in C \(Profiler?\) is running on this thread.*stop it"):
            strict().__enter__()
    finally:
        profiler.disable()


def test_what_is_remembered_has_a_limit(monkeypatch):
    monkeypatch.setattr("loopwatch.detection.strict.watcher.MAX_PLACES", 1)

    async def main():
        time.sleep(0)
        os.stat(".")
        os.stat(".")

    with strict() as watcher:
        asyncio.run(main())
    assert [call.name for call in watcher.calls] == ["time.sleep"]
    assert watcher.calls_dropped == 2
