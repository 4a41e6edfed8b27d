"""A probe gets a status and four figures, and nothing else."""

import json
from datetime import UTC, datetime

import pytest

from loopwatch.detection.lookout.http_answer import MOST_BYTES, ProbeFigures, answer, is_complete

SERVING = ProbeFigures(True, None, worst_pause_ms=12.345, loops=1)
BLOCKED = ProbeFigures(False, datetime(2026, 3, 1, 12, tzinfo=UTC), 15_000.0, 2)


def asked(request, figures=SERVING):
    head, _, body = answer(request, figures).partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return status, dict(header.split(": ", 1) for header in headers), body


@pytest.mark.parametrize(
    ("figures", "status", "shown"),
    [
        (SERVING, "HTTP/1.1 200 OK", {"serving": True, "blocked_since": None, "worst_pause_ms": 12.3, "loops": 1}),
        (
            BLOCKED,
            "HTTP/1.1 503 Service Unavailable",
            {
                "serving": False,
                "blocked_since": "2026-03-01T12:00:00.000+00:00",
                "worst_pause_ms": 15_000.0,
                "loops": 2,
            },
        ),
    ],
)
def test_a_probe_is_answered(figures, status, shown):
    said, headers, body = asked(b"GET / HTTP/1.1\r\nHost: pod\r\n\r\n", figures)
    assert (said, json.loads(body)) == (status, shown)
    assert headers == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
    }


def test_any_path_is_answered_alike():
    assert asked(b"GET /healthz?x=1 HTTP/1.0\r\n\r\n") == asked(b"GET / HTTP/1.1\r\n\r\n")


def test_head_gets_no_body():
    status, headers, body = asked(b"HEAD / HTTP/1.1\r\n\r\n")
    assert (status, body) == ("HTTP/1.1 200 OK", b"")
    assert headers == asked(b"GET / HTTP/1.1\r\n\r\n")[1]


REFUSED = [
    pytest.param(b"POST / HTTP/1.1\r\n\r\n", 405, id="another method"),
    pytest.param(b"GET /\r\n\r\n", 400, id="no version"),
    pytest.param(b"GET / SPDY/3\r\n\r\n", 400, id="another protocol"),
    pytest.param(b"\x16\x03\x01\r\n\r\n", 400, id="TLS"),
    pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_BYTES, 431, id="too long"),
]


@pytest.mark.parametrize(("request_", "status"), REFUSED)
def test_anything_else_is_refused_without_figures(request_, status):
    said, headers, body = asked(request_)
    assert (said.split()[1], headers["Content-Length"], body) == (str(status), "0", b"")


@pytest.mark.parametrize(
    ("request_", "complete"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"x" * MOST_BYTES, True),
    ],
)
def test_a_request_is_complete(request_, complete):
    assert is_complete(request_) is complete
