"""The German translation says everything that the code and the templates say, and nothing else."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import override_settings
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize

import loopwatch

PACKAGE = Path(loopwatch.__file__).parent
MESSAGES = PACKAGE / "locale" / "de" / "LC_MESSAGES"
KEYWORDS = dict.fromkeys(["_", "gettext", "gettext_lazy"]) | dict.fromkeys(["ngettext", "ngettext_lazy"], (1, 2))
PLACEHOLDER = re.compile(r"%%?\(\w+\)[sd]|%%s|%%|<[^>]+>")


def messages_in(source):
    return {message for _, message, _, _ in extract("python", io.BytesIO(source.encode()), KEYWORDS)}


def messages():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        found |= messages_in(path.read_text(encoding="utf-8"))
    for path in (PACKAGE / "templates").rglob("*"):
        if path.is_file():
            lines = templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines()
            found |= messages_in("\n".join(line.strip() for line in lines))
    return found


@pytest.fixture(scope="module")
def catalogue():
    with (MESSAGES / "django.po").open("rb") as file:
        return read_po(file)


def test_every_message_is_translated_and_no_other(catalogue):
    translated = {message.id for message in catalogue if message.id}
    assert translated == messages()
    assert not [message.id for message in catalogue if message.fuzzy or not all(strings(message.string))]
    assert not catalogue.obsolete


def test_translations_keep_what_is_filled_in_and_what_is_marked_up(catalogue):
    for message in filter(lambda message: message.id, catalogue):
        for original, translation in zip(strings(message.id), strings(message.string), strict=True):
            assert sorted(PLACEHOLDER.findall(translation)) == sorted(PLACEHOLDER.findall(original)), message.id


def test_what_is_compiled_is_what_was_written(catalogue):
    with (MESSAGES / "django.mo").open("rb") as file:
        compiled = read_mo(file)
    assert all_of(compiled) == all_of(catalogue)


def all_of(catalogue):
    return {strings(message.id): strings(message.string) for message in catalogue if message.id}


def strings(text):
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.django_db
def test_a_german_user_sees_german_texts(admin_client):
    with override_settings(LANGUAGE_CODE="de"), override("de"):
        assert gettext("blocking call") == "blockierender Aufruf"
        assert "Übersicht" in admin_client.get("/admin/loopwatch/").content.decode()
