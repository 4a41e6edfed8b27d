"""Serves the site with a real server, by default Daphne, in a process of its own."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from testproject.demo.ports import LOOPBACK, any_free

ROOT = Path(__file__).resolve().parent.parent.parent
WITHIN_S = 90
APPLICATION = "tests.browser.asgi:application"
DAPHNE = ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}")

_open = build_opener(ProxyHandler({})).open


class Site:
    """One process of the site, on a database that exists; ``environment`` may say more to its settings."""

    def __init__(self, folder, database, **environment):
        self.port = any_free()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self._log = folder / f"server-{self.port}.log"
        self._environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "SITE_DATABASE": str(database),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._process = None

    def start(self, *command):
        """Run ``python -m <command>``, with the port in place of ``{port}``, and wait until it answers."""
        server = [sys.executable, "-m", *(part.format(port=self.port) for part in command or DAPHNE)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(server, env=self._environment, stdout=log, stderr=log, cwd=ROOT)
        deadline = time.monotonic() + WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def stop(self):
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(WITHIN_S)
            finally:
                self._process.kill()

    @property
    def process_id(self):
        return self._process.pid

    def get(self, path):
        """The text of a page."""
        with _open(self.address + path, timeout=WITHIN_S) as response:
            return response.read().decode()

    @property
    def log(self):
        return self._log.read_text(encoding="utf-8")

    @property
    def tracebacks(self):
        """What the live page's half of the server raised, each with what the log says next."""
        _before, *found = self.log.split("Traceback (most recent call last):")
        return [each for each in found if re.search(r'File "\S+/loopwatch/live/', each)]

    def _answers(self):
        try:
            return self.get("/stall/0/") == "ok"
        except OSError:
            return False
