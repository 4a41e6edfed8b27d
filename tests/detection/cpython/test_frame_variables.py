"""The variables of the innermost frame tell one call that it makes from the next, and reading them changes nothing."""

import gc
import sys
import threading
import weakref
from contextlib import contextmanager

import pytest

from loopwatch.detection.cpython.frame_variables import COPIES_LOCALS
from loopwatch.detection.cpython.frames import stack_of

WITHIN_S = 60
if_they_are_read = pytest.mark.skipif(COPIES_LOCALS, reason="Before Python 3.13, f_locals is a copy")


class Book:
    pass


class Loop:
    """A function on its own thread, which stands still in every round of its loop until it is told to go on.

    It calls C functions only, so its frame is the innermost.
    """

    def __init__(self, body, books):
        self._ready, self._go_on = threading.Lock(), threading.Lock()
        self._ready.acquire()
        self._go_on.acquire()
        self._thread = threading.Thread(target=body, args=[self._ready, self._go_on, books])

    def variables(self):
        return stack_of(self._thread.ident, "").variables

    def go_on(self):
        self._go_on.release()
        assert self._ready.acquire(timeout=WITHIN_S)

    @contextmanager
    def running(self):
        self._thread.start()
        assert self._ready.acquire(timeout=WITHIN_S)
        yield self
        while self._thread.is_alive():
            if self._go_on.locked():
                self._go_on.release()
            self._thread.join(0.01)


def goes_over(ready, go_on, books):
    for book in books:
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        title = book  # not bound in the first round
    del title


def comprehends(ready, go_on, books):
    return [(book, ready.release(), go_on.acquire(timeout=WITHIN_S)) for book in books]


def generates(ready, go_on, books):
    return list((book, ready.release(), go_on.acquire(timeout=WITHIN_S)) for book in books)  # noqa: C400


def counts(ready, go_on, books):
    number = len(books)
    while number > 0:
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        number -= 1


def shares(ready, go_on, books):
    def rest():
        return books

    while rest():
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        books = books[1:]


def changes_none(ready, go_on, books):
    while books:
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        books.pop()


def asks_for_locals(ready, go_on, books):
    for book in books:
        known = locals()
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        assert known["book"] is book


def lends_its_locals(ready, go_on, books):
    known = sys._getframe().f_locals
    for _book in books:
        before = {**known, "before": None}
        ready.release()
        go_on.acquire(timeout=WITHIN_S)
        assert {**known, "before": None} == before


@if_they_are_read
@pytest.mark.parametrize("body", [goes_over, comprehends, generates, counts])
def test_a_variable_that_the_function_assigns_tells_its_calls_apart(body):
    with Loop(body, [Book(), Book()]).running() as loop:
        first = loop.variables(), loop.variables()
        loop.go_on()
        second = loop.variables()
    assert first[0] == first[1] is not None
    assert second not in (first[0], None)


@if_they_are_read
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(shares, id="an inner function may assign the variable"),
        pytest.param(changes_none, id="no variable is assigned"),
    ],
)
def test_other_calls_look_like_one(body):
    with Loop(body, [Book(), Book()]).running() as loop:
        first = loop.variables()
        loop.go_on()
        second = loop.variables()
    assert first == second is not None


@pytest.mark.parametrize("body", [asks_for_locals, lends_its_locals])
def test_a_function_that_holds_its_variables_sees_no_change(body):
    with Loop(body, [Book(), Book()]).running() as loop:
        loop.variables()


@pytest.mark.skipif(not COPIES_LOCALS, reason="Since Python 3.13, f_locals is no copy")
def test_nothing_is_read_where_reading_makes_a_copy_that_the_frame_keeps():
    with Loop(goes_over, [Book()]).running() as loop:
        assert loop.variables() is None


@if_they_are_read
def test_what_a_variable_referred_to_is_not_kept():
    made = []

    def make(_number):
        book = Book()
        made.append(weakref.ref(book))
        return book

    with Loop(goes_over, map(make, range(3))).running() as loop:
        assert loop.variables() is not None
        loop.go_on()
        loop.go_on()
        gc.collect()
        assert made[0]() is None
