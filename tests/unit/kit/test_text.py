"""Words as they can be kept."""

import pytest

from hookyard.kit.text import storable


@pytest.mark.parametrize("text", ["", "plain", "naïve – 日本 🎉", "\ufffd", "line\nline\t"])
def test_what_can_be_kept_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\x00b", "a\ufffdb"), ("a\ud800b", "a?b"), ("é\x00\udfff", "é\ufffd?")],
)
def test_nul_and_lone_surrogates_are_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored
    assert storable(text).encode().decode() == stored
