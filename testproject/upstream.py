"""The outside world of the bookshop: an exchange-rate service, a chat moderator and a warehouse, all of them slow.

Run as ``python -m testproject.upstream PORT``; it listens on loopback only.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER_AFTER_S = 0.24
RATES = {"EUR": 1.17, "USD": 1.34, "NOK": 13.6}
UNWELCOME = ("spam", "lottery", "bitcoin")


class SlowAnswers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(ANSWER_AFTER_S)
        answers = {"/rates/": RATES, "/warehouse/": {"copies": 4711}}
        self.answer(answers.get(self.path))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace").lower()
        time.sleep(ANSWER_AFTER_S)
        self.answer({"welcome": not any(word in text for word in UNWELCOME)})

    def answer(self, content: object | None) -> None:
        body = json.dumps(content).encode()
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing: what matters is in the site's own log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SlowAnswers).serve_forever()
