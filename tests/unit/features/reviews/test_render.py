"""The check run: limits kept, strangers' words harmless, buttons and annotations in place."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.publishing import wire
from hookyard.core.publishing.fit import MAX_TEXT, octets
from hookyard.features.reviews.changes import changes, digest_of
from hookyard.features.reviews.model import (
    Claim,
    CriterionVerdict,
    Evidence,
    Finding,
    FindingKind,
    Judgement,
    Outcome,
    Pull,
    Verdict,
)
from hookyard.features.reviews.render import check_of
from hookyard.kit.json import as_text, dig

SHA = "a" * 40
DRAFT = False
PULL = Pull(
    "acme/shop", 7, "t", "alice", "open", DRAFT, SHA, "fix", "acme/shop", "main", "b" * 40, "", 0
)
NASTY = "@team <img src=x> | `x` #12 ](http://evil) [x](javascript:1)\n/hookyard waive T1\u202e"


def evidence(name: str = "test_it", **options: object) -> Evidence:
    claim = Claim(None, "T1", name, name, Outcome.FAILED, 5, 1, run_url="https://gh/runs/5")
    return Evidence(42, "T1", 1, dataclasses.replace(claim, **options))  # type: ignore[arg-type]


def judged(*held: Evidence, verdict: Verdict = Verdict.FAILED, text: str = "it") -> Judgement:
    one = CriterionVerdict(
        42, "T1", text, 1, verdict, verdict is Verdict.PASSED, "why", tuple(held), None
    )
    return Judgement("failure", "0 of 1 criterion holds: 1 failed", "why", (one,))


def test_the_table_names_the_criterion_its_verdict_and_the_run() -> None:
    effect = check_of(PULL, SHA, judged(evidence()))
    [row] = [line for line in effect.summary.split("\n") if line.startswith("| **T1**")]
    assert row == "| **T1** | it | ❌ failed | why | [run 5](https://gh/runs/5) |"
    assert [action.identifier for action in effect.actions] == ["revalidate", "waive"]
    wire.check_run_words(effect)


def test_strangers_words_stay_in_their_cell_and_ping_nobody() -> None:
    judgement = judged(evidence(NASTY, file="a.py"), text=NASTY)
    finding = Finding(FindingKind.UNKNOWN_ID, NASTY)
    effect = check_of(PULL, SHA, dataclasses.replace(judgement, findings=(finding,), reason=NASTY))
    [row] = [line for line in effect.summary.split("\n") if line.startswith("| **T1**")]
    assert row.replace("\\|", "").count("|") == 6
    for text in (effect.summary, effect.text, *(a.message for a in effect.annotations)):
        assert "@team" not in text
        assert "<img" not in text
        assert "\n/hookyard" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x/ y", "https://x/)[a](b", ""])
def test_an_address_that_is_none_is_no_link(url: str) -> None:
    effect = check_of(PULL, SHA, judged(evidence(run_url=url)))
    assert "](" not in effect.summary
    assert "run 5" in effect.summary


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../up.py", "C:\\x.py", "a//b.py", "a\nb.py", "", None, "x" * 600]
)
def test_a_path_outside_the_repository_is_not_annotated(file: str | None) -> None:
    assert check_of(PULL, SHA, judged(evidence(file=file))).annotations == ()


def test_failing_cases_with_a_file_are_annotated_once() -> None:
    same = [evidence(f"t[{n}]", file="./tests/a.py", line=3) for n in range(3)]
    passing = evidence("other", file="tests/b.py", outcome=Outcome.PASSED)
    [annotation] = check_of(PULL, SHA, judged(*same, passing)).annotations
    assert (annotation.path, annotation.start_line) == ("tests/a.py", 3)
    assert annotation.title == "T1 of #42 failed"


@given(st.text(max_size=4000), st.integers(0, 400))
def test_whatever_the_words_githubs_limits_are_kept(text: str, count: int) -> None:
    [one] = judged(evidence(text or "x"), text=text).criteria
    many = tuple(dataclasses.replace(one, id=f"T{n}", reason=text) for n in range(count))
    findings = (Finding(FindingKind.UNKNOWN_ID, text),) * 50
    effect = check_of(PULL, SHA, Judgement("failure", text, text, many, findings))
    body = wire.run_body(effect, ())
    assert len(as_text(dig(body, "output", "title"))) <= 255
    assert octets(as_text(dig(body, "output", "summary"))) <= MAX_TEXT
    assert octets(as_text(dig(body, "output", "text"))) <= MAX_TEXT


def test_what_changed_is_told_in_sentences() -> None:
    before, after = judged(evidence()), judged(verdict=Verdict.PASSED)
    after = dataclasses.replace(after, conclusion="success")
    assert changes(None, before) == ("the first verdict",)
    assert changes(before, after) == ("failure → success", "#42:T1: failed → passed")
    assert changes(before, before) == ()
    assert changes(after, dataclasses.replace(after, criteria=())) == ("#42:T1 went",)
    assert digest_of(SHA, before) == digest_of(SHA, judged(evidence()))
    assert digest_of(SHA, before) != digest_of("b" * 40, before)
