"""The result of strict mode: a call that is known to block, and where it was made."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from loopwatch.detection.calls import StackFrame
from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.strict.catalogue import Kind, Known
from loopwatch.detection.strict.django_calls import PROXIES
from loopwatch.detection.verdict.attribution import nodes_of
from loopwatch.detection.verdict.culprit import function_at
from loopwatch.detection.verdict.stack_frames import frames_of


@dataclass(frozen=True)
class StrictCall:
    """A call that is known to block, made on the thread of a running loop.

    ``name`` is the name in the catalogue, and ``called_name`` the call in the user's own code that led there:
    ``socket.socket.connect`` and ``requests.get``. ``filename``, ``lineno``, ``source`` and ``function`` locate the
    latter; ``stack`` is outermost first. ``count`` is the number of calls from there.
    """

    name: str
    kind: Kind
    called_name: str
    filename: str
    lineno: int
    source: str
    function: str
    stack: tuple[StackFrame, ...]
    count: int = 1

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits, equal for everything that one call in the user's own code does."""
        text = f"strict\0{self.called_name}\0{self.function}"
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]

    def __str__(self) -> str:
        where = f"{self.function} ({self.filename}:{self.lineno})" if self.filename else self.function
        through = "" if self.called_name == self.name else f", through {self.called_name}"
        return f"{self.name} was called on the event loop in {where}{through}"


def strict_call(known: Known, sites: Sequence[Site], count: int) -> StrictCall:
    """Describe a call by its sites, innermost first. Reads source files."""
    nodes = nodes_of(sites, is_exact=True, is_calling=True)
    if not nodes:  # the loop itself calls it: ``loop.call_soon(time.sleep, 1)``
        return StrictCall(known.name, known.kind, known.name, "", 0, "", known.name, (), count)
    is_in_c = sites[0].callee is not None
    # A Python function has a frame itself, which may be in-app code: that of a backend written for the site.
    at = function_at(nodes, len(nodes) - (1 if is_in_c else 2))
    user = nodes[at]
    inward = [node for node in nodes[at + 1 :] if node.site.module not in PROXIES]
    callers = sites if is_in_c else sites[1:]
    name = nodes[-1].name if known.kind is Kind.IMPORT else known.name
    span = source.span_at(user.site.code, user.site.offset)
    filename = user.site.code.co_filename
    return StrictCall(
        name=name,
        kind=known.kind,
        called_name=inward[0].name if len(inward) > 1 else name,
        filename=filename,
        lineno=span.lineno,
        source=source.text_of(filename, span),
        function=user.name,
        stack=frames_of(callers),
        count=count,
    )
