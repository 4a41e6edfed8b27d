"""A site in one file, for .ci/release-check: stores a stall with the loopwatch that is installed, and reports it.

Fails with a message unless the database could be made, the stall was reported as what it was, and a second run of the
migrations leaves the stored findings as they are.
"""

import asyncio
import io
import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import path


async def checkout(request):
    time.sleep(0.2)
    return HttpResponse("paid")


urlpatterns = [path("checkout/", checkout)]
SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/checkout/",
    "query_string": b"",
    "headers": [],
}


async def visit(application):
    inbox, answers = [{"type": "http.request", "body": b""}], []

    async def receive():
        return inbox.pop() if inbox else await asyncio.Event().wait()

    async def send(message):
        answers.append(message)

    await application(dict(SCOPE), receive, send)
    await asyncio.sleep(0)  # the step of the view ends here
    return answers[0]["status"]


def reported():
    out = io.StringIO()
    call_command("loopwatch_report", "--format", "json", stdout=out)
    return [(finding["blocking_call"], finding["events"]) for finding in json.loads(out.getvalue())["findings"]]


def main():
    folder = Path(__file__).resolve().parent
    settings.configure(
        SECRET_KEY="only for this check",
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.contenttypes", "loopwatch"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.sqlite3"}},
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)

    from loopwatch.asgi import LoopWatch

    status = asyncio.run(visit(LoopWatch(get_asgi_application())))
    if status != 200:
        sys.exit(f"The site answered {status}, not 200.")
    deadline = time.monotonic() + 30
    while not reported() and time.monotonic() < deadline:
        time.sleep(0.1)
    found = reported()
    call_command("migrate", verbosity=0)
    if found != [("time.sleep", 1)] or reported() != found:
        sys.exit(f"Reported were {found}, and {reported()} after another migration, not one time.sleep.")
    print("The stall was stored and reported as time.sleep.")


if __name__ == "__main__":
    main()
