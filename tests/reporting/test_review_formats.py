"""GitHub's annotations, SARIF and the configuration of flake8-async, which show findings in a repository."""

import json

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from loopwatch.reporting.as_flake8_async import render_flake8_async
from loopwatch.reporting.as_github import render_github
from loopwatch.reporting.as_sarif import outside, render_sarif
from loopwatch.reporting.repository import Repository
from loopwatch.rows.stacks import StoredFrame
from tests.reporting.reports import HOSTILE, a_finding, a_report, compared


def frame(filename, function, lineno):
    module = filename.removesuffix(".py").replace("/", ".")
    return StoredFrame(filename, module, function, lineno, lineno, 0, 0, True, "")


@pytest.fixture
def repository(tmp_path, settings):
    """Makes a repository with shop/views.py."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "views.py").write_text("\n" * 40 + "    time.sleep(0.1)\n")
    settings.BASE_DIR = tmp_path
    return Repository(str(tmp_path))


@pytest.mark.parametrize("render", [render_github, render_sarif])
def test_a_result_is_named_by_the_call_and_by_the_detail(render, repository):
    shown = render(a_report(a_finding(called_name="requests.get", blocking_call="socket.recv")), repository)
    assert "requests.get → socket.recv in shop.views.checkout" in shown.replace("\\u2192", "→")


class TestGithub:
    def test_a_finding_is_a_warning_on_its_line(self, repository):
        (line,) = render_github(a_report(a_finding()), repository).splitlines()
        assert line.startswith(
            "::warning title=time.sleep blocks the event loop,file=shop/views.py,line=41::time.sleep in"
        )
        assert "3 times, for up to 120 ms (p95 110 ms)" in line
        assert "7 other requests were delayed by 840 ms in total" in line
        assert "Await asyncio.sleep()" in line

    def test_a_warning_says_how_many_requests_were_kept_out(self, repository):
        kept_out = {"requests_kept_out": 97, "kept_out_ms": 4_000.0}
        (line,) = render_github(a_report(a_finding(**kept_out)), repository).splitlines()
        assert "About 97 requests were kept out meanwhile, for 4.0 s in total (estimate)." in line

    def test_a_finding_outside_of_the_repository_has_no_line(self, repository):
        (line,) = render_github(a_report(a_finding(filename="asgiref/sync.py")), repository).splitlines()
        assert line.startswith("::warning title=time.sleep blocks the event loop::")
        assert line.endswith("outside of the repository: asgiref/sync.py:41")

    def test_of_a_comparison_what_is_new_or_worse_is_warned_of(self, repository):
        assert len(render_github(compared(), repository).splitlines()) == 2
        assert render_github(compared(a_finding(status="ignored")), repository) == ""


class TestSarif:
    def run(self, report, repository):
        document = json.loads(render_sarif(report, repository))
        Sarif.model_validate(document)
        (run,) = document["runs"]
        return run

    def test_a_finding_is_a_result_on_its_line(self, repository):
        run = self.run(a_report(a_finding()), repository)
        (result,) = run["results"]
        assert result["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "shop/views.py", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 41},
        }
        assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
        assert "%SRCROOT%" in run["originalUriBaseIds"]
        assert result["partialFingerprints"] == {"loopwatchFinding/v1": "f" * 32}
        assert str(repository.root) not in json.dumps(run)

    def test_a_finding_outside_of_the_repository_is_a_notification_and_no_result(self, repository):
        elsewhere = a_finding(filename="asgiref/sync.py")
        report = a_report(elsewhere, a_finding(filename=""), a_finding())
        run = self.run(report, repository)
        assert len(run["results"]) == 1
        told = run["invocations"][0]["toolExecutionNotifications"]
        assert "(asgiref/sync.py:41)" in told[0]["message"]["text"]
        assert "no file is known" in told[1]["message"]["text"]
        assert outside(report, repository) == list(report.findings[:2])

    def test_a_comparison_is_a_baseline(self, repository):
        results = self.run(compared(), repository)["results"]
        states = ["new", "updated", "absent", "updated", "unchanged"]
        assert [result["baselineState"] for result in results] == states
        assert (
            "90 times, for up to 100 ms (p95 100 ms), 9.0 s in total. It has not been seen since."
            in (results[2]["message"]["text"])
        )

    def test_what_is_ignored_is_suppressed(self, repository):
        (result,) = self.run(a_report(a_finding(status="ignored")), repository)["results"]
        assert result["suppressions"] == [{"kind": "external"}]

    def test_a_stack_is_the_way_through_the_repository_to_the_call(self, repository):
        frames = [
            frame("shop/views.py", "buy", 7),
            frame("asgiref/sync.py", "main", 9),
            frame("shop/views.py", "checkout[0]", 41),
        ]
        report = a_report(a_finding(), a_finding(fingerprint="other"))
        document = json.loads(render_sarif(report, repository, {"f" * 32: frames}))
        Sarif.model_validate(document)
        result, other = document["runs"][0]["results"]
        ((flow,),) = [each["threadFlows"] for each in result["codeFlows"]]
        steps = [step["location"] for step in flow["locations"]]
        assert [step["message"]["text"] for step in steps] == ["shop.views.buy", r"shop.views.checkout\[0\]"]
        assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [7, 41]
        assert "codeFlows" not in other

    def test_a_stack_without_a_frame_in_the_repository_is_no_flow(self, repository):
        text = render_sarif(a_report(a_finding()), repository, {"f" * 32: [frame("asgiref/sync.py", "main", 9)]})
        assert "codeFlows" not in text

    def test_of_a_recursion_the_innermost_steps_are_shown(self, repository):
        frames = [frame("shop/views.py", f"f{number}", 7) for number in range(2_000)]
        document = json.loads(render_sarif(a_report(a_finding()), repository, {"f" * 32: frames}))
        steps = document["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
        assert [steps[0]["location"]["message"]["text"], len(steps)] == ["shop.views.f1900", 100]

    def test_paths_are_uri_references(self, repository):
        folder = repository.root / "ein Läd:en #1"
        folder.mkdir()
        (folder / "views.py").write_text("\n" * 50)
        (result,) = self.run(a_report(a_finding(filename="ein Läd:en #1/views.py")), repository)["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri == "ein%20L%C3%A4d%3Aen%20%231/views.py"

    @pytest.mark.parametrize(
        "report",
        [
            a_report(),
            a_report(stored=0),
            a_report(a_finding(blocking_call=HOSTILE, function=HOSTILE, events=0, lineno=0, cause=HOSTILE)),
        ],
    )
    def test_odd_reports_are_valid_sarif(self, repository, report):
        self.run(report, repository)


class TestFlake8Async:
    @pytest.fixture(autouse=True)
    def bank(self, repository):
        lines = ["async def pay():", "    charge(1)", "def charge(total):", "    time.sleep(total)"]
        (repository.root / "shop" / "bank.py").write_text("\n".join(lines))

    def test_a_plain_function_that_blocks_is_named_once(self, repository):
        charge = a_finding(function="shop.bank.charge", filename="shop/bank.py", lineno=4, source="time.sleep(total)")
        assert render_flake8_async(a_report(charge, charge), repository).splitlines() == [
            "[flake8]",
            "async200-blocking-calls =",
            "    shop.bank.charge -> asyncio.to_thread(shop.bank.charge),",
        ]

    @pytest.mark.parametrize(
        "columns",
        [
            {"function": "shop.bank.pay", "lineno": 2, "source": "charge(1)"},
            {"function": "shop.bank.charge.<locals>.again"},
            {"function": HOSTILE},
            {"filename": "asgiref/sync.py"},
        ],
    )
    def test_coroutine_functions_and_what_cannot_be_named_are_left_out(self, repository, columns):
        charge = {
            "function": "shop.bank.charge",
            "filename": "shop/bank.py",
            "lineno": 4,
            "source": "time.sleep(total)",
        }
        report = a_report(a_finding(**charge | columns))
        assert render_flake8_async(report, repository) == "[flake8]\nasync200-blocking-calls ="
