"""MACs and their text form."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.signing import from_hex, hmac_sha256, same


def test_it_is_hmac_sha256() -> None:
    # spec: RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == expected


@given(st.binary(min_size=1), st.lists(st.binary(), min_size=1, max_size=5))
def test_parts_sign_like_their_join(secret: bytes, parts: list[bytes]) -> None:
    whole = hmac.new(secret, b"".join(parts), hashlib.sha256).digest()
    assert same(hmac_sha256(secret, *parts), whole)


def test_difference_is_seen() -> None:
    mac = hmac_sha256(b"k", b"m")
    assert not same(mac, hmac_sha256(b"k", b"n"))
    assert not same(mac, hmac_sha256(b"j", b"m"))
    assert not same(mac, mac[:-1])
    assert not same(mac, b"")


@given(st.binary(min_size=1))
def test_hexadecimal_of_either_case_is_read(raw: bytes) -> None:
    assert from_hex(raw.hex()) == raw
    assert from_hex(raw.hex().upper()) == raw


@pytest.mark.parametrize("text", ["", "0", "0g", "0 0a", " 00", "0x00", "٠٠", "00\n0", "é0"])
def test_anything_else_is_no_hexadecimal(text: str) -> None:
    assert from_hex(text) is None
