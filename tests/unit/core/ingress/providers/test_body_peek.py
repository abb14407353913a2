"""The narrow look into a body: right strings, bounded, total."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.ingress.providers.peek import Peek, first

PEEK = Peek(("type",), ("event_id",), ("event", "type"), ("event", "item", "kind"))


def test_strings_at_the_paths_are_found():
    body = {
        "event": {"type": "a", "item": {"kind": "b"}},
        "x": 1,
        "type": "c",
        "event_id": "\u00e9",
    }
    assert PEEK.read(json.dumps(body).encode()) == {
        ("type",): "c",
        ("event_id",): "é",
        ("event", "type"): "a",
        ("event", "item", "kind"): "b",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'{"type":1}',
        b'{"type":null}',
        b'{"event":"s"}',
        b'{"type":["a"]}',
        b"\xff",
    ],
)
def test_what_is_not_there_is_left_out(body):
    assert PEEK.read(body) == {}


def test_a_wrong_shape_hides_only_itself():
    assert PEEK.read(b'{"event":[1],"type":"c"}') == {("type",): "c"}
    assert PEEK.read(b'{"event":{"type":{}},"type":"c"}') == {("type",): "c"}


def test_a_long_string_is_left_out():
    assert PEEK.read(json.dumps({"type": "x" * 1023}).encode()) == {}


def test_bad_utf8_is_left_out():
    assert PEEK.read(b'{"type":"\xff","event_id":"e"}') == {("event_id",): "e"}


def test_first_takes_the_first_that_is_there():
    assert first({("b",): "2", ("c",): "3"}, (("a",), ("b",), ("c",))) == "2"
    assert first({}, (("a",),)) == ""


@given(st.binary(max_size=100))
def test_any_bytes_give_strings(body):
    assert all(isinstance(value, str) for value in PEEK.read(body).values())
