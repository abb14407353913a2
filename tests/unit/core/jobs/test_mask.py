"""What an attempt was given is taken out of what it says, in whatever shape it comes back."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.jobs.redact import NO_MASK, Mask

VALUE = "sk-Plain+0123456789/abcdef=="


@pytest.mark.parametrize(
    "shape",
    [
        VALUE,
        json.dumps(VALUE),
        quote(VALUE, safe=""),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_value_is_found_however_it_is_written(shape: str) -> None:
    said = Mask([VALUE]).text(f"before {shape} after")
    assert VALUE not in said
    assert shape.strip('="') not in said
    assert said.startswith("before ")
    assert said.endswith(" after")


def test_a_line_of_a_long_value_is_found_alone() -> None:
    pem = "-----BEGIN THING-----\nMIIEpAIBAAKCAQEA7bq\nshort\n-----END THING-----"
    mask = Mask([pem])
    assert mask.text("x MIIEpAIBAAKCAQEA7bq y") == "x [redacted] y"
    assert mask.text("a short walk") == "a short walk"


def test_a_value_cut_off_at_the_end_is_found() -> None:
    mask = Mask([VALUE])
    for cut in range(12, len(VALUE)):
        assert mask.text(f"key {VALUE[:cut]}") == "key [redacted]"
    assert mask.text(f"key {VALUE[:11]}") == f"key {VALUE[:11]}"


def test_json_is_searched_through_and_through() -> None:
    said = Mask([VALUE]).json({VALUE: [1, None, {"a": f"x{VALUE}"}], "b": True})
    assert said == {"[redacted]": [1, None, {"a": "x[redacted]"}], "b": True}


def test_the_longest_of_several_values_goes_first() -> None:
    assert Mask(["abcdefgh", "abcdefghijklmnop"]).text("abcdefghijklmnop") == "[redacted]"


def test_without_values_nothing_changes_and_nothing_is_shown() -> None:
    value = {"a": [VALUE]}
    assert NO_MASK.text(VALUE) == VALUE
    assert NO_MASK.json(value) is value
    assert VALUE not in repr(Mask([VALUE]))


@given(st.text(min_size=8, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_value_survives(value: str, before: str, after: str) -> None:
    said = Mask([value]).text(f"{before}{value}{after}")
    assert value not in said or value in "[redacted]"
