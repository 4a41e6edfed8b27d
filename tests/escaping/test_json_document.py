"""JSON that every parser reads."""

import json

import pytest
from hypothesis import given
from pydantic_core import from_json

from loopwatch.escaping.json_document import json_document, readable_json
from tests.escaping.names import names


@given(name=names)
def test_a_strict_parser_reads_any_name(name):
    expected = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert from_json(json_document({name: [name]})) == {expected: [expected]}
    assert from_json(readable_json({name: [name]}).encode()) == {expected: [expected]}


@pytest.mark.parametrize("text", ["🐌", "é", "\\ud800", '"', "\x00"])
def test_text_survives_as_it_is(text):
    written = json_document([text])
    assert written.isascii()
    assert json.loads(written) == [text]
