"""The suite on every Python and Django that go together, and with the oldest dependencies allowed: ``make versions``.

``make versions ARGS="--list"`` names the sessions; what follows ``--`` is passed to pytest. An interpreter that is not
on this machine is skipped, and nox says so: ``.ci/later-pythons`` brings those that are newer than most machines.
"""

import json
import os
import re
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = bool(os.environ.get("LOOPWATCH_TESTS_NEED_PYTHONS"))
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).resolve().parent
os.environ["PATH"] = f"{ROOT / '.pythons' / 'usr' / 'bin'}{os.pathsep}{os.environ['PATH']}"

TOGETHER = {
    "3.11": ["5.2"],
    "3.12": ["5.2", "6.0", "6.1"],
    "3.13": ["5.2", "6.0", "6.1"],
    "3.14": ["5.2", "6.0", "6.1"],
    "3.15": ["6.1"],
}
"""The Djangos of each Python: see Django's FAQ, "What Python version can I use with Django?"."""

OLDEST_PYTHON = next(iter(TOGETHER))
MEASURED_PYTHON = "3.14"
"""The oldest on which coverage.py counts branches by ``sys.monitoring``, which hardly slows the tests."""
# In CI, the oldest Python has "make test", the measured one everything but servers, the others what depends on Python.
TAGS = {python: ["interpreter"] for python in TOGETHER} | {OLDEST_PYTHON: [], MEASURED_PYTHON: ["coverage"]}
NEWEST = [nox.param(python, djangos[-1], tags=TAGS[python]) for python, djangos in TOGETHER.items()]
OTHERS = [(python, django) for python, djangos in TOGETHER.items() for django in djangos[:-1]]
WITHOUT_DJANGO = ["tests/detection", "tests/benchmarks", "tests/test_docs.py", "tests/test_package.py"]
counted: list[Path] = []


@nox.session
@nox.parametrize(("python", "django"), NEWEST)
def tests(session: nox.Session, django: str) -> None:
    """Run all tests on one Python, with the newest Django for it; on one Python, measure what they reach."""
    install(session, f"django~={django}.0")
    measured = ["--coverage"] if session.python == MEASURED_PYTHON else []
    run_all_tests(session, f".real-time-{session.python}.json", *measured)


@nox.session
@nox.parametrize(("python", "django"), OTHERS)
def django(session: nox.Session, django: str) -> None:
    """Run what depends on Django and needs no real time, server or browser, with another Django."""
    install(session, f"django~={django}.0")
    session.run("python", "-m", "tests", "--quick", *(f"--ignore={path}" for path in WITHOUT_DJANGO), *session.posargs)


@nox.session(python=OLDEST_PYTHON)
def lowest(session: nox.Session) -> None:
    """Run all tests with the lowest versions that pyproject.toml allows."""
    # Not in nox's folder for temporary files, or the tests' would be there, too, under a path too long for sockets.
    constraints = Path(session.virtualenv.location).resolve() / "lowest.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in lowest_versions()))
    install(session, "--constraint", str(constraints))
    run_all_tests(session, ".real-time-lowest.json")


@nox.session(python="3.14")
def asgiref(session: nox.Session) -> None:
    """Run the tests of thread waits, which hook into asgiref, with its newest release or pre-release."""
    install(session)
    session.install("--upgrade", "--pre", "asgiref")
    session.run("python", "-m", "pytest", "tests/thread_waits", "tests/test_thread_waits.py", *session.posargs)


@nox.session(python=False, tags=["coverage", "interpreter"])
def real_time(session: nox.Session) -> None:
    """Print the real-time counts of the sessions before this one."""
    for path in counted:
        if path.exists():
            totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
            session.log(
                f"{path.stem.removeprefix('.real-time-')}: {', '.join(f'{n} {name}' for name, n in totals.items())}"
            )


def install(session: nox.Session, *arguments: str) -> None:
    session.install("--upgrade", "pip>=25.1")  # which knows dependency groups
    session.install("--editable", ".", "--group", "test", *arguments)


def run_all_tests(session: nox.Session, counts: str, *options: str) -> None:
    path = ROOT / counts
    path.unlink(missing_ok=True)
    counted.append(path)
    session.run("python", "-m", "tests", *options, *session.posargs, env={"LOOPWATCH_TESTS_REAL_TIME": str(path)})


def lowest_versions() -> list[tuple[str, str]]:
    """What the project and its tests ask for, each with its lower bound."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = [
        *project["project"]["dependencies"],
        *(need for extra in project["project"]["optional-dependencies"].values() for need in extra),
        *(need for group in ("demo", "libraries", "test") for need in groups[group] if isinstance(need, str)),
    ]
    found = (re.match(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)", need) for need in asked)
    return sorted({(match[1], match[2]) for match in found if match})
