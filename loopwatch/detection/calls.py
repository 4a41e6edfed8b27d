"""The results of detection: plain, immutable data about one stall, or about how busy a loop was.

Nothing here touches a loop, a frame or Django. A ``BlockingCall`` is built on the watchdog's thread after the step has
ended (or while it hangs) and may travel to any thread.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from loopwatch.headline import and_elsewhere, at_least, headline, part_at_line

SAMPLING, TRACING = ENGINES = "sampling", "tracing"
PROGRAM = "program"
"""The kind of a ``Request`` that is a ``recording()`` block of a program, with its name as the route."""


class Cause(StrEnum):
    """Why the loop could not go on."""

    COMPUTING = "computing"
    WAITING = "waiting"
    GARBAGE_COLLECTION = "garbage collection"
    IMPORTING = "importing"
    GIL_HELD = "GIL held by a thread"
    STARVED = "starved"
    SUSPENDED = "suspended"
    THROTTLED = "throttled"

    @property
    def is_machine(self) -> bool:
        """Whether the machine, not a call made by the step, is to blame."""
        return self in (Cause.STARVED, Cause.SUSPENDED, Cause.THROTTLED)


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One frame of a stack, as the sample found it.

    ``lineno`` to ``end_lineno`` (1-based) and ``column`` to ``end_column`` (0-based, in UTF-8 bytes, as
    ``code.co_positions()`` gives them) span the expression being executed; what the interpreter does not know is 0.
    """

    filename: str
    module: str
    function: str
    lineno: int
    end_lineno: int = 0
    column: int = 0
    end_column: int = 0
    is_in_app: bool = False

    @property
    def name(self) -> str:
        """The qualified name, ``module.qualname``."""
        return f"{self.module}.{self.function}" if self.module else self.function


@dataclass(frozen=True, slots=True)
class StackSample:
    """A stack (outermost frame first) and the milliseconds of the step that were spent there."""

    duration_ms: float
    frames: tuple[StackFrame, ...]


@dataclass(frozen=True, slots=True)
class ThreadStack:
    """A stack (outermost frame first) that ``count`` other threads of the process had while a stall went on."""

    frames: tuple[StackFrame, ...]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Contribution:
    """A function's part of a step: its self time, and the total with its callees (``None`` if unknown).

    ``count`` is the number of calls that took long enough to matter; ``None`` where the engine cannot count them. The
    in-app code that called it is in ``function``, at ``lineno``; the self time of an in-app function has no line.
    """

    name: str
    own_ms: float
    count: int | None = None
    total_ms: float | None = None
    function: str = ""
    lineno: int = 0


@dataclass(frozen=True, slots=True)
class OtherPlace:
    """A second in-app place that took a considerable part of a step: the function, the call it made, and the line."""

    function: str
    called_name: str
    lineno: int
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Request:
    """The request a stall belongs to: never its URL, only the pattern that matched.

    ``kind`` is the ASGI scope type, or ``"program"`` for a ``recording()`` block. ``method`` is empty except for HTTP.
    ``route`` is empty where no pattern is known; a block has its name there, and a message of a Channels worker its
    channel and type. ``consumer`` is the qualified name of the Channels consumer class, if there is one, ``view`` that
    of the view, operation, action or handler as its developer wrote it.
    """

    kind: str
    method: str = ""
    route: str = ""
    consumer: str = ""
    view: str = ""


@dataclass(frozen=True, slots=True)
class LoopUsage:
    """How long a loop ran steps within an interval. ``busy_s`` is ``None`` where the platform cannot say."""

    ended_at: datetime
    lasted_s: float
    busy_s: float | None


@dataclass(frozen=True, slots=True)
class KeptOut:
    """The requests that could not arrive during a stall, and the sum of their waits: an estimate.

    ``described`` are some of them.
    """

    count: int = 0
    waited_ms: float = 0.0
    described: tuple[Request, ...] = ()


NONE_KEPT_OUT = KeptOut()


