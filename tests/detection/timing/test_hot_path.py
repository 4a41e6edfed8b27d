"""Both forms of the hot path do the same: they pass everything on, time the step, and keep nothing."""

import gc
import os
import sys
import traceback
import weakref
from contextvars import ContextVar, copy_context
from functools import update_wrapper
from importlib.util import find_spec
from types import CellType, FunctionType

import pytest

from loopwatch.detection.cpython.sites import step_runners
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.timing import timed_callback
from tests.support.children import run

IS_BUILT = find_spec("loopwatch.detection.timing.compiled") is not None
FORMS = {"python": timed_callback}
if IS_BUILT:
    from loopwatch.detection.timing import compiled

    FORMS["compiled"] = compiled


class Loop:
    """Keeps what is scheduled, as a loop that is not asyncio's own."""

    def __init__(self):
        self.handles = []

    def call_soon(self, callback, *args, context=None):
        self.handles.append((callback, args, context))
        return len(self.handles)

    def run(self):
        """Call what is scheduled, one after the other; return the results."""
        handles, self.handles = self.handles, []
        return [callback(*args) for callback, args, _ in handles]


SLOTS = ("owner", "handle", "started", "ended", "gap_from_s", "ends_from_s", "wants_step_begin", "steps", "__weakref__")


class Slotted:
    __slots__ = SLOTS

    def __init__(self, owner):
        self.owner, self.handle, self.steps = owner, None, []
        self.started = self.ended = 0.0
        self.gap_from_s, self.ends_from_s, self.wants_step_begin = NEVER, -1.0, False

    def on_step_begin(self, outer):
        self.steps.append("begin")
        return outer

    def end_step(self, handle, started, ended):
        assert self.handle is handle
        assert self.started == started <= ended
        self.steps.append("end")


class Plain(Slotted):
    """Its attributes are not all slots."""

    wants_step_begin = None
    ended = property(lambda self: self.at, lambda self, at: setattr(self, "at", at))


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def form(request):
    return request.param


@pytest.fixture(params=[Slotted, Plain])
def observer(request):
    return request.param(Loop())


@pytest.fixture
def call_soon(form, observer):
    schedule = form.schedules_soon(Loop.call_soon, {observer.owner: observer}.get)
    return lambda *args, **named: schedule(observer.owner, *args, **named)


@pytest.mark.parametrize("count", range(10))
def test_a_callback_gets_its_arguments_and_its_result_is_passed_on(call_soon, observer, count):
    assert call_soon(lambda *args: args, *range(count)) == 1
    assert observer.owner.run() == [tuple(range(count))]
    assert observer.steps == ["end"]
    assert observer.handle is None


def test_arguments_may_be_given_when_it_is_called(form, observer):
    timed = form.timed(lambda *args: args, None, observer.owner, {observer.owner: observer}.get, 1.0, (1, 2))
    assert (timed(), timed(3), timed._args, timed._context, timed.due_at) == ((1, 2), (3,), (1, 2), None, 1.0)
    assert repr(timed) == repr(timed._callback)
    with pytest.raises(TypeError):
        timed(name=1)


def test_it_is_scheduled_and_bound_as_the_method_is(form, observer):
    class Watched(Loop):
        call_soon = update_wrapper(form.schedules_soon(Loop.call_soon, {}.get), Loop.call_soon)

    loop, variable = Watched(), ContextVar("variable")
    loop.call_soon(print)
    loop.call_soon(callback=print, context=(given := copy_context()))
    assert [handle[::2] for handle in loop.handles] == [(print, None), (print, given)]
    assert Watched.call_soon.__wrapped__ is Loop.call_soon
    assert Watched.call_soon.__name__ == "call_soon"
    with pytest.raises(TypeError):
        loop.call_soon()
    with pytest.raises(TypeError):
        loop.call_soon(print, contexts=given)
    variable.set(1)
    watched = form.schedules_soon(Loop.call_soon, {observer.owner: observer}.get)
    watched(observer.owner, print)
    watched(observer.owner, print, context=given)
    watched(observer.owner, callback=print)
    contexts = [context for _, _, context in observer.owner.handles]
    assert [context.get(variable) for context in contexts] == [1, None, 1]
    assert contexts == [timed._context for timed, _, _ in observer.owner.handles]


def test_a_step_begins_where_the_observer_wants_it_and_within_another_step_it_is_none(call_soon, observer):
    observer.wants_step_begin = "every step"
    call_soon(observer.owner.run)
    call_soon(lambda: observer.steps.append("inside"))
    inner = observer.owner.handles.pop()
    outer = observer.owner.handles.pop()
    observer.owner.handles.append(inner)
    outer[0]()
    assert observer.steps == ["begin", "inside", "end"]


def test_an_observer_is_looked_up_again_once_the_loop_is_watched_by_another(form, observer):
    watched = {observer.owner: observer}
    timed = form.timed(int, None, observer.owner, watched.get)
    timed()
    observer.owner = None
    watched.clear()
    assert timed() == 0
    assert observer.steps == ["end"]


