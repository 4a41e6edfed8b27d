import io
import re
import shlex
import time

import pytest
from django.core.management import CommandError, call_command

from loopwatch.request_tracing.trace_token import threshold_ms_of


def run(*arguments):
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("loopwatch_token", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def token_in(printed):
    return re.match(r"X-Loopwatch-Trace: (\S+)\n", printed)[1]


def test_the_token_is_valid_and_asks_for_two_milliseconds():
    assert threshold_ms_of(token_in(run()[0])) == 2.0


def test_the_curl_command_quotes_the_address_for_the_shell():
    printed, _ = run("https://shop.example/?a=1&b='$(x)")
    words = shlex.split(printed.splitlines()[2])
    assert words[0] == "curl"
    assert words[-1] == "https://shop.example/?a=1&b='$(x)"
    assert f"X-Loopwatch-Trace: {token_in(printed)}" in words


def test_a_token_is_valid_for_the_requested_time(monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    token = token_in(run("--for", "2h", "--threshold", "20")[0])
    for seconds, threshold_ms in ((7195, 20.0), (7205, None)):
        monkeypatch.setattr(time, "time", lambda later=now + seconds: later)
        assert threshold_ms_of(token) == threshold_ms


@pytest.mark.parametrize(
    "arguments",
    [
        ("--for", "0s"),
        ("--for", "8d"),
        ("--for", "10"),
        ("--for", "१m"),
        ("--threshold", "0"),
        ("--threshold", "nan"),
        ("--threshold", "1e9"),
        ("--threshold", "x"),
    ],
)
def test_an_invalid_time_or_threshold_is_refused_with_examples(arguments):
    with pytest.raises(CommandError, match=r"Examples: 30s, 10m, 2h or 1d|between 1 and 60000"):
        run(*arguments)


def test_the_token_command_warns_if_the_header_has_no_effect(settings):
    settings.LOOPWATCH = {"ENABLED": False}
    assert "has no effect" in run()[1]


def test_the_token_command_reports_invalid_settings(settings):
    settings.LOOPWATCH = {"ENABLED": None}
    with pytest.raises(CommandError, match="settings are invalid"):
        run()


def test_the_token_command_reports_a_missing_secret_key(settings):
    settings.SECRET_KEY = ""
    with pytest.raises(CommandError, match="SECRET_KEY"):
        run()
