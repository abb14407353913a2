"""The mint policy: whole comparisons, deny by default, reasons, and files that are refused."""

import pytest

from hookyard.core.tokens.model import Place, Scope, Who, scope_of
from hookyard.core.tokens.patterns import BadPattern, checked
from hookyard.core.tokens.policy import Policy, Verdict, decide
from hookyard.core.tokens.policy_file import BadPolicy, read_policy
from hookyard.kit import globs

GRANTED = {"contents": "write", "issues": "read", "metadata": "read"}
PLACE = Place(7, 42, "Acme", GRANTED, GRANTED | {"checks": "write"})
ACTIONS = "https://token.actions.githubusercontent.com"
TEXT = f"""
version: 1
rules:
  - name: ci
    who:
      - kind: workload
        claims:
          iss: {ACTIONS}
          repository: acme/*
          ref: [refs/heads/main, refs/heads/release-*]
    owners: [acme]
    repositories: [acme/shop, acme/web-*]
    permissions: {{contents: read, checks: write}}
  - name: ops
    who:
      - {{kind: user, id: "17"}}
    installations: [7]
    permissions: {{contents: write}}
"""


def test_a_star_stands_for_something() -> None:
    """`*` against an empty text decides here as it does for workloads: a claim that is there and
    empty, or a ref that ends with its slash, is nothing a rule was meant for."""
    assert not globs.fits("*", "")
    assert not globs.fits("acme/*", "acme/")
    assert globs.fits("a*", "a")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(TEXT.encode())


def workload(**claims: str) -> Who:
    usual = {"iss": ACTIONS, "repository": "acme/shop", "ref": "refs/heads/main"}
    return Who("workload", "ci", claims=usual | claims)


def ask(policy: Policy, who: Who, *names: str, **permissions: str) -> Verdict:
    return decide(policy, who, PLACE, scope_of(names or None, permissions or None))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("acme/*", "acme/shop", True),
        ("acme/*", "acme/a/b", False),
        ("acme/*", "evil/acme/shop", False),
        ("acme/shop", "acme/shop2", False),
        ("acme/shop", "xacme/shop", False),
        ("refs/heads/*", "refs/heads/a/b", False),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "abcb", False),
        ("a*a", "a", False),
        ("*", "", False),
        ("acme/sh.p", "acme/shop", False),
        ("acme/(shop|web)", "acme/shop", False),
        ("acme/s?op", "acme/shop", False),
        ("acme/shop\n", "acme/shop", False),
    ],
)
def test_pattern_is_compared_whole_and_star_stays_in_its_segment(
    pattern: str, text: str, *, fits: bool
) -> None:
    assert globs.fits(pattern, text) is fits


@pytest.mark.parametrize("pattern", ["", "a**", "x" * 301, " a", "a\x00", "*a" * 9])
def test_pattern_that_could_mislead_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        checked(pattern)


def test_hostile_text_costs_no_more_than_any_other() -> None:
    assert not globs.fits("a*a*a*a*a*a*a*b", "a" * 200_000)


def test_rule_gives_at_most_what_it_says(policy: Policy) -> None:
    given = ask(policy, workload(), "shop", contents="read")
    assert given.allowed
    assert given.rule == "ci"
    assert ask(policy, workload(), "web-1", contents="read").allowed
    more = ask(policy, workload(), "shop", contents="write")
    assert not more.allowed
    assert "contents: write is more than the rule's read" in more.reason
    other = ask(policy, workload(), "shop", issues="read")
    assert "issues is not in the rule" in other.reason


