"""A site with a view that hangs permanently: two locks, taken by two threads in opposite orders."""

import threading

from django.conf import settings

settings.LOOPWATCH = {"ONGOING_AFTER_S": 0.5, "FLUSH_INTERVAL_S": 0.1}

from django.core.asgi import get_asgi_application  # noqa: E402

from loopwatch.asgi import LoopWatch  # noqa: E402

accounts, ledger = threading.Lock(), threading.Lock()


def close_the_books(has_ledger):
    with ledger:
        has_ledger.set()
        with accounts:
            pass


def transfer():
    with accounts:
        has_ledger = threading.Event()
        threading.Thread(target=close_the_books, args=(has_ledger,), daemon=True).start()
        has_ledger.wait()
        ledger.acquire()  # never returns


async def bank(scope, receive, send):
    if scope["path"] == "/transfer/":
        transfer()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"open"})


get_asgi_application()  # sets Django up
application = LoopWatch(bank)
