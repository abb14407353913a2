"""Bodies sent to GitHub stay inside its limits and say only what was asked."""

from dataclasses import replace

import pytest

from hookyard.core.publishing import wire
from hookyard.core.publishing.fit import MAX_TEXT
from hookyard.core.publishing.keys import marker
from hookyard.core.publishing.model import (
    Annotation,
    CheckAction,
    CheckRunEffect,
    CommentEffect,
    IssueEffect,
    ReactionEffect,
)
from hookyard.kit.errors import Invalid
from hookyard.kit.json import as_list, as_text, dig

SHA = "0123456789abcdef0123456789abcdef01234567"


def run(
    annotations: int = 0,
    conclusion: str | None = None,
    summary: str = "s",
    text: str = "",
    title: str = "t",
) -> CheckRunEffect:
    lines = tuple(Annotation("a.py", n + 1, n + 1, "warning", f"m{n}") for n in range(annotations))
    return CheckRunEffect("a/b", SHA, "criteria", title, summary, text, conclusion, lines)


def test_a_marked_body_uses_the_whole_limit_and_no_more() -> None:
    head = marker("comment:a/b#1:c") + "\n"
    for size in (MAX_TEXT - len(head), MAX_TEXT, MAX_TEXT + 1):
        body = wire.marked("comment:a/b#1:c", "x" * size)
        assert body.startswith(head)
        assert len(body) <= MAX_TEXT
        assert ("not shown" in body) == (size > MAX_TEXT - len(head))


def test_no_conclusion_means_in_progress_and_never_neutral() -> None:
    body = wire.run_body(run(), ())
    assert body["status"] == "in_progress"
    assert "conclusion" not in body


def test_a_conclusion_completes_the_run() -> None:
    body = wire.run_body(run(conclusion="failure"), ())
    assert (body["status"], body["conclusion"]) == ("completed", "failure")


def test_output_texts_are_limited_in_bytes() -> None:
    body = wire.run_body(run(summary="é" * 60_000, text="é" * 60_000, title="é" * 300), ())
    for name in ("summary", "text"):
        assert len(as_text(dig(body, "output", name)).encode()) <= MAX_TEXT
    assert len(as_text(dig(body, "output", "title"))) == 255


def test_empty_title_and_summary_are_filled_as_github_wants_them() -> None:
    body = wire.run_body(run(summary="", title=""), ())
    assert dig(body, "output", "title") == "hookyard/criteria"
    assert dig(body, "output", "summary") == "-"


def test_annotations_beyond_the_maximum_are_counted_in_the_summary() -> None:
    effect = run(annotations=wire.MAX_ANNOTATIONS + 1, summary="x" * 70_000)
    assert len(wire.shown(effect)) == wire.MAX_ANNOTATIONS
    summary = as_text(dig(wire.run_body(effect, ()), "output", "summary"))
    assert summary.endswith("Showing 500 of 501 annotations.")
    assert len(summary.encode()) <= MAX_TEXT
    exact = run(annotations=wire.MAX_ANNOTATIONS)
    assert "Showing" not in as_text(dig(wire.run_body(exact, ()), "output", "summary"))


def test_an_annotation_is_put_right() -> None:
    body = wire.annotation_body(Annotation("./a.py", 0, -3, "notice", "", "T" * 300))
    assert body == {
        "path": "a.py",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "notice",
        "message": "T" * 300,
        "title": "T" * 254 + "…",
    }
    long = wire.annotation_body(Annotation("a", 1, 1, "notice", "é" * 70_000))
    assert len(as_text(long["message"]).encode()) <= MAX_TEXT


def test_a_page_of_annotations_is_sent_as_given() -> None:
    effect = run(annotations=3)
    sent = as_list(dig(wire.run_body(effect, effect.annotations[1:]), "output", "annotations"))
    assert [dig(item, "message") for item in sent] == ["m1", "m2"]


@pytest.mark.parametrize(
    "effect",
    [
        run(conclusion="stale"),
        run(conclusion="great"),
        CheckRunEffect(
            "a/b", SHA, "c", "t", "s", annotations=(Annotation("a", 1, 1, "error", "m"),)
        ),
    ],
)
def test_words_github_does_not_know_are_refused(effect: CheckRunEffect) -> None:
    with pytest.raises(Invalid):
        wire.check_run_words(effect)


@pytest.mark.parametrize(
    "actions",
    [
        (CheckAction("l" * 21, "d", "i"),),
        (CheckAction("l", "d" * 41, "i"),),
        (CheckAction("l", "d", "i" * 21),),
        (CheckAction("", "d", "i"),),
        (CheckAction("l", "d", "i"),) * 4,
    ],
)
def test_actions_beyond_githubs_limits_are_refused(actions: tuple[CheckAction, ...]) -> None:
    with pytest.raises(Invalid):
        wire.check_run_words(CheckRunEffect("a/b", SHA, "c", "t", "s", actions=actions))


def test_actions_are_shown_on_completed_runs_alone_and_taken_away_again() -> None:
    action = CheckAction("Re-run", "Look again", "revalidate")
    done = CheckRunEffect("a/b", SHA, "c", "t", "s", conclusion="failure", actions=(action,))
    assert wire.run_body(done, ())["actions"] == [
        {"label": "Re-run", "description": "Look again", "identifier": "revalidate"}
    ]
    assert "actions" not in wire.run_body(replace(done, conclusion=None), ())
    assert wire.run_body(replace(done, actions=()), ())["actions"] == []


def test_paths_are_where_github_keeps_things() -> None:
    assert wire.comment_path(CommentEffect("a/b", 1, "c", ""), "9") == (
        "/repos/a/b/issues/comments/9"
    )
    assert wire.reactions_path(ReactionEffect("a/b", 1, None, "eyes")) == (
        "/repos/a/b/issues/1/reactions"
    )
    assert wire.reactions_path(ReactionEffect("a/b", 1, 5, "eyes")) == (
        "/repos/a/b/issues/comments/5/reactions"
    )
    assert wire.issues_path(IssueEffect("a/b", "c", "t", "b")) == "/repos/a/b/issues"
