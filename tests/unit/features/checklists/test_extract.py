"""What the extractor finds in issues, and that nothing strange makes it slow or fail."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.features.checklists.extract import MAX_ITEMS, extract
from hookyard.features.checklists.model import Confidence, Item, ItemKind, Purpose
from hookyard.features.checklists.text import MAX_BYTES, MAX_DETAIL, MAX_TEXT

SAMPLES = Path(__file__).parents[3] / "samples" / "criteria"
CASES = sorted(path.name for path in SAMPLES.iterdir())
DEFAULTS = {
    "author_id": None,
    "purpose": "criterion",
    "waived": False,
    "detail": "",
    "depth": 0,
}


def as_json(item: Item) -> dict[str, object]:
    return {
        "id": item.id,
        "text": item.text,
        "checked": item.checked,
        "group": item.group,
        "line": item.line,
        "kind": item.kind.value,
        "author_id": item.author_id,
        "purpose": item.purpose.value,
        "waived": item.struck,
        "detail": item.detail,
        "depth": item.depth,
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_sample_is_read_as_its_author_meant(case: str, newline: str) -> None:
    body = (SAMPLES / case / "issue.md").read_text(encoding="utf-8").replace("\n", newline)
    expected = json.loads((SAMPLES / case / "expected.json").read_text(encoding="utf-8"))

    found = extract(body)

    assert [as_json(item) for item in found.items] == [DEFAULTS | e for e in expected["items"]]
    assert found.confidence.value == expected["confidence"]
    assert expected["reason_has"] in found.reason


def test_there_are_samples() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(
    "label",
    [
        "# ACCEPTANCE CRITERIA",
        "###### Acceptance Criterion:",
        "## ✅ Acceptance criteria",
        "## 3. Acceptance criteria",
        "## 1.2 Acceptance criteria",
        "## Acceptance criteria (draft)",
        "## Acceptance criteria for the API",
        "## *Acceptance criteria*",
        "**Acceptance criteria**",
        "__Acceptance criteria:__",
        "**Acceptance criteria**:",
        "Acceptance criteria:",
        "AC:",
        "**A/C**",
        "Some words first.\nDefinition of Done:",
        "Done when:",
        "Acceptance criteria\n---",
        "<h2>Acceptance criteria</h2>\n",
        "## Criterios de aceptación",
        "## Critérios de aceite",
        "## Criteri di accettazione",
        "## Acceptatiecriteria",
        "## Kryteria akceptacji",
        "## 受け入れ基準",
        "## 验收条件",
    ],
)
def test_label_opens_a_section(label: str) -> None:
    found = extract(f"Intro.\n\n{label}\n\n- It works\n")
    assert [item.text for item in found.items] == ["It works"]
    assert found.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    "label",
    [
        "## Acceptance criteria were dropped",
        "Acceptance criteria",
        "- Acceptance criteria:",
        "# ac dc",
    ],
)
def test_text_that_only_looks_like_a_label_opens_nothing(label: str) -> None:
    assert extract(f"{label}\n\n- It works\n").items == ()


def test_section_ends_at_a_heading_of_its_own_rank_but_not_below() -> None:
    found = extract("## AC\n- one\n### Part\n- two\n## Other\n- three\n")
    assert [(item.text, item.group) for item in found.items] == [("one", ""), ("two", "Part")]


def test_known_label_inside_a_section_mutes_it_until_the_next_heading() -> None:
    found = extract("## AC\n- one\n\nNotes:\n- two\n### Backend\n- three\n")
    assert [item.text for item in found.items] == ["one", "three"]


def test_text_of_an_item_is_cut_and_the_number_of_items_is_capped() -> None:
    long = extract("## AC\n- " + "word " * 2000)
    assert len(long.items[0].text) == MAX_TEXT
    many = extract("## AC\n" + "- [ ] thing\n" * (MAX_ITEMS + 50))
    assert len(many.items) == MAX_ITEMS
    assert "the first 200 of 250 items are kept" in many.reason


def test_only_the_first_bytes_of_a_huge_text_are_read() -> None:
    body = "## AC\n- one\n\n" + "é" * MAX_BYTES + "\n\n- two\n"
    found = extract(body)
    assert [item.text for item in found.items] == ["one"]
    assert "only the first" in found.reason


def test_ids_of_authors_that_are_ours_already_are_kept() -> None:
    found = extract("## AC\n- first\n- T1: second\n- T7: third\n- fourth\n")
    assert [item.id for item in found.items] == ["T2", "T1", "T7", "T3"]


def test_doubled_author_ids_get_ids_of_their_own() -> None:
    found = extract("## AC\n- T1: first\n- T1: second\n")
    assert [item.id for item in found.items] == ["T1", "T2"]


def test_scenario_columns_of_a_table_make_scenarios() -> None:
    found = extract("## AC\n\n|Given|When|Then|\n|-|-|-|\n|a user|they go|it works|\n")
    assert found.items[0].text == "Given a user when they go then it works"
    assert found.items[0].kind is ItemKind.SCENARIO


def test_tests_without_criteria_are_tagged_as_tests() -> None:
    found = extract("## Test plan\n- [ ] run it\n")
    assert found.confidence is Confidence.MEDIUM
    assert found.items[0].purpose is Purpose.TEST


def test_steps_with_boxes_are_one_scenario_ticked_when_all_are() -> None:
    steps = "- [x] Given a\n- [x] When b\n- [{}] Then c\n"
    assert [i.checked for i in extract("## AC\n" + steps.format("x")).items] == [True]
    assert [i.checked for i in extract("## AC\n" + steps.format(" ")).items] == [False]


def test_nothing_is_read_under_what_is_out_of_scope() -> None:
    assert extract("## Out of scope\n- [ ] a dream\n").items == ()


HOSTILE = {
    "quotes": ">" * MAX_BYTES,
    "quoted lines": "> " * 30 + "a\n" * 5000,
    "dashes": "- " * (MAX_BYTES // 2),
    "brackets": "[" * MAX_BYTES,
    "open boxes": "- [ ] [" * (MAX_BYTES // 7),
    "comments": "a <!--" * (MAX_BYTES // 6),
    "comment blocks": "<!--\n\n" * (MAX_BYTES // 6),
    "summaries": "<summary " * (MAX_BYTES // 9),
    "wide table": "|a" * 4000 + "\n" + "|-" * 4000 + "\n" + "x\n" * 40_000,
    "long table": "|criterion|id|\n|-|-|\n" + "|x|y|\n" * (MAX_BYTES // 6),
    "tasks": "- [ ] a\n" * (MAX_BYTES // 8),
    "steps": "Given when when when when\n" * (MAX_BYTES // 26),
    "one line of steps": "Given " + "when " * (MAX_BYTES // 5),
    "bold": "**" * (MAX_BYTES // 2),
    "bold lines": "**a**\n" * (MAX_BYTES // 6),
    "underscores": "a" + "_" * MAX_BYTES,
    "deep list": "\n".join("  " * depth + "- x" for depth in range(500)),
    "numbering": "## " + "1." * (MAX_BYTES // 2),
    "waivers": "- " + "(out of scope) " * (MAX_BYTES // 15),
    "tildes": "- " + "~~a~" * (MAX_BYTES // 4),
    "struck items": "- ~~a~~ (b\n" * (MAX_BYTES // 12),
    "deletions": "- <del>" * (MAX_BYTES // 7),
    "holes": "- [a] " * (MAX_BYTES // 6),
    "ids": "- AC-1 AC-2: " * (MAX_BYTES // 13),
    "headings with ids": "### AC-1: a\n\nb\n\n" * (MAX_BYTES // 18),
    "doc strings": "## AC\n\nGiven a\n" + '"""\n' * (MAX_BYTES // 4),
    "lines of steps apart": "Given a\n\n" * (MAX_BYTES // 9),
    "comments in a line": "a <!-- b\n --> c\n" * (MAX_BYTES // 16),
    "many details": "- a\n\n  b\n\n" * (MAX_BYTES // 10),
    "one item's details": "- a\n" + "\n  b\n" * (MAX_BYTES // 5),
    "links": "## [a](b) " + "[a](b)" * (MAX_BYTES // 6),
    "accents": "## " + "e\u0301" * (MAX_BYTES // 3),
    "spaces": "- x" + " " * MAX_BYTES + ")",
    "surrogates": "## AC\n- \ud800 lone\x00\n",
    "empty items": "-\n" * (MAX_BYTES // 2),
    "headings": "# a\n" * (MAX_BYTES // 4),
    "groups": "".join(f"{'#' * (n % 6 + 1)} AC\n- x\n" for n in range(20_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("lead", ["", "## AC\n\n", "- AC:\n  - "])
def test_hostile_text_is_read_in_bounded_time(name: str, lead: str) -> None:
    started = time.process_time()
    found = extract(lead + HOSTILE[name])
    assert time.process_time() - started < 12
    assert len(found.items) <= MAX_ITEMS
    assert found.reason
    for item in found.items:
        item.text.encode()
        assert "\x00" not in item.text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "## AC",
                "- [ ] a",
                "- b",
                "  - c",
                "> q",
                "```",
                "<!--",
                "-->",
                "| a |",
                "|-|",
                "**x**",
                "Given a",
                "When b",
                "Then c",
                "",
                "1. n",
                "AC:",
                "<details>",
                "\t- t",
                "~~s~~",
                "\\",
            ]
        )
        | st.text(max_size=12),
        max_size=25,
    )
)
def test_any_text_is_read_without_failing_and_always_the_same(lines: list[str]) -> None:
    body = "\n".join(lines)
    found = extract(body)
    assert found == extract(body)
    assert found.reason
    assert (found.confidence is Confidence.NONE) == (not found.items)
    assert len({item.id for item in found.items}) == len(found.items)
    assert all(
        item.text.strip() and 1 <= item.line <= body.count("\n") + body.count("\r") + 1
        for item in found.items
    )


def test_a_comment_inside_a_paragraph_announces_nothing() -> None:
    hidden = "Some words <!--\n**Acceptance criteria**\nAC-1: hidden\n--> go on.\n\n- a bullet\n"
    assert extract(hidden).items == ()
    after = "Words <!-- one\ntwo --> here.\n**AC**\n\n- It works\n"
    assert [(item.text, item.line) for item in extract(after).items] == [("It works", 5)]


def test_a_change_in_what_is_not_kept_of_a_long_text_shows() -> None:
    long = "- [ ] " + "word " * 400
    first, other = (extract(f"## AC\n{long}{end}").items[0].text for end in ("one", "two"))
    assert len(first) <= MAX_TEXT
    assert first != other
    assert first[:900] == other[:900]
    details = [
        extract("## AC\n- it\n\n  " + "line\n  " * 2000 + end).items[0].detail for end in ("x", "y")
    ]
    assert len(details[0]) <= MAX_DETAIL
    assert details[0] != details[1]


@pytest.mark.parametrize(
    "body",
    [
        "## AC\n- one\n" + "x" * MAX_BYTES,
        "## AC\n- one\n" + "\n" * 20_000,
        "## AC\n- one " + "x" * 20_000,
        "## AC\n" + "".join("  " * depth + "- a\n" for depth in range(30)),
        "## AC\n" + "- a\n" * (MAX_ITEMS + 1),
    ],
)
def test_what_was_not_read_is_said(body: str) -> None:
    assert extract(body).cut
    assert not extract("## AC\n- one\n").cut
