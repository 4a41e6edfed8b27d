"""A request to an ASGI application in this process, without a server."""

import asyncio


async def request(application, path):
    """Make it; returns the status of the answer."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
    }
    sent, statuses = [], []

    async def receive():
        if sent:
            await asyncio.Event().wait()  # the client neither says more nor leaves
        sent.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application(scope, receive, send)
    return statuses[0]
