"""Keys name one thing each, in one spelling, and markers cannot be forged by quoting."""

import pytest

from hookyard.core.publishing.keys import (
    check_name,
    key_of,
    kind_of,
    marked_key,
    marker,
    run_external_id,
)
from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    Effect,
    IssueEffect,
    ReactionEffect,
)
from hookyard.kit.errors import Invalid

SHA = "0123456789abcdef0123456789abcdef01234567"


def run(**changes: str) -> CheckRunEffect:
    given = {"repository": "Acme/Web", "head_sha": SHA, "concern": "criteria", **changes}
    return CheckRunEffect(**given, title="t", summary="s")


@pytest.mark.parametrize(
    ("effect", "kind", "key"),
    [
        (CommentEffect("Acme/Web", 12, "criteria", "x"), "comment", "comment:acme/web#12:criteria"),
        (run(), "check", f"check:acme/web@{SHA}:hookyard/criteria"),
        (
            run(concern="hookyard/criteria", head_sha=SHA.upper()),
            "check",
            f"check:acme/web@{SHA}:hookyard/criteria",
        ),
        (ReactionEffect("a/b", 3, 77, "eyes"), "reaction", "reaction:a/b#3:77:eyes"),
        (ReactionEffect("a/b", 3, None, "+1"), "reaction", "reaction:a/b#3:issue:+1"),
        (IssueEffect("A/b.c", "flaky", "t", "b"), "issue", "issue:a/b.c:flaky"),
    ],
)
def test_an_effect_has_one_key(effect: Effect, kind: str, key: str) -> None:
    assert (kind_of(effect), key_of(effect)) == (kind, key)


@pytest.mark.parametrize(
    "effect",
    [
        CommentEffect("no-slash", 1, "c", ""),
        CommentEffect("a/b/../../c", 1, "c", ""),
        CommentEffect("a/..", 1, "c", ""),
        CommentEffect("a/b?x=1", 1, "c", ""),
        CommentEffect("a/b\n", 1, "c", ""),
        CommentEffect("a/b", 0, "c", ""),
        CommentEffect("a/b", 1, "c -->", ""),
        CommentEffect("a/b", 1, "", ""),
        CommentEffect("a/b", 1, "C", ""),
        run(head_sha="abc123"),
        run(head_sha=SHA + "\n"),
        ReactionEffect("a/b", 1, 1, "thumbsup"),
        ReactionEffect("a/b", 1, -5, "eyes"),
    ],
)
def test_what_cannot_name_anything_is_refused(effect: Effect) -> None:
    with pytest.raises(Invalid) as refused:
        key_of(effect)
    assert refused.value.problem_code == "bad_effect"


def test_check_names_carry_the_prefix_once() -> None:
    assert check_name("health") == check_name("hookyard/health") == "hookyard/health"


def test_a_marker_is_found_at_the_start_of_a_body_only() -> None:
    mine = marker("comment:a/b#1:criteria")
    assert marked_key(f"{mine}\nhello") == "comment:a/b#1:criteria"
    assert marked_key(f"\n  {mine}") == "comment:a/b#1:criteria"
    assert marked_key(f"> quoting {mine}") is None
    assert marked_key(f"text\n{mine}") is None


def test_later_check_runs_under_a_key_are_told_apart() -> None:
    assert run_external_id("k", 1) == "k"
    assert run_external_id("k", 2) == "k~2"
