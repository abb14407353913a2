"""Cursors come back from strangers."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.errors import Invalid
from hookyard.kit.pages import (
    Page,
    clamp_limit,
    decode_cursor,
    encode_cursor,
    id_in,
    number_in,
    page_of,
)


def raw(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=80),
)
def test_keys_come_back(number: int, text: str) -> None:
    assert decode_cursor(encode_cursor(number, text), (int, str)) == (number, text)


@given(st.text(max_size=2_000))
def test_no_word_of_a_stranger_does_more_than_be_refused(word: str) -> None:
    try:
        keys = decode_cursor(word, (str, int))
    except Invalid as error:
        assert error.problem_code == "bad_cursor"
    else:
        assert [type(key) for key in keys] == [str, int]


@pytest.mark.parametrize(
    "word",
    [
        "",
        "%%%",
        "ключ",
        "A" * 1_025,
        base64.urlsafe_b64encode(b"[" * 700).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        raw({"a": 1}),
        raw(["a"]),
        raw(["a", "b"]),
        raw(["a", True]),
        raw(["a", 1.0]),
        raw(["a", 2**63]),
        raw(["a\x00", 1]),
        raw(["\ud800", 1]),
        raw(["a", 1, 2]),
    ],
)
def test_forged_cursors_are_refused(word: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(word, (str, int))
    assert refused.value.problem_code == "bad_cursor"


def test_limits_are_kept_in_bounds() -> None:
    assert [clamp_limit(n) for n in (None, 1, 200, 10**9)] == [50, 1, 200, 200]
    for wrong in (0, -1):
        with pytest.raises(Invalid) as refused:
            clamp_limit(wrong)
        assert refused.value.problem_code == "bad_limit"


@pytest.mark.parametrize(
    ("number", "found"), [(7, 7), (-1, 0), (2**31 - 1, 2**31 - 1), (2**40, 2**31 - 1)]
)
def test_a_number_in_a_cursor_fits_a_column(number: int, found: int) -> None:
    assert number_in(encode_cursor(number)) == found


def test_no_cursor_names_no_number() -> None:
    assert number_in(None) is None
    assert number_in("") is None
    with pytest.raises(Invalid):
        number_in(encode_cursor("seven"))


ID = "01m7w2mvv8c60f55nyddwd54jt"


def test_the_id_in_a_cursor_comes_back() -> None:
    assert id_in(encode_cursor(ID)) == ID
    assert id_in(None) is id_in("") is None


@pytest.mark.parametrize("key", ["", "x", ID.upper(), ID + "0", "users"])
def test_a_cursor_without_an_id_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match="not one this list gave out"):
        id_in(encode_cursor(key))


def test_a_page_names_where_the_next_begins_only_when_there_is_one() -> None:
    assert page_of([3, 2, 1], 2, lambda row: row) == Page((3, 2), encode_cursor(2))
    assert page_of([2, 1], 2, lambda row: row) == Page((2, 1), None)
    assert page_of([], 2, lambda row: row) == Page((), None)
