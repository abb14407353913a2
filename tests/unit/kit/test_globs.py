"""Patterns by segment: what fits, what does not, and that time stays in proportion."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.globs import fits, is_pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("main", "main"),
        ("refs/heads/*", "refs/heads/main"),
        ("refs/tags/v*.*", "refs/tags/v1.2"),
        ("acme/*", "acme/shop"),
        ("*/ci/*.yml@refs/heads/main", "acme/ci/build.yml@refs/heads/main"),
        ("a*a", "aa"),
    ],
)
def test_fits(pattern: str, text: str) -> None:
    assert fits(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("main", "main2"),
        ("main", "amain"),
        ("main", "MAIN"),
        ("refs/heads/*", "refs/heads/a/b"),
        ("refs/heads/*", "refs/heads/"),
        ("refs/heads/*", "xrefs/heads/main"),
        ("refs/heads/*", "refs/heads/main/"),
        ("acme/*", "acme-evil/shop"),
        ("acme/*", "evil/acme/shop"),
        ("acme/*", "acme/shop\n/x"),
        ("a*a", "a"),
        ("*", ""),
        ("*", "a/b"),
        ("v?", "v1"),
        ("[ab]", "a"),
    ],
)
def test_does_not_fit(pattern: str, text: str) -> None:
    assert not fits(pattern, text)


@given(st.text("ab*/", max_size=12), st.text("ab/", max_size=12))
def test_agrees_with_the_same_thing_as_an_expression(pattern: str, text: str) -> None:
    if not is_pattern(pattern):
        return
    segments = []
    for segment in pattern.split("/"):
        body = "[^/]*".join(re.escape(part) for part in segment.split("*"))
        segments.append(f"(?=[^/]){body}" if "*" in segment else body)
    assert fits(pattern, text) == (re.fullmatch("/".join(segments), text) is not None)


@pytest.mark.parametrize("pattern", ["", "a//b", "/a", "a/", "**", "a/**/b", "x" * 513])
def test_what_is_no_pattern(pattern: str) -> None:
    assert not is_pattern(pattern)


def test_a_pattern_of_many_stars_takes_no_longer() -> None:
    # why: this is about the machine's time; the bound is a thousand times what it takes.
    begin = time.perf_counter()
    assert not fits("a*" * 250 + "b", "a" * 100_000)
    assert time.perf_counter() - begin < 5
