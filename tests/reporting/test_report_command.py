import io
import json
import sys
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import connections
from django.utils.timezone import override

from loopwatch.reporting.formats import FORMATS
from tests.stored import NOON, stored_event, stored_finding, stored_health, stored_hour, stored_stack
from tests.support.children import ROOT


def run(*arguments, **options):
    stdout = io.StringIO()
    call_command("loopwatch_report", *arguments, stdout=stdout, **options)
    return stdout.getvalue()


@pytest.mark.django_db
class TestText:
    def test_text_has_every_figure_and_name(self):
        finding = stored_finding(events=1_234, blocked_us=184_000_000, longest_us=1_200_000, requests_delayed=37)
        stored_hour(finding, *[45] * 20)
        with override("Europe/Berlin"):
            text = run()
        for part in ("3 min 4 s", "1,234", "1.2 s", "37", "2026-11-01 13:05", "time.sleep", "in shop.views.checkout"):
            assert part in text
        assert "shop/views.py:41" in text
        assert "GET shop/<int:pk>/" in text

    def test_the_period_is_said_in_whole_hours(self):
        stored_hour(stored_finding(), 60)
        with override("Europe/Berlin"):
            assert "Since 2026-11-01 13:00 CET" in run("--since", "2026-11-01T13:59")

    @pytest.mark.parametrize("columns", [40, 80, 200])
    def test_a_compact_report_has_one_line_for_each_finding_with_its_whole_place(self, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        for number in range(3):
            finding = stored_finding(
                function="shop.orders.checkout.views.Checkout.pay",
                blocking_call=f"cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC.derive_{number}\x1b[2J",
                lineno=1000 + number,
                delay_us=number * 9_000_000,
            )
            stored_hour(finding, 60, route="checkout/<int:pk>/pay/")
        lines = run("--compact").splitlines()
        rows = lines[lines.index("") + 2 : lines.index("") + 5]
        assert [row.split()[0] for row in rows] == ["18", "9.1", "100"]
        assert max(map(len, rows)) <= columns
        assert "\x1b" not in "".join(lines)
        places = [f"shop/views.py:{1000 + number}" for number in (2, 1, 0)]
        assert columns == 40 or all(place in row for place, row in zip(places, rows, strict=True))
        assert ("GET checkout/<int:pk>/pay/" in rows[0]) is (columns == 200)

    def test_a_compact_report_without_findings_is_the_headline(self):
        stored_finding(status="resolved")
        assert "Impact" not in run("--compact")

    def test_wide_terminals_have_the_names_beside_the_figures(self, monkeypatch):
        stored_finding()
        monkeypatch.setenv("COLUMNS", "80")
        narrow = run()
        monkeypatch.setenv("COLUMNS", "160")
        assert len(run().splitlines()) < len(narrow.splitlines())

    def test_routes_that_do_not_fit_are_counted(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        finding = stored_finding()
        for number in range(5):
            stored_hour(finding, 60 + number, route=f"shop/{number}/{'long/' * 8}")
        assert "GET shop/4/" in run()
        assert "+ 4 more" in run()

    def test_requests_kept_out_stand_beside_those_in_flight_with_an_explanation(self):
        stored_finding(requests_delayed=3, requests_kept_out=97)
        text = run()
        assert " 3 + ~97 " in text
        assert "requests kept out (~, an estimate)" in text

    def test_without_requests_kept_out_nothing_is_explained(self):
        stored_finding(requests_delayed=3)
        assert "estimate" not in run()

    def test_events_without_a_route_are_mentioned(self):
        finding = stored_finding()
        stored_hour(finding, 60, route="shop/")
        stored_hour(finding, 60, 60, method="", route="")
        assert "[2 events without a route]" in run()

    def test_a_limited_report_says_how_many_findings_it_shows(self):
        for _ in range(3):
            stored_finding()
        assert "2 of 3 findings shown" in run("--limit", "2")
        assert "shown" not in run("--limit", "3")

    def test_marks_tell_what_is_special(self):
        stored_finding(reopened_at=NOON, exact=False)
        stored_finding(blocking_call="shop.views.checkout", exact=False)
        stored_finding(status="ignored")
        stored_finding(blocking_call="json.dumps", cause="GIL held by a thread")
        text = run("--status", "all")
        assert "time.sleep [reopened] [likely]" in text
        assert "shop.views.checkout [function only]" in text
        assert "time.sleep [ignored]" in text
        assert "json.dumps [GIL held by a thread]" in text

    def test_a_function_that_is_its_own_blocking_call_is_named_once(self):
        stored_finding(blocking_call="shop.views.checkout")
        assert run().count("shop.views.checkout") == 1

    def test_an_empty_store_says_what_to_check(self):
        text = run()
        for part in ("LoopWatch(get_asgi_application())", "ENABLED", "traffic", "--database"):
            assert part in text

    def test_the_footer_adds_up_what_the_processes_said_of_themselves(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "400")
        stored_finding()
        assert "Recorded by" not in run()
        stored_health(seen=1_000, stored=1_000)
        assert run().endswith("\n\nRecorded by 1 process in the last 7 days: 1,000 stalls detected, 1,000 stored.\n")
        errors = {"callback": 2, "database": 1}
        stored_health(seen=20, stored=9, thinned=1, withheld=2, dropped=3, pending=6, undelivered=4, errors=errors)
        stored_health(errors={"database": 4})
        assert run().splitlines()[-1] == (
            "Recorded by 3 processes in the last 7 days: 1,020 stalls detected, 1,009 stored, "
            "1 counted without details, 2 withheld by REDACT, 6 waiting to be written, 3 lost, "
            "4 not delivered to a slow sink. Errors: database 5, callback 2."
        )

    def test_the_footer_keeps_to_the_terminals_width(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "50")
        stored_health(seen=20, stored=9, thinned=1, withheld=2, dropped=3, pending=6, undelivered=4)
        footer = run().partition("Recorded by")[2].splitlines()
        assert len(footer) > 2
        assert max(map(len, footer)) <= 50

    def test_nothing_that_matches_is_not_an_empty_store(self):
        stored_finding(status="resolved")
        assert "No open findings (1 finding stored" in run()

    def test_a_pipe_is_plain_unless_colour_is_forced(self):
        stored_finding()
        assert "\x1b[" not in run()
        assert "\x1b[" in run(force_color=True)

    def test_what_a_program_captures_inside_a_terminal_is_plain(self, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        stored_finding()
        monkeypatch.setattr(sys, "stdout", Terminal())
        assert "\x1b[" not in run()


@pytest.mark.django_db
class TestJson:
    def test_the_object_is_the_documented_one(self):
        finding = stored_finding(events=2, blocked_us=150_000, function="shop.名前")
        stored_hour(finding, 50, 100)
        document = json.loads(run("--format", "json"))
        assert document.keys() == {"generated_at", "since", "totals", "findings", "thread_waits"}
        assert datetime.fromisoformat(document["generated_at"]).utcoffset() == timedelta(0)
        assert document["since"] is None
        assert document["totals"] == {"findings": 1, "events": 2, "blocked_ms": 150.0}
        (row,) = document["findings"]
        assert row["fingerprint"] == finding.fingerprint
        assert (row["blocking_call"], row["function"]) == ("time.sleep", "shop.名前")
        assert (row["filename"], row["lineno"], row["status"]) == ("shop/views.py", 41, "open")
        assert (row["events"], row["blocked_ms"], row["longest_ms"]) == (2, 150.0, 100.0)
        assert 50 < row["p95_ms"] <= 100
        assert datetime.fromisoformat(row["first_seen"]) == NOON
        assert datetime.fromisoformat(row["last_seen"]) == NOON + timedelta(minutes=5)
        assert row["routes"] == ["GET shop/<int:pk>/"]

    def test_since_is_reported_as_the_hour_it_begins_in(self):
        document = json.loads(run("--format", "json", "--since", "2026-11-01T12:34:56Z"))
        assert datetime.fromisoformat(document["since"]) == NOON
        assert document["findings"] == []


@pytest.mark.django_db
class TestOptions:
    def test_findings_can_be_grouped(self):
        stored_hour(stored_finding(), 60)
        document = json.loads(run("--format", "json", "--group-by", "route"))
        assert [group["route"] for group in document["groups"]] == ["GET shop/<int:pk>/"]

    def test_a_comparison_has_findings_of_any_status(self):
        stored_hour(stored_finding(status="resolved"), 60, release="1.4")
        stored_hour(stored_finding(), 60, release="1.5")
        assert "From 1.4 to 1.5: 1 new, 0 worse, 1 gone" in run("--compare", "1.4", "1.5")
        assert "1 new, 0 worse, 0 gone" in run("--compare", "1.4", "1.5", "--status", "open")

    @pytest.mark.parametrize("name", FORMATS)
    def test_every_format_prints_a_report_and_an_empty_one(self, name):
        run("--format", name)
        stored_event(stored_finding(), stacks=stored_stack(("shop/views.py", "checkout", 41, 4, 20, True, "")))
        assert run("--format", name) or name in {"github", "patch"}

    @pytest.mark.parametrize("name", ["speedscope", "collapsed"])
    def test_flame_graphs_are_of_the_findings_listed_and_say_of_how_many_events(self, name):
        stack = stored_stack(("shop/views.py", "checkout", 41, 4, 20, True, ""))
        listed, other = stored_finding(blocked_us=900_000), stored_finding()
        stored_event(listed, stacks=stack, leaf_name="listed")
        stored_event(other, stacks=stack, leaf_name="other")
        stderr = io.StringIO()
        text = run("--format", name, "--limit", "1", stderr=stderr)
        assert ("listed" in text, "other" in text) == (True, False)
        assert stderr.getvalue() == "Merged from the stacks of 1 event, of those that are kept.\n"

    def test_a_flame_graph_is_of_so_many_findings_at_most_and_says_so(self, monkeypatch):
        monkeypatch.setattr("loopwatch.reporting.formats.FINDINGS_MERGED", 1)
        for _ in range(2):
            stored_finding()
        stderr = io.StringIO()
        run("--format", "collapsed", stderr=stderr)
        assert "of the first 1 findings: choose fewer" in stderr.getvalue()

    def test_findings_that_sarif_leaves_out_are_listed_beside_it(self):
        for _ in range(12):
            stored_finding(filename="asgiref/sync.py")
        stderr = io.StringIO()
        assert json.loads(run("--format", "sarif", stderr=stderr))["runs"][0]["results"] == []
        heading, first, *_, last = stderr.getvalue().splitlines()
        assert heading.startswith(f"12 findings outside of the repository {ROOT}")
        assert first == "  time.sleep in shop.views.checkout (asgiref/sync.py:41)"
        assert last == "  and 2 more"

    def test_sarif_has_the_stack_of_the_newest_event(self, tmp_path, settings):
        settings.BASE_DIR = tmp_path
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "views.py").write_text("time.sleep(0.1)\n" * 50)
        finding = stored_finding()
        for function, minute in (("older", 0), ("newest", 1)):
            stack = stored_stack(("shop/views.py", function, 41, 4, 20, True, ""))
            stored_event(finding, stacks=stack, exact=False, started_at=NOON + timedelta(minutes=minute))
        (result,) = json.loads(run("--format", "sarif"))["runs"][0]["results"]
        (step,) = result["codeFlows"][0]["threadFlows"][0]["locations"]
        assert step["location"]["message"]["text"] == "shop.views.newest"

    def test_what_flake8_async_cannot_name_is_counted(self):
        stored_finding(filename="asgiref/sync.py")
        stderr = io.StringIO()
        assert run("--format", "flake8-async", stderr=stderr) == "[flake8]\nasync200-blocking-calls =\n"
        assert stderr.getvalue().startswith("1 finding left out: ")

    def test_the_report_can_be_written_to_a_file(self, tmp_path):
        stored_finding(function="shop.名前")
        assert run("--output", str(tmp_path / "report.txt"), force_color=True) == ""
        written = (tmp_path / "report.txt").read_text(encoding="utf-8")
        assert written == run()
        assert "shop.名前" in written


@pytest.mark.django_db
class TestFailing:
    def test_findings_that_fail_are_listed_after_the_report(self):
        for number in range(12):
            stored_finding(blocked_us=100 - number, function=f"view_{number}")
        stdout, stderr = io.StringIO(), io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("loopwatch_report", "--fail-on", "any", stdout=stdout, stderr=stderr)
        assert ended.value.code == 1
        assert "12 open findings" in stdout.getvalue()
        lines = stderr.getvalue().splitlines()
        assert lines[0] == "12 findings fail:"
        assert lines[1] == "  time.sleep in view_0 (seen, up to 100 ms)"
        assert lines[-1] == "  and 2 more"

    def test_no_name_is_a_command_to_the_terminal(self):
        stored_finding(function="shop\x1b[2J\n::error::")
        stderr = io.StringIO()
        with pytest.raises(SystemExit):
            run("--fail-on", "any", "--format", "sarif", stderr=stderr)
        assert "\x1b" not in stderr.getvalue()
        assert "\n::" not in stderr.getvalue()

    @pytest.mark.parametrize(("limit", "fails"), [("100ms", True), ("0.1s", True), ("100.5 ms", False), ("1s", False)])
    def test_a_limit_alone_is_for_any_finding(self, limit, fails):
        stored_finding(longest_us=100_000)
        if fails:
            with pytest.raises(SystemExit, match="1"):
                run("--fail-over", limit)
        else:
            run("--fail-over", limit)

    def test_a_report_in_which_no_finding_fails_is_a_success(self):
        stored_finding()
        run("--fail-on", "regressed", "--fail-on", "new", "--since", "1h")

    def test_a_file_is_written_though_the_report_fails(self, tmp_path):
        stored_finding()
        with pytest.raises(SystemExit):
            run("--fail-on", "any", "--output", str(tmp_path / "report.txt"))
        assert "time.sleep" in (tmp_path / "report.txt").read_text(encoding="utf-8")


@pytest.mark.django_db
class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "advice"),
        [
            (["--compare", "1.4", "1.4"], "two different releases"),
            (["--compare", "1.4", "1.5"], r"1\.4.*Known are.*1\.3"),
            (["--compare", "1.4", "1.5", "--group-by", "route"], "omit --group-by"),
            (["--compare", "1.4", "1.5", "--format", "speedscope"], "cannot show a comparison"),
            (["--group-by", "route", "--format", "sarif"], "omit --group-by"),
            (["--group-by", "host", "--status", "open"], "omit --status"),
            (["--group-by", "host", "--fail-on", "any"], "--fail-on"),
            (["--group-by", "route", "--sort", "last-seen"], "choose another order"),
            (["--fail-on", "new"], "--since WHEN or --compare"),
            (["--fail-over", "fast"], r"'fast' is not a duration\. Examples: 100ms"),
            (["--fail-over", "100"], "100ms"),
            (["--format", "sarif", "--repository", "/nowhere"], "is not a directory"),
            (["--format", "patch", "--repository", "x" * 5_000], "is not a directory"),
            (["--output", "/nowhere/report.txt"], r"cannot write '/nowhere/report\.txt': .*No such file"),
            (["--output", "a\0b"], "cannot write"),
            (["--compact", "--format", "json"], "omit --group-by, --compare, --format"),
            (["--compact", "--group-by", "route"], "omit --group-by"),
            (["--watch"], "needs a terminal"),
            (["--watch", "0"], "0.5 to 3600"),
            (["--watch", "nan"], "0.5 to 3600"),
            (["--watch", "--format", "json"], "omit --format json"),
            (["--watch", "--output", "report.txt"], "omit --output"),
            (["--watch", "--fail-over", "1s"], "omit --fail-on"),
        ],
    )
    def test_invalid_options_are_refused_with_a_remedy(self, arguments, advice):
        stored_hour(stored_finding(), 60, release="1.3")
        with pytest.raises(CommandError, match=advice):
            run(*arguments)

    def test_an_invalid_since_is_refused_with_the_accepted_forms(self):
        with pytest.raises(CommandError, match=r"yesterday-ish.*30m, 24h, 7d"):
            run("--since", "yesterday-ish")

    @pytest.mark.parametrize("limit", ["0", "-3"])
    def test_a_limit_must_be_positive(self, limit):
        with pytest.raises(CommandError, match="at least 1"):
            run("--limit", limit)

    @pytest.mark.parametrize("arguments", [["--limit", "many"], ["--sort", "name"], ["--status", "gone"]])
    def test_options_know_their_values(self, arguments):
        with pytest.raises(CommandError, match="invalid"):
            run(*arguments)

    def test_wrong_settings_are_an_error(self, settings):
        settings.LOOPWATCH = {"TRESHOLD_MS": 20}
        with pytest.raises(CommandError, match=r"TRESHOLD_MS.*THRESHOLD_MS"):
            run()

    def test_an_unknown_database_is_named(self):
        with pytest.raises(CommandError, match="'elsewhere'"):
            run("--database", "elsewhere")


@pytest.fixture
def another_database(tmp_path, django_db_blocker):
    """Adds a second database to DATABASES, and returns the path of its SQLite file."""
    path = tmp_path / "other.sqlite3"
    connections.databases["other"] = connections.databases["default"] | {"NAME": path}
    with django_db_blocker.unblock():
        yield path
        connections["other"].close()
    del connections["other"]
    del connections.databases["other"]


def test_missing_tables_ask_for_migrate(another_database):
    with pytest.raises(CommandError, match=r"run manage\.py migrate loopwatch --database other\."):
        run("--database", "other")


def test_a_database_that_cannot_be_read_says_why(another_database):
    another_database.write_bytes(b"this is no database" * 100)
    with pytest.raises(CommandError, match=r"Cannot use the database .*not a database"):
        run("--database", "other")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 0), (["--fail-on", "any"], 1), (["--fail-on", "regressed"], 0), (["--limit", "0"], 2), (["--limit", "x"], 2)],
)
def test_the_exit_status_is_a_contract(arguments, status):
    stored_finding()
    ended = None
    try:
        execute_from_command_line(["manage.py", "loopwatch_report", *arguments])
    except SystemExit as exit_:
        ended = exit_.code
    assert (ended or 0) == status
