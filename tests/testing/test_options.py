"""The arguments of a marker."""

import pytest

from loopwatch.testing.options import MarkerError, Options


def marked(options=Options(), /, *positional, **named):  # noqa: B008 - a constant
    return options.with_marker(positional, named, owner="test_shop.py::TestPay")


def test_a_marker_changes_only_the_options_it_names():
    assert marked(Options(threshold_ms=20.0), engine="tracing") == Options(threshold_ms=20.0, engine="tracing")


def test_the_rules_of_markers_add_up_and_name_their_owner():
    options = marked(marked(allow=["time.sleep"]), allow=("open in shop.*",))
    assert [rule.text for rule in options.allow] == [
        "time.sleep (marker of test_shop.py::TestPay)",
        "open in shop.* (marker of test_shop.py::TestPay)",
    ]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"treshold_ms": 20}, "unknown argument 'treshold_ms' (did you mean 'threshold_ms'?): threshold_ms, engine,"),
        ({"x": 20}, "unknown argument 'x': threshold_ms, engine,"),
        ({"engine": "steam"}, "Unknown engine 'steam'"),
        ({"engine": ["tracing"]}, "Unknown engine ['tracing']"),
        ({"threshold_ms": "20"}, "threshold_ms must be a number of milliseconds, not '20'"),
        ({"threshold_ms": 0}, "threshold_ms must be more than 0"),
        ({"threshold_ms": -1}, "threshold_ms must be 0 or more"),
        ({"threshold_ms": None}, "threshold_ms must be a number of milliseconds, not None"),
        ({"enabled": "no"}, "enabled must be True or False, not 'no'"),
        ({"allow": "time.sleep"}, "allow must be a list of rules, not 'time.sleep': write allow=['time.sleep']"),
        ({"allow": None}, "allow must be a list of rules, not None"),
        ({"allow": ["in x"]}, "allow: the rule 'in x' is not of the form CALL [in FUNCTION] [during TEST]"),
        ({"allow": [3]}, "allow: a rule is a string such as 'time.sleep in shop.legacy.*', not 3"),
    ],
)
def test_an_invalid_argument_is_refused_with_the_valid_ones(named, message):
    with pytest.raises(MarkerError) as refused:
        marked(**named)
    assert message in str(refused.value)


def test_positional_arguments_are_refused():
    with pytest.raises(MarkerError, match="use keyword arguments, such as threshold_ms=20: threshold_ms, engine"):
        marked(Options(), 20)