class FailsAtEnd(Slotted):
    def end_step(self, *_):
        raise ArithmeticError("the end")


def fails(error):
    raise error


def test_an_error_is_passed_on_with_nothing_but_the_frame_of_the_step(call_soon, observer):
    error = LookupError("the step")
    call_soon(fails, error)
    with pytest.raises(LookupError) as caught:
        observer.owner.run()
    assert caught.value is error
    assert (error.__cause__, error.__context__) == (None, None)
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)][-2:]
    assert names in (["__call__", "fails"], ["run_step_with", "fails"])
    assert (observer.steps, observer.handle) == (["end"], None)


def test_an_error_of_the_observer_has_that_of_the_step_as_its_context(form):
    observer = FailsAtEnd(Loop())
    timed = form.timed(fails, None, observer.owner, lambda _: observer)
    error = LookupError("the step")
    with pytest.raises(ArithmeticError) as caught:
        timed(error)
    assert caught.value.__context__ is error
    assert observer.handle is None
    assert observer.ended >= observer.started > 0


@pytest.mark.parametrize("broken", [name for name in SLOTS[:7] if name != "started"])
def test_an_attribute_that_an_observer_does_not_have_is_an_error_and_no_crash(form, broken):
    observer = Slotted(Loop())
    timed = form.timed(int, None, observer.owner, {observer.owner: observer}.get)
    timed()
    delattr(observer, broken)
    with pytest.raises(AttributeError, match=broken):
        timed()


def test_an_error_of_the_look_up_is_passed_on(form):
    loop = Loop()
    with pytest.raises(KeyError):
        form.timed(int, None, loop, {}.__getitem__)()
    with pytest.raises(KeyError):
        form.schedules_soon(Loop.call_soon, {}.__getitem__)(loop, int)


def test_stacks_end_at_the_frame_that_runs_the_step(call_soon, observer):
    call_soon(lambda: sys._getframe(1).f_code)
    call_soon(lambda _: sys._getframe(1).f_code, None)
    assert all(id(code) in step_runners() for code in observer.owner.run())


def test_the_last_reference_to_a_callback_may_go_while_it_runs(call_soon, observer):
    class Held:
        pass

    def drop(held):
        observer.owner.handles.clear()
        del handle[:]
        return held

    held = Held()
    call_soon(drop, held)
    handle = [observer.owner.handles.pop()[0]]
    assert handle[0]() is held


def test_what_callbacks_refer_to_has_as_many_references_afterwards_as_before(form):
    loop, other, error = Loop(), Loop(), LookupError()
    observer = Slotted(loop)
    clock_of = {loop: observer}.get
    schedule = form.schedules_soon(Loop.call_soon, clock_of)
    args, context, callback = tuple(range(8)), copy_context(), lambda *_: None
    held = [loop, other, observer, clock_of, args, context, callback, error, fails, Slotted]

    def turn(times):
        for _ in range(times):
            schedule(loop, callback, *args, context=context)
            schedule(other, callback)
            loop.handles.append((form.timed(callback, context, other, clock_of, 0.0, args), (), None))
            loop.run()
            other.run()
            schedule(loop, fails, error)
            try:
                loop.run()
            except LookupError:
                error.__traceback__ = None

    turn(10)
    gc.collect()
    before = [sys.getrefcount(each) for each in held], sys.getallocatedblocks()
    turn(20_000)
    gc.collect()
    assert [sys.getrefcount(each) for each in held] == before[0]
    assert sys.getallocatedblocks() - before[1] < 1000


def test_a_cycle_through_a_callback_is_collected(form, observer):
    class Held(list):
        pass

    held = Held()
    schedule = form.schedules_soon(Loop.call_soon, held.append)
    held += [form.timed(held.append, None, observer.owner, held.append, args=(held,)), schedule]
    gone = weakref.ref(held)
    del held, schedule
    gc.collect()
    assert gone() is None


def test_the_collector_may_run_at_every_allocation(call_soon, observer):
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(200):
            call_soon(lambda *args: [[each] for each in args], *range(8))
            assert observer.owner.run() == [[[each] for each in range(8)]]
    finally:
        gc.set_threshold(*thresholds)


WHICH = "from loopwatch.detection.timing import hot_path; print(hot_path.IS_COMPILED)"


@pytest.mark.parametrize("variable", ["", "1"])
def test_the_compiled_form_is_chosen_if_it_is_there_and_wanted(variable):
    ran = run([sys.executable, "-c", WHICH], env={**os.environ, "LOOPWATCH_PURE_PYTHON": variable}, check=True)
    assert ran.stdout.strip() == str(IS_BUILT and not variable)


@pytest.mark.parametrize("code", timed_callback.QUICK, ids=lambda code: code.co_name)
def test_what_only_passes_a_result_on_is_scheduled_as_it_is(call_soon, observer, code):
    quick = FunctionType(code, {}, closure=tuple(CellType() for _ in code.co_freevars))
    call_soon(quick, None)
    call_soon(quick, None, None)
    assert [callback is quick for callback, _, _ in observer.owner.handles] == [True, False]
