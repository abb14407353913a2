"""The pure parts: ids, pointers, roles, merge patches, the short form of filters, cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.adapters.database.walls import confinement
from hookyard.core.identity.model import Role
from hookyard.features.records.ids import from_path, is_sound, joined, split
from hookyard.features.records.query import cursors
from hookyard.features.records.query.params import where_of
from hookyard.features.records.rules import bits, lets_in
from hookyard.features.records.schema.model import IdRule, Make
from hookyard.features.records.trouble import under
from hookyard.features.records.values import instant, packed, unpacked
from hookyard.features.records.writing.draft import merge
from hookyard.kit.errors import Invalid
from hookyard.kit.ids import uuid7

RULE = IdRule(Make.COMPOSITE, ("a", "b", "c"))
parts = st.text(min_size=1, max_size=200).filter(is_sound)


@given(parts, parts, parts)
def test_parts_of_a_composite_id_come_back(a: str, b: str, c: str) -> None:
    whole = joined((a, b, c))
    assert split(whole, RULE, "") == (a, b, c)
    assert from_path(RULE, whole) == whole
    assert "/" not in whole
    assert whole.count(":") == 2


@given(st.lists(parts, min_size=3, max_size=3), st.lists(parts, min_size=3, max_size=3))
def test_different_parts_make_different_ids(one: list[str], two: list[str]) -> None:
    assert (joined(tuple(one)) == joined(tuple(two))) == (one == two)


def test_a_pointer_escapes_what_it_has_to() -> None:
    assert under("/a", "b/c~d") == "/a/b~1c~0d"


@pytest.mark.parametrize("tenant", ["a'b", "a;b", "", "A", "a" * 64, "a\n", "-a", "ä"])
def test_only_the_name_of_a_tenant_gets_into_a_setting(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        confinement(tenant)


def test_a_role_lets_in_those_above_it_and_no_other() -> None:
    assert lets_in((Role.VIEWER,), bits([Role.ADMIN]))
    assert lets_in((Role.OPERATOR,), bits([Role.MAINTAINER]))
    assert not lets_in((Role.OPERATOR,), bits([Role.VIEWER, Role.AUDITOR, Role.MINT]))
    assert lets_in((Role.WORKER,), bits([Role.WORKER]))
    assert not lets_in((Role.WORKER,), bits([Role.ADMIN]))
    assert not lets_in((), bits(Role))


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a"], {"a": "b"}, {"a": "b"}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_are_those_of_the_standard(
    target: object, patch: object, expected: object
) -> None:
    # spec: RFC 7396, appendix A.
    assert merge(target, patch) == expected  # type: ignore[arg-type]


def test_a_filter_has_a_short_form() -> None:
    assert where_of("userId:user-001") == {"userId": "user-001"}
    assert where_of("{userId:user-001}") == {"userId": "user-001"}
    assert where_of("a:x,b:y z") == {"a": "x", "b": "y z"}
    assert where_of('{"a":"x:y"}') == {"a": "x:y"}
    with pytest.raises(Invalid):
        where_of("nonsense")


@given(st.lists(st.none() | st.text() | st.integers(-(2**63), 2**63 - 1), max_size=4))
def test_cursors_come_back_and_no_other_does(values: list[str | int | None]) -> None:
    try:
        written = cursors.write(b"k", "here", values)
    except UnicodeEncodeError:
        return
    assert cursors.read(b"k", "here", written, len(values)) == values
    for key, context in ((b"k", "there"), (b"l", "here")):
        with pytest.raises(Invalid):
            cursors.read(key, context, written, len(values))
    other = written[:-1] + ("A" if written[-1] != "A" else "B")
    with pytest.raises(Invalid):
        cursors.read(b"k", "here", other, len(values))


def test_instants_are_written_one_way() -> None:
    assert instant("2026-01-31T12:00:00.5+02:00", "") == "2026-01-31T10:00:00.500Z"
    for wrong in ("2026-01-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "x"):
        with pytest.raises(Invalid):
            instant(wrong, "")


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=8))
def test_vectors_are_kept_to_the_bit(vector: list[float]) -> None:
    assert unpacked(packed(vector)) == vector


def test_uuids_sort_by_time_and_say_their_version() -> None:
    one, two = uuid7(1_700_000_000_000), uuid7(1_700_000_000_001)
    assert one < two
    assert (one[14], one[19] in "89ab") == ("7", True)
