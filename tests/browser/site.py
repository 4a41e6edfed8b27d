"""Serves the site with a real server, by default Daphne, in a separate process."""

import re

from testproject.demo.ports import LOOPBACK
from tests.support.site import Site

APPLICATION = "tests.browser.asgi:application"
# By default, Daphne hangs up on clients that it has not answered for 5 s, or that have not answered its pings.
PATIENT = ("--websocket_connect_timeout", "600", "--ping-interval", "600")
DAPHNE = ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}", *PATIENT)


class AdminSite(Site):
    """Is one process of the site, on an existing database. ``environment`` can change its settings."""

    def __init__(self, folder, database, **environment):
        super().__init__(
            folder, DJANGO_SETTINGS_MODULE="tests.browser.settings", SITE_DATABASE=str(database), **environment
        )

    def serve(self, *command):
        """Start the server, by default Daphne, and wait until it answers."""
        super().serve(*(command or DAPHNE), ready="/stall/0/")

    @property
    def process_id(self):
        return self.server.pid

    @property
    def tracebacks(self):
        """Return the exceptions of the server's side of the live page, each with the next line of the log."""
        _before, *found = self.log.split("Traceback (most recent call last):")
        return [each for each in found if re.search(r'File "\S+/loopwatch/live/', each)]
