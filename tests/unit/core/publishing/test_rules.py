"""Which call comes next, and what an answer, a look or a refusal makes of an effect."""

from dataclasses import replace

import pytest

from hookyard.core.publishing import rules
from hookyard.core.publishing.model import (
    Annotation,
    CheckRunEffect,
    CommentEffect,
    Effect,
    EffectId,
    EffectState,
    IssueEffect,
    ReactionEffect,
    Urgency,
)
from hookyard.core.publishing.rows import EffectRow, IntentKind, Progress, Seen
from hookyard.core.publishing.service import desired_hash, key_of
from hookyard.kit.json import Json, as_list, dig

SHA = "0123456789abcdef0123456789abcdef01234567"
NOW = 1_700_000_000_000
COMMENT = CommentEffect("a/b", 12, "criteria", "hello")


def row(effect: Effect, **changes: object) -> EffectRow:
    fresh = EffectRow(
        id=EffectId("e1"),
        key=key_of(effect),
        effect=effect,
        urgency=Urgency.CHECK,
        state=EffectState.PENDING,
        generation=1,
        landed_generation=0,
        desired_hash=desired_hash(effect),
        landed_hash=None,
        intent=None,
        progress=Progress(),
        external_id=None,
        url=None,
        error=None,
        job_id="j1",
        delivery_id=None,
        requested_at_ms=NOW,
        landed_at_ms=None,
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


def wanted(it: EffectRow, effect: Effect) -> EffectRow:
    return replace(
        it,
        effect=effect,
        generation=it.generation + 1,
        desired_hash=desired_hash(effect),
        state=EffectState.PENDING,
    )


def check(count: int, conclusion: str | None = "failure", first: str = "m") -> CheckRunEffect:
    notes = tuple(Annotation("a.py", n + 1, n + 1, "notice", f"{first}{n}") for n in range(count))
    return CheckRunEffect(
        "a/b", SHA, "criteria", "t", "s", conclusion=conclusion, annotations=notes
    )


def call_of(it: EffectRow) -> rules.Call:
    call = rules.next_call(it)
    assert call is not None
    return call


def after(it: EffectRow, data: Json = None) -> EffectRow:
    """The row once GitHub has taken the next call."""
    call = call_of(it)
    answer = data if data is not None else {"id": 7, "number": 7, "html_url": "https://gh/7"}
    return rules.answered(it, it, call, answer, NOW)


def land(it: EffectRow) -> tuple[EffectRow, list[rules.Call]]:
    calls = []
    while (call := rules.next_call(it)) is not None:
        calls.append(call)
        it = after(it)
        assert len(calls) < 20
    return it, calls


def pages(calls: list[rules.Call]) -> list[int]:
    return [len(as_list(dig(call.body, "output", "annotations"))) for call in calls]


@pytest.mark.parametrize("effect", [COMMENT, check(0), IssueEffect("a/b", "c", "t", "b")])
def test_a_new_thing_is_made_and_a_changed_one_edited(effect: Effect) -> None:
    landed, calls = land(row(effect))
    assert [call.method for call in calls] == ["POST"]
    assert landed.state is EffectState.LANDED
    assert rules.next_call(landed) is None
    changed = replace(landed, desired_hash="other")
    assert call_of(changed).method == "PATCH"


def test_a_comment_carries_its_marker() -> None:
    body = call_of(row(COMMENT)).body
    assert body == {"body": "<!-- hookyard:comment:a/b#12:criteria -->\nhello"}


def test_labels_are_put_on_once_and_left_to_people_afterwards() -> None:
    effect = IssueEffect("a/b", "c", "t", "b", labels=("x",))
    assert call_of(row(effect)).body["labels"] == ("x",)
    edit = call_of(row(effect, external_id="5", landed_hash="old"))
    assert "labels" not in edit.body
    assert edit.path == "/repos/a/b/issues/5"


def test_an_issue_is_known_by_its_number() -> None:
    landed = after(row(IssueEffect("a/b", "c", "t", "b")), {"id": 99, "number": 5})
    assert landed.external_id == "5"


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, [0]), (49, [49]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])],
)
def test_annotations_go_out_in_pages_of_fifty(count: int, sizes: list[int]) -> None:
    landed, calls = land(row(check(count)))
    assert pages(calls) == sizes
    assert landed.progress.annotations == count
    assert [call.method for call in calls] == ["POST"] + ["PATCH"] * (len(sizes) - 1)


def test_more_annotations_are_appended_not_repeated() -> None:
    landed, _ = land(row(check(60)))
    _, calls = land(wanted(landed, check(70)))
    assert pages(calls) == [10]


@pytest.mark.parametrize("effect", [check(59), check(60, first="other"), check(0)])
def test_annotations_that_must_go_take_a_new_run(effect: CheckRunEffect) -> None:
    landed, _ = land(row(check(60)))
    again, calls = land(wanted(landed, effect))
    assert calls[0].method == "POST"
    assert calls[0].body["external_id"] == landed.key + "~2"
    assert again.progress.epoch == 2


def test_a_completed_run_is_not_reopened_but_made_anew() -> None:
    landed, _ = land(row(check(0)))
    assert call_of(wanted(landed, check(0, conclusion=None))).method == "POST"


def test_a_run_in_progress_is_completed_by_editing() -> None:
    landed, _ = land(row(check(0, conclusion=None)))
    assert call_of(wanted(landed, check(3))).method == "PATCH"


