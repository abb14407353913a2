"""Ids stay with their criterion over every harmless edit, and are never given twice."""

import random
import time
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.features.checklists.align import Alignment, align
from hookyard.features.checklists.extract import extract
from hookyard.features.checklists.model import Criterion

WORDS = [
    "account", "basket", "colour", "delivery", "export", "filter", "gateway", "history",
    "invoice", "journal", "keyboard", "ledger", "message", "network", "order", "profile",
]  # fmt: skip
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=4, max_size=8).map(" ".join)
LISTS = st.lists(SENTENCES, min_size=1, max_size=8, unique=True)


def read(body: str, before: Sequence[Criterion] = (), next_id: int = 1) -> Alignment:
    return align(before, extract(body).items, next_id)


def edited(before: Alignment, body: str) -> Alignment:
    return read(body, before.criteria, before.next_id)


def tasks(texts: Sequence[str], *, bullet: str = "-", box: str = "[ ] ") -> str:
    return "## AC\n\n" + "".join(f"{bullet} {box}{text}\n" for text in texts)


def ids(alignment: Alignment) -> dict[str, str]:
    return {criterion.text: criterion.id for criterion in alignment.criteria}


@given(LISTS, st.randoms(use_true_random=False))
def test_reordering_keeps_every_id(texts: list[str], rng: random.Random) -> None:
    first = read(tasks(texts))
    shuffled = rng.sample(texts, len(texts))
    second = edited(first, tasks(shuffled))
    assert ids(second) == ids(first)
    assert (second.retired, second.added, second.revised) == ((), (), ())


@given(LISTS, st.data())
def test_a_typo_keeps_every_id_and_raises_one_revision(
    texts: list[str], data: st.DataObject
) -> None:
    first = read(tasks(texts))
    which = data.draw(st.integers(0, len(texts) - 1))
    at = data.draw(st.integers(0, len(texts[which]) - 1))
    wrong = texts[which][:at] + "q" + texts[which][at + 1 :]
    second = edited(first, tasks([*texts[:which], wrong, *texts[which + 1 :]]))
    assert [c.id for c in second.criteria] == [c.id for c in first.criteria]
    assert second.revised == (first.criteria[which].id,)
    assert [c.revision for c in second.criteria].count(2) == 1


@given(LISTS)
def test_a_typo_in_every_item_keeps_every_id(texts: list[str]) -> None:
    first = read(tasks(texts))
    second = edited(first, tasks([f"{text}x" for text in texts]))
    assert [c.id for c in second.criteria] == [c.id for c in first.criteria]


@given(
    LISTS, st.sampled_from(["*", "+", "1.", "2)"]), st.sampled_from(["[ ] ", "[x] ", "[X] ", ""])
)
def test_bullets_and_boxes_change_no_id_and_no_revision(
    texts: list[str], bullet: str, box: str
) -> None:
    first = read(tasks(texts))
    second = edited(first, tasks(texts, bullet=bullet, box=box))
    assert ids(second) == ids(first)
    assert all(criterion.revision == 1 for criterion in second.criteria)


@given(LISTS)
def test_line_ends_wrapping_and_emphasis_change_no_id_and_no_revision(texts: list[str]) -> None:
    first = read(tasks(texts))
    wrapped = [text.replace(" ", "\n      ", 1) for text in texts]
    bold = [f"**{text.replace(' ', '** ', 1)}" for text in texts]
    for body in (tasks(texts).replace("\n", "\r\n"), tasks(wrapped), tasks(bold)):
        second = edited(first, body)
        assert [c.id for c in second.criteria] == [c.id for c in first.criteria]
        assert not second.revised


@given(LISTS)
def test_the_same_text_again_changes_nothing(texts: list[str]) -> None:
    first = read(tasks(texts))
    second = edited(first, tasks(texts))
    assert second.criteria == first.criteria
    assert not second.changed