def test_what_is_left_open_becomes_the_rules_own(policy: Policy) -> None:
    ops = ask(policy, Who("user", "17"))
    assert ops.scope == Scope(None, (("contents", "write"),))
    ci = ask(policy, workload(), "shop")
    assert ci.scope == Scope(("shop",), (("contents", "read"),))
    assert not ask(policy, workload()).allowed


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": "evil/acme"},
        {"repository": "acme/shop/x"},
        {"ref": "refs/heads/main2"},
        {"ref": "refs/pull/1/merge"},
        {"ref": "refs/heads/release-1/x"},
        {"iss": ACTIONS + ".evil.test"},
        {"iss": "https://evil.test/" + ACTIONS},
    ],
)
def test_attack_claim_that_only_looks_like_the_rules_is_refused(
    policy: Policy, claims: dict[str, str]
) -> None:
    verdict = ask(policy, workload(**claims), "shop", contents="read")
    assert not verdict.allowed
    assert verdict.reason == "no rule of the mint policy is for this caller"


def test_attack_claims_of_another_kind_of_caller_do_not_count(policy: Policy) -> None:
    forged = Who("api_key", "ci", claims=dict(workload().claims))
    assert not ask(policy, forged, "shop", contents="read").allowed


def test_missing_claim_does_not_fit(policy: Policy) -> None:
    bare = Who("workload", "ci", claims={"iss": ACTIONS, "repository": "acme/shop"})
    finding = ask(policy, bare, "shop").findings[0]
    assert (finding.condition, finding.fits_caller) == ("who", False)
    assert finding.reason == "claims: the caller's token has no claim ref"


def test_other_account_and_other_installation_are_refused(policy: Policy) -> None:
    elsewhere = Place(8, 42, "octo", GRANTED, GRANTED)
    for who in (workload(), Who("user", "17")):
        assert not decide(policy, who, elsewhere, scope_of(["shop"])).allowed


def test_empty_policy_denies_everyone() -> None:
    nothing = read_policy(b"version: 1\nrules: []\n")
    assert not ask(nothing, Who("admin_key", "admin")).allowed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be names with values"),
        ("version: 2\nrules: []", "version: 1"),
        ("version: 1", "`rules` is missing"),
        ("version: 1\nrules: []\nmore: 1", "no such key"),
        ("version: 1\nrules:\n  - name: X", "lower-case"),
        ("version: 1\nrules:\n  - {name: a}", "`who` is missing"),
        ("version: 1\nrules:\n  - {name: a, who: [], owners: [a]}", "at least one entry"),
        ("version: 1\nrules:\n  - {name: a, who: [{kind: user}]}", "none is everyone"),
        (
            "version: 1\nrules:\n  - {name: a, who: [{kind: user}], owners: [a], permissions: {}}",
            "at least one permission",
        ),
        (
            "version: 1\nrules:\n  - {name: a, who: [{kind: king}], owners: [a]}",
            "kind is one of",
        ),
        (
            "version: 1\nrules:\n  - {name: a, who: [{kind: workload}], owners: [a]}",
            "named by claims",
        ),
        (
            "version: 1\nrules:\n  - {name: a, who: [{kind: user}], repositories: ['*/x']}",
            "owner is written out",
        ),
        (
            "version: 1\nrules:\n  - {name: a, who: [{kind: user, id: '**'}], owners: [a]}",
            "stays inside one segment",
        ),
        (
            (
                "version: 1\nrules:\n  - {name: a, who: [{kind: user}], owners: [a],"
                " permissions: {contents: all}}"
            ),
            "read, write or admin",
        ),
        (
            (
                "version: 1\nrules:\n  - {name: a, who: [{kind: user}], owners: [a],"
                " permissions: {contents: read}, mints_per_hour: 0}"
            ),
            "above 0",
        ),
        ("a: &a [x, x]\nb: [*a, *a]", "aliases"),
        ("version: 1\nrules: !!python/object:os.system x", "tags"),
    ],
)
def test_file_that_is_wrong_anywhere_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(BadPolicy, match=r"line [0-9]+: ") as caught:
        read_policy(text.encode())
    assert reason in str(caught.value)


def test_two_rules_of_one_name_are_refused() -> None:
    rule = "  - {name: a, who: [{kind: user}], owners: [a], permissions: {contents: read}}\n"
    with pytest.raises(BadPolicy, match="line 4: the rule a is there twice"):
        read_policy(b"version: 1\nrules:\n" + 2 * rule.encode())
