"""The suite on every Python and Django that go together, and with the oldest dependencies allowed: ``make versions``.

``make versions ARGS="--list"`` names the sessions; what follows ``--`` is handed to pytest. An interpreter that is not
on this machine is skipped, and nox says so.
"""

import re
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"

TOGETHER = [
    ("3.11", "5.2"),
    ("3.12", "5.2"),
    ("3.12", "6.0"),
    nox.param("3.12", "6.1", tags=["newest"]),
    ("3.13", "5.2"),
    ("3.13", "6.0"),
    nox.param("3.13", "6.1", tags=["newest"]),
]
"""Django 6 needs Python 3.12: see its FAQ, "What Python version can I use with Django?"."""


@nox.session
@nox.parametrize(("python", "django"), TOGETHER)
def tests(session: nox.Session, django: str) -> None:
    """Run the suite with one Django."""
    install(session, f"django~={django}.0")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the suite with the lowest versions that pyproject.toml allows."""
    constraints = Path(session.create_tmp()).resolve() / "lowest.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in lowest_versions()))
    install(session, "--constraint", str(constraints))
    session.run("python", "-m", "pytest", *session.posargs)


def install(session: nox.Session, *arguments: str) -> None:
    session.install("--upgrade", "pip>=25.1")  # which knows dependency groups
    session.install("--editable", ".", "--group", "test", *arguments)


def lowest_versions() -> list[tuple[str, str]]:
    """What the project and its tests ask for, each with its lower bound."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = [
        *project["project"]["dependencies"],
        *(need for extra in project["project"]["optional-dependencies"].values() for need in extra),
        *(need for group in ("demo", "test") for need in groups[group] if isinstance(need, str)),
    ]
    found = (re.match(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)", need) for need in asked)
    return sorted({(match[1], match[2]) for match in found if match})
