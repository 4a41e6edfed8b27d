"""Reads the command line, the ini file and the markers. Every mistake is a usage error that names the valid values."""

from pathlib import Path

import pytest

from loopwatch.detection.strict.allow_rules import Rule, RuleError
from loopwatch.testing import baseline
from loopwatch.testing.finding import Channel
from loopwatch.testing.judge import Judge
from loopwatch.testing.options import MarkerError, Options

NAME = "loopwatch"
"""The name of the marker and of the fixture."""
PHASES = ("setup", "call", "teardown")
_SELECTING = ("keyword", "markexpr", "lf", "stepwise", "stepwise_skip", "deselect", "ignore", "ignore_glob")


def project_options(config: pytest.Config) -> Options:
    """Return the options of tests without a marker."""
    given = config.option.loopwatch_threshold_ms
    written = config.getini("loopwatch_threshold_ms")
    try:
        threshold_ms = float(written) if given is None else given
        is_strict = Channel.STRICT in channels(config)
        options = Options(threshold_ms, config.getini("loopwatch_engine"), strict=is_strict)
        options.check()
    except MarkerError as error:
        raise pytest.UsageError(f"loopwatch: {error}") from None
    except ValueError:
        raise pytest.UsageError(f"loopwatch_threshold_ms must be a number of milliseconds, not {written!r}") from None
    return options


def options_of(item: pytest.Item, project: Options) -> Options:
    """Return the options of one test. The marker nearest to the test wins; rules add up.

    Raises ``MarkerError``.
    """
    options = project
    for node, mark in reversed(list(item.iter_markers_with_node(NAME))):
        try:
            options = options.with_marker(mark.args, mark.kwargs, owner=node.nodeid.partition("[")[0])
        except MarkerError as error:
            raise MarkerError(f"{item.nodeid}: marker loopwatch: {error}") from None
    return options


def judge(config: pytest.Config) -> Judge:
    path, is_updating = baseline_path(config), config.option.loopwatch_update_baseline
    if is_updating and path is None:
        raise pytest.UsageError("--loopwatch-update-baseline needs --loopwatch-baseline FILE")
    if is_updating and not channels(config):
        raise pytest.UsageError("--loopwatch-update-baseline needs --loopwatch, --loopwatch-strict or both")
    try:
        known = baseline.NOTHING_KNOWN if is_updating or path is None else baseline.read(path)
    except baseline.BaselineError as error:
        raise pytest.UsageError(f"loopwatch: {error}") from None
    return Judge(
        _rules(config, "loopwatch_allow"), _rules(config, "loopwatch_strict_allow"), known, updates_baseline=is_updating
    )


def _rules(config: pytest.Config, name: str) -> tuple[Rule, ...]:
    try:
        return tuple(map(Rule.parse, config.getini(name)))
    except RuleError as error:
        raise pytest.UsageError(f"{name}: {error}") from None


def channels(config: pytest.Config) -> frozenset[Channel]:
    """Return what every test is watched for."""
    options = {Channel.STALL: "loopwatch", Channel.STRICT: "loopwatch_strict"}
    return frozenset(channel for channel, name in options.items() if config.getoption(name) or config.getini(name))


def phases(config: pytest.Config) -> frozenset[str]:
    chosen = config.getini("loopwatch_phases")
    for phase in chosen:
        if phase not in PHASES:
            raise pytest.UsageError(f"loopwatch_phases: unknown phase {phase!r}: {', '.join(PHASES)}")
    return frozenset(chosen)


def baseline_path(config: pytest.Config) -> Path | None:
    """Return the path: relative to the current folder on the command line, to its own folder in the ini file."""
    if config.option.loopwatch_baseline:
        return config.invocation_params.dir / str(config.option.loopwatch_baseline)
    written = config.getini("loopwatch_baseline")
    return (config.inipath.parent if config.inipath else config.rootpath) / written if written else None


def json_path(config: pytest.Config) -> Path | None:
    path = config.option.loopwatch_json
    if not path:
        return None
    absolute = config.invocation_params.dir / str(path)
    if not absolute.parent.is_dir() or absolute.is_dir():
        raise pytest.UsageError(f"--loopwatch-json {path}: cannot write a file there")
    return absolute


def is_selection(config: pytest.Config) -> bool:
    """Return whether an option leaves tests out, or single tests or files were named; ``addopts`` counts too.

    In the controller of xdist this is all that is known, because only its workers deselect tests.
    """
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else ()
    return any(getattr(config.option, name, None) for name in _SELECTING) or any(
        "::" in given or given.endswith(".py") for given in named
    )


def is_whole(config: pytest.Config) -> bool:
    """Return whether the run covers every folder of tests that pytest knows of."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return True
    named = {(config.invocation_params.dir / given).resolve() for given in config.args}
    patterns = config.getini("testpaths")
    folders = [path.resolve() for pattern in patterns for path in config.rootpath.glob(pattern)] or [config.rootpath]
    return all(not named.isdisjoint((path, *path.parents)) for path in folders)
