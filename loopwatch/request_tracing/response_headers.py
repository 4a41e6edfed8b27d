"""Changes the headers of a response that reports figures."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_FOR_CACHES = {b"expires", b"surrogate-control", b"edge-control", b"x-accel-expires"}


def appended(headers: Iterable[Iterable[bytes]], name: bytes, value: bytes) -> Headers:
    """Return the headers with a value added to the last header of that name, which holds a list."""
    found: Headers = [(each_name, each_value) for each_name, each_value in headers]
    for index in range(len(found) - 1, -1, -1):
        if found[index][0].lower() == name:
            found[index] = (found[index][0], found[index][1] + b", " + value)
            return found
    return [*found, (name, value)]


def uncached(headers: Iterable[Iterable[bytes]]) -> Headers:
    """Return the headers for a response that no cache may store."""
    kept = [(name, value) for name, value in headers if not _is_for_caches(name.lower())]
    return [*kept, (b"cache-control", b"no-store")]


def _is_for_caches(name: bytes) -> bool:
    """CDNs prefer a header such as ``CDN-Cache-Control`` to ``Cache-Control`` (RFC 9213); nginx prefers another."""
    return name.endswith(b"cache-control") or name in _FOR_CACHES
