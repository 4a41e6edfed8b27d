"""The layers of an ASGI application: what it wraps and routes to, as far as the customary attributes say.

Channels' routers and consumers are recognised by their attributes, so that Channels need not be installed:
https://github.com/django/channels/blob/4.3.1/channels/routing.py and ``Consumer.as_asgi`` in ``consumer.py``.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loopwatch.detection.cpython.namespaces import computes_attributes, kept_attribute, static_attribute

MOST_LAYERS = 1_000
MAX_NESTING = 20
_WRAPPED = ("application", "inner", "app", "router")
"""The names under which middleware and applications of different frameworks keep the application that they wrap."""
_UNREAD = "<unread>"
"""The pattern of a route that is not Django's, such as Starlette's; no request is matched with it."""
Read = Callable[[object, str], Any]
"""Returns an attribute of an application, ``None`` if there is none. A check asks nothing: ``kept_attribute``."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An application inside another one, and the requests that reach it.

    ``protocol`` is the scope's type, ``None`` for every type. ``route`` joins the URL patterns on the way.
    """

    application: object
    protocol: str | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """One step inward: an application, and the protocol or URL pattern that leads to it."""

    application: object
    protocol: str | None = None
    pattern: Any = None

    @property
    def route(self) -> str:
        return "" if self.pattern is None else str(self.pattern)

    def match(self, path: str) -> tuple[Any, ...] | None:
        """Return a tuple that begins with the rest of the path, as Django's patterns do; ``None`` for no match."""
        if self.pattern is None:
            return (path,)
        return None if self.pattern is _UNREAD else self.pattern.match(path)


def asked_attribute(owner: object, name: str) -> Any:
    """Return an attribute of an application that serves requests, so that a proxy has been evaluated already."""
    try:
        return getattr(owner, name, None)
    except Exception:  # noqa: BLE001 - a property of the site's code may raise anything
        return None


def layers(application: object, read: Read = kept_attribute) -> Iterator[Layer]:
    """Yield the application and everything that it wraps and routes to, outermost first."""
    waiting, seen = [Layer(application)], set[tuple[int, str]]()
    while waiting and len(seen) < MOST_LAYERS:
        layer = waiting.pop(0)
        known_as = id(layer.application), layer.route
        if layer.application is None or known_as in seen:
            continue
        seen.add(known_as)
        yield layer
        waiting += [_below(layer, edge) for edge in _edges(layer.application, read)]


def why_not_asgi(application: Any) -> str:
    """Return why an object is no ASGI application, as the end of a sentence; empty if it may be one."""
    if not callable(application):
        return "cannot be called"
    if inspect.isclass(application) and not hasattr(application, "__await__"):
        return "is a class whose objects cannot be awaited"
    try:
        # Channels' ``as_asgi`` says that its application wraps the class of the consumer.
        signature = inspect.signature(application, follow_wrapped=False)
    except Exception:  # noqa: BLE001 - a callable in C has no signature, and annotations may raise anything
        return ""
    if _takes(signature, 3):
        return ""
    return "is a WSGI application" if _takes(signature, 2) else "does not take scope, receive and send"


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def protocols(application: object) -> Mapping[str, object]:
    """Return the applications behind the outermost router of protocols, by protocol; none if there is no such router.

    A router inside of ``LoopWatch`` is not looked for.
    """
    for layer in layers(application):
        if is_loopwatch(layer.application):
            break
        mapping = kept_attribute(layer.application, "application_mapping")
        if issubclass(type(mapping), dict):
            return dict(dict.items(mapping))
    return {}


def is_wrapped(application: object) -> bool | None:
    """Return whether the application or something inside it is a ``LoopWatch``; ``None`` if only code can tell."""
    found = [layer.application for layer in layers(application)]
    if any(map(is_loopwatch, found)):
        return True
    return None if any(map(_hides_layers, found)) else False


def is_loopwatch(application: object) -> bool:
    return kept_attribute(application, "is_loopwatch") is True


def _hides_layers(application: object) -> bool:
    """Return whether code of the site would have to run to find what the application wraps."""
    kept = (static_attribute(application, name) for name in _WRAPPED)
    return computes_attributes(application) or any(issubclass(type(each), property) for each in kept)


def consumer_of(application: object, read: Read = kept_attribute) -> type | None:
    """Return the Channels consumer that an application runs; ``None`` for any other application."""
    consumer = read(application, "consumer_class")
    return consumer if issubclass(type(consumer), type) else None


def consumer_for(application: object, protocol: str, path: str, channel: str = "") -> tuple[str, type | None]:
    """Return the route that a request takes through Channels' routers, and the consumer at its end, if any.

    A message is routed by its ``channel`` after that, or at once if no router knows its protocol. Raises
    ``LookupError`` where a router of another framework, such as Starlette's, decides who serves the request.
    """
    route, path, wanted = "", path.lstrip("/"), protocol
    for _ in range(MAX_NESTING):
        consumer = consumer_of(application, asked_attribute)
        if consumer is not None:
            return route, consumer
        edges = list(_edges(application, asked_attribute))
        named = {edge.protocol for edge in edges if edge.protocol}
        if channel and named and protocol not in named:
            wanted = channel
        for edge in edges:
            is_open = callable(edge.application) and edge.protocol in (None, wanted)
            if is_open and (match := edge.match(path)):
                application, route, path = edge.application, route + edge.route, match[0]
                wanted = channel if channel and edge.protocol == protocol else wanted
                break
        else:
            if any(edge.pattern is _UNREAD for edge in edges):
                raise LookupError("routes of another framework")
            break
    return route, None


def _edges(application: object, read: Read) -> Iterator[Edge]:
    mapping, routes = read(application, "application_mapping"), read(application, "routes")
    if issubclass(type(mapping), dict):
        yield from (Edge(inner, protocol=protocol) for protocol, inner in dict.items(mapping))
    if issubclass(type(routes), list | tuple):
        yield from (_edge_of(route, read) for route in routes)
    yield from (Edge(read(application, name)) for name in _WRAPPED)


def _edge_of(route: object, read: Read) -> Edge:
    pattern = read(route, "pattern")
    if pattern is None:
        takes_all = read(route, "path") == ""  # as that of ``Mount("/", …)``
        return Edge(read(route, "app"), pattern=None if takes_all else _UNREAD)
    return Edge(read(route, "callback"), pattern=pattern)


def _below(layer: Layer, edge: Edge) -> Layer:
    return Layer(edge.application, edge.protocol or layer.protocol, layer.route + edge.route)
