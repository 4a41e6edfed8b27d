"""Rules that allow calls: how they are read, and what they match."""

import pytest

from loopwatch.detection.strict.allow_rules import Rule, RuleError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("time.sleep", ("time.sleep", "*", "*")),
        ("import shop.urls", ("import shop.urls", "*", "*")),
        (" time.sleep  in shop.pay ", ("time.sleep", "shop.pay", "*")),
        ("* during tests/slow/*", ("*", "*", "tests/slow/*")),
        ("* in shop.* during tests/a.py::test_b[c in d]", ("*", "shop.*", "tests/a.py::test_b[c in d]")),
    ],
)
def test_a_rule_has_a_call_a_function_and_a_test(text, parts):
    rule = Rule.parse(text)
    assert (rule.call, rule.function, rule.test) == parts


@pytest.mark.parametrize("text", ["", "  ", "in shop.pay", "during x", "time.sleep in", "a in b in c", 3, None])
def test_what_is_no_rule_is_refused_with_an_example(text):
    with pytest.raises(RuleError, match=r"time\.sleep in shop\.legacy\.\*"):
        Rule.parse(text)


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("time.sleep", True),
        ("time.*", True),
        ("time.slee?", True),
        ("time", False),
        ("TIME.SLEEP", False),
        ("retry.back_off", True),
        ("* in shop.*", True),
        ("* in shop", False),
        ("* during test_a.py::test_b[[]*", False),
        ("* during test_a.py::test_b[*]", True),
        ("time.sleep in shop.* during *.py::test_c*", False),
    ],
)
def test_every_part_must_match_the_whole(text, is_allowed):
    names = ("time.sleep", "retry.back_off")
    assert Rule.parse(text).matches(names, "shop.orders.pay", "test_a.py::test_b[1]") is is_allowed
