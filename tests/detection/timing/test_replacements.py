"""Attributes that loopwatch replaces are restored, and no others."""

import pytest

from loopwatch.detection.timing.replacements import Replacements


class Parent:
    def inherited(self):
        return "parent"


class Owner(Parent):
    def own(self):
        return "original"


@pytest.fixture
def owner():
    """A class that only one test changes."""
    return type("Owner", (Parent,), dict(vars(Owner)))


def test_an_attribute_is_restored(owner):
    original = vars(owner)["own"]
    replacements = Replacements()
    replacements.replace(owner, "own", lambda _: "first")
    replacements.replace(owner, "own", lambda _: "second")
    assert owner().own() == "second"
    replacements.restore()
    assert vars(owner)["own"] is original


def test_an_inherited_attribute_is_inherited_again(owner):
    replacements = Replacements()
    replacements.replace(owner, "inherited", lambda _: "replaced")
    assert owner().inherited() == "replaced"
    replacements.restore()
    assert "inherited" not in vars(owner)


def test_an_attribute_that_other_code_has_replaced_since_is_left(owner):
    replacements = Replacements()
    replacements.replace(owner, "own", lambda _: "ours")
    owner.own = lambda _: "theirs"
    replacements.restore()
    assert owner().own() == "theirs"


def test_a_restored_attribute_is_not_restored_twice(owner):
    replacements = Replacements()
    ours = lambda _: "ours"  # noqa: E731 - one object, to be set again
    replacements.replace(owner, "own", ours)
    replacements.restore()
    owner.own = ours
    replacements.restore()
    assert owner().own() == "ours"


def test_a_class_written_in_c_refuses_and_nothing_is_left_to_restore():
    replacements = Replacements()
    with pytest.raises(TypeError):
        replacements.replace(int, "bit_length", len)
    replacements.restore()
    assert (5).bit_length() == 3
