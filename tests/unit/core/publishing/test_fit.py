"""Text is cut to GitHub's limits, stays whole Markdown, and says what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.publishing.fit import (
    MAX_TEXT,
    characters,
    clip,
    closers,
    encodable,
    fit,
    octets,
)


def test_a_text_at_the_limit_stays_as_it_is() -> None:
    text = "x" * MAX_TEXT
    assert fit(text) == text


def test_one_character_more_is_cut_with_a_note() -> None:
    text = "x" * (MAX_TEXT + 1)
    cut = fit(text)
    assert len(cut) <= MAX_TEXT
    kept = len(cut) - len(cut.lstrip("x"))
    assert cut.endswith(f"{MAX_TEXT + 1 - kept:,} of {MAX_TEXT + 1:,} characters not shown.*")


def test_bytes_count_where_github_counts_bytes() -> None:
    text = "é" * 40_000
    assert fit(text, MAX_TEXT, characters) == text
    cut = fit(text, MAX_TEXT, octets)
    assert len(cut.encode()) <= MAX_TEXT
    assert "not shown" in cut
    assert "\ufffd" not in cut


def test_a_cut_inside_a_fence_closes_it() -> None:
    text = "````python\n" + "print(1)\n" * 10_000
    cut = fit(text, 1_000)
    assert "\n````\n\n*Cut" in cut
    assert closers(cut) == ""


def test_a_cut_inside_details_closes_them_so_that_the_note_is_seen() -> None:
    text = "<details><summary>Logs</summary>\n\n" + "line\n" * 10_000
    cut = fit(text, 1_000)
    assert cut.index("</details>") < cut.index("*Cut")


def test_a_long_line_is_cut_where_it_must() -> None:
    assert len(fit("word " * 1_000, 500)) > 300


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("```\na", "\n```"),
        ("~~~~\n```\n~~~", "\n~~~~"),
        ("```\na\n```", ""),
        ("``` not`a fence", ""),
        ("```\n<details>", "\n```"),
        ("<details>\n</details>", ""),
        ("    ```", ""),
    ],
)
def test_open_blocks_are_known(text: str, closing: str) -> None:
    assert closers(text) == closing


def test_a_short_field_ends_in_an_ellipsis() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"
    assert clip("ééé", 5, octets) == "é…"


def test_what_utf8_cannot_carry_is_replaced() -> None:
    assert encodable("a\ud800b\x00").encode() == "a?b\ufffd".encode()


@given(
    st.lists(
        st.sampled_from(["```\n", "~~~~~\n", "<details>", "x" * 97, "\n", "é", "\U0001f600", "```"])
    ),
    st.integers(400, 700),
    st.sampled_from([characters, octets]),
)
def test_no_text_outgrows_its_limit(parts: list[str], limit: int, measure: object) -> None:
    measured = characters if measure is characters else octets
    text = "".join(parts)
    cut = fit(text, limit, measured)
    assert measured(cut) <= limit
    if cut != text:
        assert measured(text) > limit
        assert closers(cut.rsplit("\n\n*Cut", 1)[0]) == ""
