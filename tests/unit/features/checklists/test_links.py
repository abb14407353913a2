"""A pull request's words name the issues it is about, each with how it was found."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.features.checklists.links import (
    MAX_LINKS,
    Link,
    LinkKind,
    Links,
    PullText,
    Ref,
    find_links,
)
from hookyard.features.checklists.model import Confidence

HERE = "octo/shop"


def links(**said: object) -> Links:
    return find_links(PullText(HERE, **said))  # type: ignore[arg-type]


def numbers(body: str) -> list[tuple[str, int]]:
    return [(link.repository, link.number) for link in links(body=body).links]


@pytest.mark.parametrize("keyword", [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
    "CLOSES", "Fixes", "ReSoLvEd",
])  # fmt: skip
@pytest.mark.parametrize("between", [" ", ": ", ":", " : ", "\t"])
def test_every_closing_keyword_links(keyword: str, between: str) -> None:
    assert numbers(f"This {keyword}{between}#42.") == [(HERE, 42)]


@pytest.mark.parametrize(
    ("reference", "issue"),
    [
        ("#42", (HERE, 42)),
        ("GH-42", (HERE, 42)),
        ("gh-42", (HERE, 42)),
        ("acme/Back.End_1#7", ("acme/Back.End_1", 7)),
        ("https://github.com/acme/shop/issues/9", ("acme/shop", 9)),
        ("https://github.com/acme/shop/issues/9#issuecomment-5", ("acme/shop", 9)),
        ("http://www.github.com/acme/shop/issues/9?x=1", ("acme/shop", 9)),
        ("#1234567", (HERE, 1234567)),
        ("#2147483647", (HERE, 2147483647)),
    ],
)
def test_every_form_of_reference_links(reference: str, issue: tuple[str, int]) -> None:
    assert numbers(f"Fixes {reference}, at last") == [issue]


@pytest.mark.parametrize("body", [
    "see #42", "#42", "hotfix #42", "bug-fix #42", "prefixes #42", "fixing #42", "fix for #42",
    "fixes 42", "fixes #0", "fixes #42a", "fixes #99999999999999999999", "fixes #2147483648",
    "fixes https://evil.example/acme/shop/issues/9",
    "fixes https://github.com.evil.example/acme/shop/issues/9",
    "fixes https://github.com/acme/shop/pull/9",
    "fixes\n#42", "Criteria:", "Our criteria: see #42", "Criteria: see #42",
    "```\nfixes #42\n```", "~~~text\nCriteria: #42\n~~~", "    fixes #42", "`fixes #42`",
    "a ``fixes `x` #42`` b", "> fixes #42", "> Criteria: #42", "> quoted\nfixes #42",
    "<!-- fixes #42 -->", "<!--\nCriteria: #42\n-->", "a <!-- closes #42 --> b",
    "- item\n\n  ```\n  fixes #42\n  ```", "<pre>fixes <b>#42</b></pre>",
    "x <code>fixes #42</code>",
    "1. > fixes #42", "<pre>\nfixes #42\n</pre>",
])  # fmt: skip
def test_what_is_no_link_stays_none(body: str) -> None:
    assert numbers(body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Resolves #10, resolves #123, resolves acme/api#100", [10, 123, 100]),
        ("Fixes #1, #2", [1]),
        ("- [x] fixes #3\n- closes #4", [3, 4]),
        ("| a | b |\n|---|---|\n| fixes #5 | x |", [5]),
        ("### Fixes #6", [6]),
        ("<details>\n<summary>more</summary>\n\nfixes #7\n</details>", [7]),
        ("**Fixes** #8 and __closes__ #9", [8]),
        ("Criteria: #42, acme/api#7 and #8; GH-9\n", [42, 7, 8, 9]),
        ("**Criteria:** https://github.com/acme/api/issues/11 #12 then #13", [11, 12]),
        ("- CRITERIA: #14", [14]),
        ("`unclosed fixes #15", [15]),
        ("`code` fixes #16 `more`", [16]),
    ],
)
def test_lists_and_places(body: str, expected: list[int]) -> None:
    assert sorted(number for _, number in numbers(body)) == sorted(expected)


def test_the_surest_way_is_kept_and_surer_ones_come_first() -> None:
    found = links(
        title="Fix #5: broken sign-in",
        body="fixes #2\n\nCriteria: #3, OCTO/Shop#2",
        commits=("Tidy", "Sign in again\n\n    fixes #4\n\nFixes #3"),
        references=(Ref("octo/shop", 1),),
        branch="9-sign-in",
    ).links
    assert [
        (link.number, link.kind.value, link.confidence.value, link.where) for link in found
    ] == [
        (2, "explicit", "high", "body"),
        (3, "explicit", "high", "body"),
        (1, "reference", "high", "GitHub"),
        (5, "keyword", "medium", "title"),
        (4, "keyword", "medium", "commit 2"),
    ]


def test_words_that_made_the_link_are_told() -> None:
    (link,) = links(body="This closes: acme/api#7!").links
    assert link == Link(
        "acme/api", 7, LinkKind.KEYWORD, Confidence.HIGH, "body", "closes: acme/api#7"
    )


@pytest.mark.parametrize(
    ("branch", "number"),
    [
        ("42-sign-in", 42),
        ("42", 42),
        ("issue-42", 42),
        ("issues/42", 42),
        ("feature/42-sign-in", 42),
        ("alice/fix/gh-42", 42),
        ("fix_42_sign_in", 42),
        ("sign-in-issue-42", 42),
        ("refs/heads/12345678-long", 12345678),
        ("release/42", None),
        ("dependabot/pip/42", None),
        ("v2-api", None),
        ("2.0", None),
        ("2024-01-31", None),
        ("sign-in-2", None),
        ("sha256-hashes", None),
        ("99999999999-x", None),
        ("", None),
    ],
)
def test_a_branch_speaks_last_and_low(branch: str, number: int | None) -> None:
    found = links(branch=branch).links
    assert [link.number for link in found] == ([] if number is None else [number])
    assert all(link.confidence is Confidence.LOW for link in found)
    assert [link.number for link in links(branch=branch, body="fixes #1").links] == [1]


def test_many_issues_are_all_found_and_beyond_the_cap_they_are_counted() -> None:
    some = links(body="\n".join(f"fixes #{n}" for n in range(1, 301)))
    assert (len(some.links), some.dropped) == (300, 0)
    many = links(body=" ".join(f"fixes #{n}" for n in range(1, MAX_LINKS + 51)))
    assert (len(many.links), many.dropped) == (MAX_LINKS, 50)


def test_an_enterprise_host_is_github_where_it_is_named() -> None:
    body = "fixes https://git.example.org/acme/shop/issues/9"
    assert links(body=body).links == ()
    assert len(links(body=body, hosts=("git.example.org",)).links) == 1


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    links(body=text, title=text, branch=text, commits=(text,))


@pytest.mark.parametrize(
    "unit",
    ["fixes ", "fixes #", "`", "`a``", "<code>", "<!--", "criteria: #1,", "> ", "- ", "a/b#"],
)
def test_hostile_bodies_take_bounded_time(unit: str) -> None:
    body = unit * (300_000 // len(unit))
    start = time.process_time()
    links(body=body)
    assert time.process_time() - start < 10
