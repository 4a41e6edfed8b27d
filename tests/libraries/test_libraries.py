"""Mistakes made with real libraries are found under the names that help, by every server; their twins are not."""

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from loopwatch.advice.match import advice_for
from loopwatch.detection.calls import Cause
from testproject.demo.ports import LOOPBACK
from tests.conftest import RUNNING
from tests.libraries.mistakes import MISTAKES
from tests.support.site import WITHIN_S, Site, copy_sqlite
from tests.support.waiting import TooLateError, wait_until
from tests.support.witness import Witness

pytestmark = [pytest.mark.real_time, pytest.mark.servers, pytest.mark.postgresql]

APPLICATION = "tests.libraries.site.asgi:application"
COMMANDS = {
    "daphne": ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}"),
    "uvicorn": ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning"),
}
EVENTS = """
    SELECT finding.called_name, finding.blocking_call, finding.function, event.filename, event.lineno, event.route,
           finding.cause, event.exact, event.leaf_name
    FROM loopwatch_blockingevent AS event JOIN loopwatch_finding AS finding ON finding.id = event.finding_id
    ORDER BY event.id
"""
LAST = "stall/"
open_url = build_opener(ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class Event:
    called_name: str
    blocking_call: str
    function: str
    filename: str
    lineno: int
    route: str
    cause: str
    exact: bool
    leaf_name: str


class LibrariesSite(Site):
    def visit(self, path, body=""):
        request = Request(self.address + path, body.encode() or None, {"Content-Type": "application/json"})
        with open_url(request, timeout=WITHIN_S) as response:
            return response.read()

    def events(self):
        with closing(sqlite3.connect(self.environment["SITE_DATABASE"], timeout=WITHIN_S)) as connection:
            return [Event(*row) for row in connection.execute(EVENTS)]


@pytest.fixture(scope="module")
def services(request, redis_port, migrated, tmp_path_factory):
    """What the site's settings read, with the services it talks to served."""
    folder = tmp_path_factory.mktemp("libraries")
    postgresql = request.config.stash[RUNNING]["postgresql"].settings
    connection = {"host": postgresql["HOST"], "user": postgresql["USER"], "dbname": postgresql["NAME"]}
    with Site(folder) as upstream:
        upstream.serve("tests.libraries.upstream", "{port}")
        yield {
            "SITE_UPSTREAM": upstream.address,
            "SITE_REDIS_PORT": str(redis_port),
            "SITE_POSTGRESQL": json.dumps(connection),
        }


@pytest.fixture(scope="module", params=COMMANDS)
def site(request, services, migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    database = copy_sqlite(migrated, folder / "site.sqlite3")["NAME"]
    settings = {"DJANGO_SETTINGS_MODULE": "tests.libraries.site.settings", "SITE_DATABASE": database}
    with LibrariesSite(folder, **services, **settings) as site:
        site.serve(*COMMANDS[request.param])
        yield site


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.library)
def test_a_mistake_is_found_as_an_engineer_would_name_it_and_its_twin_is_not(site, mistake, real_time):
    for run in real_time.runs():
        known = len(site.events())
        with Witness(site.server.pid) as witness:
            site.visit(mistake.path, mistake.body)
        site.visit(mistake.fixed_path, mistake.fixed_body)
        events = [event for event in everything_stored(site)[known:] if event.route != LAST]
        held = [event for event in events if event.cause == Cause.GIL_HELD]  # by the twin, in its thread
        blocked = [event for event in events if event not in held]
        wrong = [part for event in blocked for part in wrong_parts(event, mistake)]
        wrong += ["holder" for event in held if not event.function.startswith(mistake.module)]
        if len(blocked) == 1 and not wrong:
            run.exact()
        elif len(blocked) > 1 or "holder" in wrong or (wrong and (blocked[0].exact or wrong != ["detail"])):
            run.false(f"{mistake.library}, {wrong}: {events}")
        else:
            run.inexact(witness, f"{mistake.library}: {events}")


def wrong_parts(event, mistake):
    advice = advice_for(
        event.blocking_call, cause=event.cause, called_name=event.called_name, leaf_name=event.leaf_name
    )
    right = {
        "function": event.function == mistake.qualified_function,
        "call": mistake.is_whole or event.called_name == mistake.called_name,
        "detail": not mistake.details or event.blocking_call in mistake.details,
        "line": mistake.is_whole or (event.filename.endswith(mistake.filename.name) and event.lineno == mistake.lineno),
        "route": event.route == mistake.path.removeprefix("/"),
        "cause": event.cause == mistake.cause,
        "advice": advice.topic == mistake.advice,
    }
    return [part for part, is_right in right.items() if not is_right]


def everything_stored(site):
    """All events, once a stall that was made last is stored."""
    before = made_last(site)
    while made_last(site) == before:  # on a busy machine it may have been the machine's
        site.visit(f"/{LAST}")
        with suppress(TooLateError):
            wait_until(lambda: made_last(site) > before, within_s=3)
    return site.events()


def made_last(site):
    return sum(event.route == LAST for event in site.events())
