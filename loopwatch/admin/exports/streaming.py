"""Streams files while they are written, as a list may have a million rows."""

from collections.abc import AsyncIterator, Generator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

_LINES_AT_ONCE = 500


def streaming_response(
    request: HttpRequest, lines: Generator[str], *, filename: str, content_type: str
) -> StreamingHttpResponse:
    """Stream the lines as a file. Under ASGI, they are made in the request's thread, never on the loop's."""
    content = _OffTheLoop(lines) if isinstance(request, ASGIRequest) else _batches(lines)
    return StreamingHttpResponse(content, content_type=content_type, headers=_attachment(filename))


def file_response(text: str, *, filename: str, content_type: str) -> HttpResponse:
    """Return a file that is small enough to be made at once."""
    return HttpResponse(text, content_type=content_type, headers=_attachment(filename))


def _attachment(filename: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{filename}"', "X-Content-Type-Options": "nosniff"}


def _batches(lines: Iterator[str]) -> Iterator[str]:
    while batch := "".join(islice(lines, _LINES_AT_ONCE)):
        yield batch


class _OffTheLoop:
    """Makes batches of lines in the request's thread.

    Django calls ``close`` in that thread when everything is sent or the client has disconnected, so the query ends in
    the thread in which it began.
    """

    def __init__(self, lines: Generator[str]) -> None:
        self._lines = lines

    async def __aiter__(self) -> AsyncIterator[str]:
        batches = _batches(self._lines)
        following = sync_to_async(lambda: next(batches, ""))
        while batch := await following():
            yield batch

    def close(self) -> None:
        self._lines.close()
