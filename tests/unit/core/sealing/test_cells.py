"""A cell opens as it was sealed, where it was sealed, and in no other way."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.sealing import rules
from hookyard.core.sealing.model import CellRefused, Place
from hookyard.kit.ids import IdMaker

KEY_ID = IdMaker().new(1_700_000_000_000)
KEY = AESGCM(bytes(range(32)))
NONCE = bytes(12)
TEXT = st.text(max_size=20)
PLACES = st.builds(Place, TEXT, TEXT, TEXT, TEXT)


@given(PLACES, st.binary(max_size=200), st.binary(min_size=12, max_size=12))
def test_it_opens_at_its_place(place: Place, plaintext: bytes, nonce: bytes) -> None:
    cell = rules.seal(KEY, KEY_ID, nonce, place, plaintext)
    assert rules.unseal(KEY, place, cell) == plaintext
    assert rules.key_id_of(cell) == KEY_ID
    assert len(cell) == len(plaintext) + rules.OVERHEAD


@given(PLACES, PLACES, st.binary(max_size=50))
def test_it_opens_at_no_other_place(one: Place, other: Place, plaintext: bytes) -> None:
    cell = rules.seal(KEY, KEY_ID, NONCE, one, plaintext)
    if one == other:
        return
    with pytest.raises(CellRefused):
        rules.unseal(KEY, other, cell)


@given(TEXT, TEXT, TEXT, TEXT, st.integers(0, 3), st.integers(1, 20))
def test_moving_text_from_one_part_to_the_next_is_another_place(
    a: str, b: str, c: str, d: str, part: int, count: int
) -> None:
    names = ("tenant", "table", "column", "row")
    place = Place(a, b, c, d)
    value = getattr(place, names[part])
    if part == 3 or not value:
        return
    moved = replace(
        place,
        **{
            names[part]: value[:-count],
            names[part + 1]: value[-count:] + getattr(place, names[part + 1]),
        },
    )
    assert rules.additional_data(b"", place) != rules.additional_data(b"", moved)


@given(st.data(), st.binary(max_size=60))
def test_no_byte_of_it_can_be_changed(data: st.DataObject, plaintext: bytes) -> None:
    place = Place("acme", "things", "secret", "r1")
    cell = bytearray(rules.seal(KEY, KEY_ID, NONCE, place, plaintext))
    at = data.draw(st.integers(0, len(cell) - 1))
    cell[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CellRefused):
        rules.unseal(KEY, place, bytes(cell))


@given(st.binary(max_size=120))
def test_what_is_no_cell_is_refused(raw: bytes) -> None:
    with pytest.raises(CellRefused):
        rules.unseal(KEY, Place("a", "b", "c", "d"), raw)


@given(st.integers(0, 54), st.binary(max_size=20))
def test_a_cell_that_was_cut_is_refused(length: int, plaintext: bytes) -> None:
    place = Place("acme", "things", "secret", "r1")
    cell = rules.seal(KEY, KEY_ID, NONCE, place, plaintext)
    with pytest.raises(CellRefused):
        rules.unseal(KEY, place, cell[:length])


def test_another_key_opens_nothing() -> None:
    place = Place("acme", "things", "secret", "r1")
    cell = rules.seal(KEY, KEY_ID, NONCE, place, b"x")
    with pytest.raises(CellRefused):
        rules.unseal(AESGCM(bytes(32)), place, cell)


def test_a_value_of_many_megabytes_is_not_taken() -> None:
    with pytest.raises(ValueError, match="at most"):
        rules.seal(KEY, KEY_ID, NONCE, Place("a", "b", "c", "d"), bytes(rules.MAX_PLAINTEXT + 1))


def test_rows_of_several_columns_do_not_run_into_each_other() -> None:
    assert rules.row_key(["a", "b,c"]) != rules.row_key(["a,b", "c"])
    assert rules.row_key(["plain"]) == "plain"
