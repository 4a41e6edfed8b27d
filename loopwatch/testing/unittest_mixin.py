"""Provides a mixin and an assertion for test classes of ``unittest`` and Django."""

import asyncio
import unittest
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from loopwatch import in_tests
from loopwatch.detection.strict.allow_rules import Rule
from loopwatch.testing.failure_text import terminal_text
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import Options
from loopwatch.testing.watched_test import WatchedTest, new_findings

if TYPE_CHECKING:
    _TestCase = unittest.TestCase
else:
    _TestCase = object


class AssertDoesNotBlockMixin(_TestCase):
    """Adds only the assertion."""

    @contextmanager
    def assertDoesNotBlock(  # noqa: N802 - as unittest names its assertions
        self,
        *,
        threshold_ms: float = 50.0,
        engine: str = "sampling",
        allow: Sequence[str] = (),
        strict: bool = False,
    ) -> Iterator[None]:
        """Fail if the code of the ``with`` block blocks the event loop for ``threshold_ms`` or longer.

        Inside a coroutine, the running loop is watched; elsewhere, every loop that runs meanwhile, in any thread.
        ``allow`` is a list of rules, ``CALL [in FUNCTION] [during TEST]``. With ``strict=True``, calls known to block
        fail too, regardless of their duration. Raises ``ValueError`` for an unknown engine, a threshold that is not
        positive, or an invalid rule.
        """
        options = Options(threshold_ms, engine, strict=strict, allow=tuple(map(Rule.parse, allow)))
        watched = WatchedTest(self.id(), Judge(), options, every_thread=not _is_in_a_loop())
        watched.begin("call", stalls=True, strict=strict)
        try:
            yield
        finally:
            watched.end()
        _fail_for_what_is_new(self, watched)


class LoopWatchTestMixin(AssertDoesNotBlockMixin):
    """Fails, at its end, every test of the class whose code blocks the loop, including ``setUp`` and ``tearDown``.

    Tests expected to fail may block. List the mixin before the test class: ``class PayTests(LoopWatchTestMixin,
    TestCase)``.
    """

    loopwatch_threshold_ms: ClassVar[float] = 50.0
    loopwatch_engine: ClassVar[str] = "sampling"
    loopwatch_allow: ClassVar[Sequence[str]] = ()
    loopwatch_strict: ClassVar[bool] = False

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        rules = tuple(map(Rule.parse, self.loopwatch_allow))
        options = Options(self.loopwatch_threshold_ms, self.loopwatch_engine, self.loopwatch_strict, rules)
        watched = WatchedTest(self.id(), Judge(), options)
        watched.begin("call", stalls=True, strict=options.strict)
        if not _is_expected_to_fail(self):
            # Clean-ups run in reverse order: this one runs last, and a failure in it still fails the test.
            self.addCleanup(_end, self, watched)
        try:
            with in_tests.running():
                return super().run(result)
        finally:
            watched.end()


def _end(test: unittest.TestCase, watched: WatchedTest) -> None:
    watched.end()
    _fail_for_what_is_new(test, watched)


def _fail_for_what_is_new(test: unittest.TestCase, watched: WatchedTest) -> None:
    new = new_findings(watched.take_findings())
    if new:
        test.fail(f"the event loop was blocked\n\n{terminal_text(new, watched.options.threshold_ms)}")


def _is_expected_to_fail(test: unittest.TestCase) -> bool:
    """Return whether the test is marked so; ``unittest`` does not apply the mark to clean-ups."""
    method = getattr(test, test._testMethodName, None)  # noqa: SLF001 - there is no other way to know
    return any(getattr(of, "__unittest_expecting_failure__", False) for of in (type(test), method))


def _is_in_a_loop() -> bool:
    return asyncio._get_running_loop() is not None  # noqa: SLF001 - documented, for those who must not raise
