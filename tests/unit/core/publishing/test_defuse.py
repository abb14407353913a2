"""Quoted text pings nobody, links nothing, and cannot become markup, a marker or a command."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.publishing.defuse import code, defuse, literal, quote
from hookyard.core.publishing.fit import closers
from hookyard.core.publishing.keys import marked_key, marker

GAP = "\u200b"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("@octocat", f"@{GAP}octocat"),
        ("ping @acme/team now", f"ping @{GAP}acme/team now"),
        ("fixes #12", f"fixes #{GAP}12"),
        ("acme/web#7 and GH-8", f"acme/web#{GAP}7 and GH-{GAP}8"),
        ("<script>x</script>", f"<{GAP}script>x<{GAP}/script>"),
        ("a < b && c", "a < b && c"),
        ("&#64;octocat", f"&{GAP}#{GAP}64;octocat"),
        ("&commat;octocat", f"&{GAP}commat;octocat"),
        ("https://github.com/a/b/pull/5", f"https://github.com/a/b/pull/{GAP}5"),
        ("https://ghe.corp/a/b/issues/5", f"https://ghe.corp/a/b/issues/{GAP}5"),
        ("[x]: https://evil", f"[x]{GAP}: https://evil"),
        ("/lgtm", f"{GAP}/lgtm"),
        ("> /merge now", f"> {GAP}/merge now"),
        ("# Title stays", "# Title stays"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u202eb\x07", "ab"),
    ],
)
def test_dangerous_text_is_broken_and_other_text_is_not(text: str, safe: str) -> None:
    assert defuse(text) == safe


def test_an_open_fence_cannot_swallow_what_follows() -> None:
    assert defuse("```js\nalert(1)") == "```js\nalert(1)\n```"


def test_a_quoted_marker_is_no_marker() -> None:
    forged = marker("comment:a/b#1:criteria")
    for quoting in (defuse, literal, quote, code):
        assert "<!--" not in quoting(forged)
        assert marked_key(quoting(forged)) is None


def test_a_quote_keeps_every_line_quoted() -> None:
    assert quote("a\n\n@b") == f"> a\n>\n> @{GAP}b"


def test_a_literal_is_one_line_without_formatting() -> None:
    assert literal("**bold**\n[a](b) `c`") == r"\*\*bold\*\* \[a\]\(b\) \`c\`"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("`", "`` ` ``"),
        ("", f"`{GAP}`"),
        ("two\nlines @x", f"`two lines @{GAP}x`"),
    ],
)
def test_a_code_span_holds_any_backticks(text: str, span: str) -> None:
    assert code(text) == span


PIECES = st.sampled_from(
    ["@", "a", "#", "1", "<", "!--", " hookyard:", "-->", "&", "#64;", "/", "issues/", "GH-",
     "`", "```\n", "\n", " ", "\r", "\u202e", "[", "]", ":", ">", "~~~", "\ud800", "\x00"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_mixture_pings_links_or_opens_anything(text: str) -> None:
    for quoting in (defuse, literal, code):
        safe = quoting(text)
        assert not re.search(r"@\w", safe)
        assert not re.search(r"(?<!&)#\d", safe)
        assert not re.search(r"<[A-Za-z/!?]", safe)
        assert not re.search(r"&[#A-Za-z]", safe)
        assert not re.search(r"(?m)^[ \t>]*/[A-Za-z]", safe)
        safe.encode()
    assert closers(defuse(text)) == ""