@dataclass(frozen=True)
class BlockingCall:
    """One stall as detected.

    ``function`` is the nearest in-app function, and ``called_name`` the qualified name of what it called; ``filename``,
    ``lineno`` and ``source`` say where. ``duration_ms`` is how much of the whole step (``step_ms``) that call took.
    ``method_name`` is what took the time inside it, where its library was entered, and ``leaf_name`` what spent the
    time in the end; both may equal ``called_name``, and all may equal ``function``. ``exact`` is false where only the
    function is certain: the call is then a likely one, or the function itself. ``other_place`` is where a
    considerable part of the step went besides; another line that makes the same call has a part of ``duration_ms``.
    ``calls_seen`` is how many calls the step is known to have made; samples miss most of many quick calls.
    ``waiting`` is the number of other requests in flight that were delayed, and ``delayed`` describes some of them.
    ``kept_out`` estimates the requests that could not even arrive. ``throttled_periods`` is in how many periods of
    its CPU limit the kernel stopped the process meanwhile. An ``ongoing`` call has not ended: it is reported again,
    under the same ``stall_id``, until it has. ``other_threads`` are the stacks of the other threads, if it lasted so
    long that it was reported as ongoing. ``otel_span`` is the OpenTelemetry span that was current in the step, on a
    site that uses it; it is not stored.

    If the loop was starved, ``held_by`` is a second report, of the thread that kept the GIL meanwhile, where that is
    known. Its cause is ``GIL_HELD``; its stack, names and place are those of the thread.
    """

    stall_id: str
    method_name: str
    duration_ms: float
    is_c_call: bool
    filename: str
    lineno: int
    source: str
    function: str
    stack: tuple[StackFrame, ...]
    step_ms: float
    task_name: str
    engine: str
    started_at: datetime
    exact: bool
    cause: Cause
    called_name: str
    leaf_name: str
    samples: tuple[StackSample, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    request: Request | None = None
    other_place: OtherPlace | None = None
    calls_seen: int = 1
    waiting: int = 0
    ongoing: bool = False
    delayed: tuple[Request, ...] = ()
    kept_out: KeptOut = NONE_KEPT_OUT
    throttled_periods: int = 0
    other_threads: tuple[ThreadStack, ...] = ()
    otel_span: object | None = field(default=None, compare=False, repr=False)
    held_by: "BlockingCall | None" = None

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that identify the finding: the in-app function and the call that it made, and nothing else.

        A call by which a thread keeps the GIL is another finding than the same call on the loop.
        The digits stay the same when lines move, or when another part of the library that was called takes the time.
        """
        identity = f"{self.function}\0{self.called_name}"
        if self.cause is Cause.GIL_HELD:
            identity = f"{self.cause}\0{identity}"
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:32]

    @property
    def headline(self) -> str:
        """The call that the in-app function made, and what took the time inside it: ``requests.get → socket.recv``."""
        return headline(called=self.called_name, detail=self.method_name)

    @property
    def besides(self) -> str:
        """The other place in words, or ``""``: ``and 200.0 ms of time.sleep in shop.views.locate, line 41``."""
        other = self.other_place
        if other is None:
            return ""
        duration = f"{other.duration_ms:.1f} ms"
        if (other.function, other.called_name) == (self.function, self.called_name):
            return part_at_line(duration, other.lineno)
        return and_elsewhere(duration, other.called_name, other.function, other.lineno)

    @property
    def cause_in_words(self) -> str:
        """The cause, with its figures if it has any: ``throttled in 2 periods of the CPU limit``."""
        if self.cause is not Cause.THROTTLED:
            return str(self.cause)
        periods = "1 period" if self.throttled_periods == 1 else f"{self.throttled_periods} periods"
        return f"{self.cause} in {periods} of the CPU limit"

    def __str__(self) -> str:
        where = f"{self.function} ({self.filename}:{self.lineno})" if self.filename else self.function
        did = "in a thread kept the GIL from" if self.cause is Cause.GIL_HELD else "blocked"
        text = f"{self.headline} {did} the event loop for {self.duration_ms:.1f} ms in {where}"
        return ", ".join(filter(None, (text, at_least(self.calls_seen), self.besides)))
