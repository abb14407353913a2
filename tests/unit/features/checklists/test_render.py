"""The comment says what stands in the issue, and nothing a stranger wrote takes effect in it."""

from dataclasses import replace

from hookyard.core.publishing.fit import MAX_TEXT
from hookyard.features.checklists.align import align
from hookyard.features.checklists.extract import extract
from hookyard.features.checklists.model import Waiver, WaiverKind
from hookyard.features.checklists.render import render


def comment(body: str) -> str:
    found = extract(body)
    return render(align((), found.items, 1).criteria, found.reason, 42)


def test_comment_lists_ids_ticks_groups_and_marks() -> None:
    text = comment(
        "## AC\n- [x] AC-1: done thing\n- [ ] open thing\n"
        "- Backend\n  - ~~dropped thing~~\n## Test plan\n- try it\n"
    )
    assert "4 items, 1 of 2 ticked, under “AC” (line 1), “Test plan” (line 6)." in text
    assert "- ☑ **T1** done thing (AC-1)" in text
    assert "- ☐ **T2** open thing" in text
    assert "\n\nBackend:\n\n- **T3** dropped thing (waived in the issue)" in text
    assert "\n\nFurther:\n\n- **T4** try it (test)" in text


def test_comment_says_why_there_are_none() -> None:
    text = comment("Nothing to see.")
    assert "None found in this issue: no section such as" in text


def test_mentions_references_and_html_of_strangers_are_defused() -> None:
    text = comment(
        "## AC @octocat <!-- x\n- ping @octocat and #12 <img src=x> &lt;b&gt;\n"
        "- group @hubot\n  - `child` </details>\n"
    )
    for live in ("@octocat", "@hubot", "#12", "<img", "&lt;", "</details"):
        assert live not in text


def test_a_stranger_cannot_forge_our_hidden_marker() -> None:
    text = comment("## AC\n- a <!-- hookyard:comment:o/r#1:criteria\n")
    assert "<!--" not in text


def test_long_lists_fit_and_say_how_much_is_missing() -> None:
    text = comment("## AC\n" + "".join(f"- {'@' * 900} {n}\n" for n in range(200)))
    assert len(text) <= MAX_TEXT
    assert "And 100 more." in text


def test_comment_says_how_a_test_names_its_criterion() -> None:
    text = comment("## AC\n- T7: it saves\n")
    for form in (
        "`T7::what_it_shows`",
        "`test_T7_what_it_shows`",
        "`autoqa:T7`",
        "`@T7`",
        "`42/T7`",
    ):
        assert form in text


def test_comment_names_who_waived_and_why_without_effect() -> None:
    found = extract("## AC\n- it saves\n")
    (criterion,) = align((), found.items, 1).criteria
    waiver = Waiver(WaiverKind.PERSON, "user:@eve", "see #1 <!-- x", 5, 1)
    text = render((replace(criterion, decided=waiver),), found.reason, 42)
    assert "waived by user:@" in text
    for live in ("@eve", "#1", "<!--"):
        assert live not in text
