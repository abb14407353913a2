"""Small YAML is read with its lines; everything clever is refused, quickly."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.core.repositories.yamltree import Located, Unreadable, read_yaml

BOMB = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c]\n" % (c, c, c - 1, c - 1, c - 1) for c in b"bcdefghij"
)


def plain(found: Located) -> object:
    if isinstance(found.value, dict):
        return {key: plain(value) for key, (_, value) in found.value.items()}
    if isinstance(found.value, list):
        return [plain(item) for item in found.value]
    return found.value


def test_values_are_plain_and_know_their_lines() -> None:
    found = read_yaml(b"version: 1\ncommands:\n  allow: [a, 'b']\n# note\nenabled: true\n")
    assert plain(found) == {"version": 1, "commands": {"allow": ["a", "b"]}, "enabled": True}
    assert isinstance(found.value, dict)
    assert [line for line, _ in found.value.values()] == [1, 2, 5]


def test_names_that_look_like_something_else_stay_text() -> None:
    text = "no, yes, on, Off, 2020-01-01, 12:30:00, 0x1f, 1_000, .inf, 1e3, ="
    assert plain(read_yaml(f"[{text}]".encode())) == text.split(", ")


def test_numbers_booleans_and_nothing_are_read() -> None:
    assert plain(read_yaml(b"[1, -2, 1.5, true, False, null, ~, '1', '']")) == [
        1, -2, 1.5, True, False, None, None, "1", "",
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# only a note\n", b"---\n", b"\xef\xbb\xbf"])
def test_empty_file_is_nothing(raw: bytes) -> None:
    assert read_yaml(raw).value is None


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        (BOMB, 2, "aliases"),
        (b"a: &x 1\nb: *x\n", 2, "aliases"),
        (b"a: 1\nb: 2\na: 3\n", 3, "'a' is there twice"),
        (b"a:\n  b: 1\n  b: 1\n", 3, "'b' is there twice"),
        (b"? [a]\n: 1\n", 1, "not text"),
        (b"1: a\n", 1, "not text"),
        (b"a: !!python/object/apply:os.system [x]\n", 1, "tags"),
        (b"a:\n  !thing {}\n", 2, "tags"),
        (b"a: !!int twelve\n", 1, "tags"),
        (b"a: !!set {x}\n", 1, "tags"),
        (b"a: 1\n---\nb: 2\n", 2, "document"),
        (b"a: [1\n", 2, ""),
        (b"a: b: c\n", 1, "mapping values"),
        (b"a: \x00\n", 1, "character"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        (b"a: 1\n\tb: 2\n", 2, ""),
        (b"[" * 17 + b"]" * 17, 1, "nested deeper"),
        (b"a: " + b"9" * 70_000, 1, "larger than 64 KiB"),
        (b"- a\n" * 5001, 5000, "more than 5000"),
    ],
)
def test_what_is_refused_says_where_and_why(raw: bytes, line: int, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_yaml(raw)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_depth_at_the_limit_is_accepted() -> None:
    assert isinstance(read_yaml(b"[" * 16 + b"]" * 16).value, list)


@pytest.mark.parametrize(
    "raw",
    [b"[" * 65_536, b"{a: " * 16_000, b"? " * 32_000, b"- " * 32_000, b"[" + b"x," * 32_000,
     b'"' + b"\\n" * 32_000, b"a: |\n" + b"  x\n" * 16_000, b"&a " * 21_000, b"#" * 65_536],
)  # fmt: skip
def test_hostile_file_costs_less_than_a_second(raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(Unreadable):
        read_yaml(raw)
    assert time.process_time() - began < 1.0


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_bytes_do_worse_than_unreadable(raw: bytes) -> None:
    try:
        read_yaml(raw)
    except Unreadable as error:
        assert 1 <= error.line <= len(raw) + 1
