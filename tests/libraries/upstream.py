"""The services that the site asks, which are slow: ``python -m tests.libraries.upstream PORT`` listens on loopback."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from testproject.demo.ports import LOOPBACK

ANSWER_AFTER_S = 0.2


class SlowAnswers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(ANSWER_AFTER_S)
        self.answer(json.dumps({"EUR": 1.17}).encode())

    def do_PUT(self):
        """Take an object, as a bucket does."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(ANSWER_AFTER_S)
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer((LOOPBACK, int(sys.argv[1])), SlowAnswers).serve_forever()