@settings(max_examples=200)
@given(st.lists(LISTS, min_size=2, max_size=6))
def test_no_id_is_ever_given_to_another_criterion(versions: list[list[str]]) -> None:
    current = read(tasks(versions[0]))
    gone: set[str] = set()
    for texts in versions[1:]:
        following = edited(current, tasks(texts))
        before = {c.id for c in current.criteria}
        now = [c.id for c in following.criteria]
        gone |= {c.id for c in following.retired}
        assert len(set(now)) == len(now)
        assert not gone & set(now)
        assert set(following.added) == set(now) - before
        assert before == (set(now) & before) | {c.id for c in following.retired}
        current = following


def test_deleting_and_adding_again_gives_a_new_id() -> None:
    first = read(tasks(["the export works", "the import works well"]))
    without = edited(first, tasks(["the import works well"]))
    assert [c.id for c in without.retired] == ["T1"]
    again = edited(without, tasks(["the export works", "the import works well"]))
    assert ids(again) == {"the export works": "T3", "the import works well": "T2"}


def test_splitting_keeps_the_id_at_the_first_half() -> None:
    first = read(tasks(["a user can sign in and sign out"]))
    second = edited(first, tasks(["a user can sign in", "a user can sign out"]))
    assert [c.id for c in second.criteria] == ["T1", "T2"]


def test_the_authors_id_wins_over_the_words() -> None:
    first = read("## AC\n- AC-1: old words here\n- AC-2: other words there\n")
    second = edited(first, "## AC\n- AC-2: other words there\n- AC-1: something else entirely\n")
    assert {c.author_id: c.id for c in second.criteria} == {"AC-1": "T1", "AC-2": "T2"}
    assert second.revised == ("T1",)


def test_our_own_id_written_by_the_author_names_that_criterion() -> None:
    first = read(tasks(["first thing", "second thing"]))
    second = edited(first, "## AC\n- T2: rewritten from the ground up\n- first thing\n")
    assert [c.id for c in second.criteria] == ["T2", "T1"]


def test_a_retired_id_written_by_the_author_is_not_given_again() -> None:
    first = read(tasks(["first thing", "second matter"]))
    second = edited(first, tasks(["first thing"]))
    third = edited(second, "## AC\n- first thing\n- T2: a stranger\n")
    assert [c.id for c in third.criteria] == ["T1", "T3"]
    assert third.criteria[1].author_id == "T2"


def test_similar_words_in_another_group_are_another_criterion() -> None:
    first = read("## AC\n### Web\n- the list loads in one second\n")
    second = edited(first, "## AC\n### Mobile\n- the list loads in two seconds\n")
    assert [c.id for c in second.criteria] == ["T2"]
    moved = edited(first, "## AC\n### Mobile\n- the list loads in one second\n")
    assert [c.id for c in moved.criteria] == ["T1"]


def test_a_typo_in_a_groups_name_keeps_the_ids_below() -> None:
    first = read("## AC\n- For administrators\n  - may delete pages\n")
    second = edited(first, "## AC\n- For adminstrators\n  - may delete a page\n")
    assert [c.id for c in second.criteria] == ["T1"]


def test_ticking_is_a_visible_change_but_no_revision() -> None:
    first = read(tasks(["it works"]))
    second = edited(first, tasks(["it works"], box="[x] "))
    assert second.changed
    assert second.criteria[0].revision == 1


def test_equal_texts_keep_their_own_ids_in_order() -> None:
    first = read(tasks(["same", "same", "other"]))
    second = edited(first, tasks(["same", "other", "same"]))
    assert [c.id for c in second.criteria] == ["T1", "T3", "T2"]


def test_the_longest_lists_align_in_bounded_time() -> None:
    texts = [f"{'the quick export of a ledger ' * 9}{n * 7919 % 1009}" for n in range(200)]
    first = read(tasks(texts))
    started = time.process_time()
    second = edited(first, tasks([f"x{text}" for text in texts]))
    assert time.process_time() - started < 3
    assert [c.id for c in second.criteria] == [c.id for c in first.criteria]


def test_short_lookalikes_align_in_bounded_time() -> None:
    first = read(tasks([f"{'abcdefgh ' * 6}{n}" for n in range(200)]))
    started = time.process_time()
    edited(first, tasks([f"{'hgfedcba ' * 4}{'abcdefgh ' * 2}{n}" for n in range(200)]))
    assert time.process_time() - started < 5