def test_a_conclusion_github_did_not_take_leads_to_a_new_run() -> None:
    landed, _ = land(row(check(0, "success")))
    asked = wanted(landed, check(0, "failure"))
    kept = after(asked, {"id": 7, "conclusion": "success"})
    assert kept.state is EffectState.PENDING
    assert call_of(kept).method == "POST"
    assert after(asked, {"id": 7, "conclusion": "failure"}).state is EffectState.LANDED


def test_a_newer_generation_stays_pending_when_the_older_one_lands() -> None:
    it = row(COMMENT)
    call = call_of(it)
    newer = wanted(it, replace(COMMENT, body="newer"))
    settled = rules.answered(newer, it, call, {"id": 7}, NOW)
    assert settled.state is EffectState.PENDING
    assert (settled.landed_generation, settled.external_id) == (1, "7")
    assert call_of(settled).method == "PATCH"


def intended(it: EffectRow) -> EffectRow:
    return rules.intend(it, call_of(it), NOW)


def test_only_an_unanswered_call_or_an_order_makes_a_look_needed() -> None:
    it = row(COMMENT)
    assert not rules.must_look(it, look_on_first=False)
    assert rules.must_look(it, look_on_first=True)
    assert rules.must_look(intended(it), look_on_first=False)
    edit = intended(row(COMMENT, external_id="7", landed_hash="old"))
    assert not rules.must_look(edit, look_on_first=True)
    reaction = intended(row(ReactionEffect("a/b", 1, 2, "eyes")))
    assert not rules.must_look(reaction, look_on_first=True)


def test_a_page_without_an_answer_makes_a_look_needed_but_a_plain_edit_does_not() -> None:
    first = after(row(check(60)))
    assert rules.must_look(intended(first), look_on_first=False)
    landed, _ = land(row(check(60)))
    plain = wanted(landed, replace(check(60), summary="new"))
    assert not rules.must_look(intended(plain), look_on_first=False)


def test_what_a_look_finds_is_not_written_again() -> None:
    found = rules.found(intended(row(COMMENT)), Seen("7", "u"))
    assert rules.next_call(found) is None
    assert found.external_id == "7"


def test_what_a_look_finds_is_edited_when_it_shows_an_older_state() -> None:
    older = wanted(intended(row(COMMENT)), replace(COMMENT, body="newer"))
    assert call_of(rules.found(older, Seen("7", "u"))).method == "PATCH"


def test_a_found_check_run_goes_on_where_it_stands() -> None:
    it = intended(row(check(120)))
    found = rules.found(it, Seen("7", "u", annotations=50, completed=True))
    _, calls = land(found)
    assert pages(calls) == [50, 20]


def test_a_found_check_run_with_unexplained_annotations_is_replaced() -> None:
    seen = Seen("7", "u", epoch=3, annotations=9, completed=True)
    replaced = call_of(rules.found(row(check(20)), seen))
    assert (replaced.method, replaced.after.epoch) == ("POST", 4)


@pytest.mark.parametrize(("count", "sizes"), [(50, [50, 20]), (100, [20])])
def test_a_page_that_had_landed_is_not_sent_again(count: int, sizes: list[int]) -> None:
    second = intended(after(row(check(120))))
    counted = rules.counted(second, Seen("7", "u", annotations=count, completed=True))
    _, calls = land(counted)
    assert pages(calls) == sizes


def test_an_intent_no_look_could_settle_keeps_its_instant() -> None:
    first = intended(row(COMMENT))
    again = rules.intend(first, call_of(first), NOW + 900_000)
    assert again.intent is not None
    assert again.intent.at_ms == NOW


def test_what_vanished_is_made_anew_and_a_check_run_under_a_new_name() -> None:
    landed, _ = land(row(COMMENT))
    assert call_of(rules.gone(landed)).method == "POST"
    run, _ = land(row(check(60)))
    anew = call_of(rules.gone(run))
    assert (anew.method, anew.body["external_id"]) == ("POST", run.key + "~2")


def test_an_answer_without_an_id_names_nothing() -> None:
    assert rules.names_it(row(COMMENT), {"id": 7})
    assert not rules.names_it(row(COMMENT), {"ok": True})
    assert not rules.names_it(row(IssueEffect("a/b", "c", "t", "b")), {"id": 7})


def test_death_spares_a_newer_generation() -> None:
    it = intended(row(COMMENT))
    assert rules.dead(it, 1, "no", undone=True).state is EffectState.DEAD
    newer = replace(it, generation=2)
    spared = rules.dead(newer, 1, "no", undone=False)
    assert (spared.state, spared.error) == (EffectState.PENDING, "no")
    assert spared.intent == it.intent
    assert rules.dead(it, 1, "no", undone=True).intent is None
    assert it.intent is not None
    assert it.intent.kind is IntentKind.CREATE


@pytest.mark.parametrize(
    ("passed_ms", "held"),
    [(0, True), (11_999, True), (12_000, False), (-1, False), (-86_400_000, False)],
)
def test_a_call_without_an_answer_holds_the_next_until_github_must_be_done_with_it(
    passed_ms: int, held: bool
) -> None:
    it = rules.intend(row(COMMENT), call_of(row(COMMENT)), NOW - 60_000)
    it = rules.intend(it, call_of(it), NOW)
    until_ms = rules.under_way_until_ms(it, NOW + passed_ms, 12_000)
    assert until_ms == (NOW + 12_000 if held else None)


def test_a_reaction_needs_no_hold_and_an_answered_call_none() -> None:
    reaction = row(ReactionEffect("a/b", 12, None, "eyes"))
    unsure = rules.intend(reaction, call_of(reaction), NOW)
    assert rules.under_way_until_ms(unsure, NOW, 12_000) is None
    assert rules.under_way_until_ms(row(COMMENT), NOW, 12_000) is None
