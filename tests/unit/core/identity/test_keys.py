"""The shape of keys: what passes, and that everything else is refused cheaply."""

import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.identity.keys import (
    ADMIN_ID,
    SECRET_BYTES,
    BadToken,
    KeyToken,
    digest,
    make_token,
    read_token,
)

KEY_ID = "01hf7yat002xq1e81kyjk760nh"
TOKEN = make_token(KEY_ID, bytes(range(SECRET_BYTES)))


@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES))
def test_a_made_token_is_read_back(secret: bytes) -> None:
    token = make_token(KEY_ID, secret)
    assert read_token(token) == KeyToken(KEY_ID, digest(token))
    assert token.startswith("hky_")
    assert token.isascii()


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_different_secrets_make_different_tokens(one: bytes, two: bytes) -> None:
    assert (make_token(KEY_ID, one) == make_token(KEY_ID, two)) == (one == two)


def test_the_admin_key_has_the_same_shape() -> None:
    read = read_token(make_token(ADMIN_ID, bytes(SECRET_BYTES)))
    assert isinstance(read, KeyToken)
    assert read.id == ADMIN_ID


def test_a_secret_of_another_length_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_token(KEY_ID, b"short")


@given(st.integers(4, len(TOKEN) - 1), st.characters(codec="ascii", categories=["L", "N"]))
def test_one_wrong_character_never_passes(at: int, char: str) -> None:
    wrong = TOKEN[:at] + char + TOKEN[at + 1 :]
    assert isinstance(read_token(wrong), KeyToken) == (wrong == TOKEN)


def test_a_wrong_checksum_is_told_apart_from_a_wrong_shape() -> None:
    head = TOKEN.rpartition("_")[0]
    wrong = f"{zlib.crc32(head.encode()) ^ 1:08x}"
    assert read_token(f"{head}_{wrong}") == BadToken("checksum")
    assert read_token(TOKEN.upper()) == BadToken("malformed")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "hky",
        "hky_",
        "hky___",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN + "_x",
        TOKEN.replace("hky_", "HKY_"),
        TOKEN.replace("hky_", "ghp_"),
        TOKEN.replace("_", "-"),
        TOKEN[:-1] + "٣",
        TOKEN[:-8] + "ＦＦＦＦＦＦＦＦ",
        TOKEN + "\x00",
        "\ud800" * 20,
        "hky_" + "é" * 26 + "_" + "ß" * 43 + "_00000000",
        "hky_'; DROP TABLE api_keys; --_" + "a" * 43 + "_00000000",
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_malformed_tokens_are_refused(token: str) -> None:
    assert read_token(token) == BadToken("malformed")
    assert len(digest(token)) == 64


def test_a_megabyte_costs_nothing() -> None:
    huge = "hky_" + "a" * 1_000_000
    started = time.process_time()
    for _ in range(1000):
        assert read_token(huge) == BadToken("malformed")
    assert time.process_time() - started < 0.2


@given(st.text(max_size=300))
def test_any_text_is_refused_without_failing(text: str) -> None:
    assert isinstance(read_token(text), BadToken)
