"""New, fixed and carried; the score; what the check says. In any order, and whatever moves."""

import random
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.features.codehealth.model import (
    Assessment,
    Base,
    BaseHow,
    Changes,
    Conclusion,
    Finding,
    Format,
    Level,
    Noted,
    Origin,
    Readable,
    Reading,
    Report,
    Standing,
    Unreadable,
)
from hookyard.features.codehealth.render import check_run
from hookyard.features.codehealth.rules import (
    Policy,
    compare,
    current,
    identity,
    judge,
    score,
)

SHA = "a" * 40
FOUND = Finding("ruff", "E501", "a.py", 3, 3, Level.WARNING, "Line too long (101 > 100)")
BASE = Base(BaseHow.BASE, "b" * 40, "b" * 40)


def report(*findings: Finding, member: str = "ruff.json", **more: int) -> Report:
    return kept(Readable(Format.FINDINGS, findings), member, **more)


def kept(reading: Reading, member: str = "ruff.json", **more: int) -> Report:
    run, attempt = more.get("run", 1), more.get("attempt", 1)
    origin = Origin("acme/shop", SHA, run, attempt, 1, "", member, bool(more.get("fork")))
    return Report(f"r{run}.{attempt}", origin, reading, 1)


def standings(head: tuple[Finding, ...], base: tuple[Finding, ...]) -> dict[str, int]:
    found = compare([report(*head)], [report(*base)], Changes())
    return {each.value: len(found.of(each)) for each in Standing if found.of(each)}


def test_a_finding_that_moved_is_carried() -> None:
    assert standings((replace(FOUND, line=90, end_line=90),), (FOUND,)) == {"carried": 1}


def test_numbers_and_spaces_in_the_message_do_not_matter() -> None:
    other = replace(FOUND, message="Line  too long (130 > 100)")
    assert standings((other,), (FOUND,)) == {"carried": 1}


@pytest.mark.parametrize("field", ["tool", "rule", "path", "message"])
def test_another_tool_rule_path_or_message_is_another_finding(field: str) -> None:
    other = replace(FOUND, **{field: "other"})
    assert standings((other,), (FOUND,)) == {"new": 1, "fixed": 1}


def test_the_tools_own_fingerprint_goes_before_the_message() -> None:
    ours, theirs = replace(FOUND, fingerprint="x:1"), replace(FOUND, fingerprint="x:1", message="m")
    assert standings((ours,), (theirs,)) == {"carried": 1}
    assert standings((ours,), (replace(ours, fingerprint="x:2"),)) == {"new": 1, "fixed": 1}


def test_a_renamed_file_keeps_its_findings() -> None:
    moved = replace(FOUND, path="b.py")
    found = compare([report(moved)], [report(FOUND)], Changes(renamed={"b.py": "a.py"}))
    assert [one.standing for one in found.placed] == [Standing.CARRIED]


def test_of_findings_alike_the_one_on_a_changed_line_is_new() -> None:
    head = tuple(replace(FOUND, line=n, end_line=n) for n in (3, 8, 12))
    changes = Changes(20, {"a.py": frozenset({8})})
    found = compare([report(*head)], [report(FOUND, FOUND)], changes)
    assert [one.line for one in found.of(Standing.NEW)] == [8]
    assert len(found.of(Standing.CARRIED)) == 2


def test_reports_are_compared_name_by_name() -> None:
    head = [report(FOUND), report(FOUND, member="eslint.sarif")]
    base = [report(), report(FOUND, member="mypy.json")]
    found = compare(head, base, Changes())
    assert len(found.of(Standing.NEW)) == len(found.of(Standing.UNKNOWN)) == 1
    assert not found.of(Standing.FIXED)
    assert (found.without_base, found.missing) == (("eslint.sarif",), ("mypy.json",))


def test_an_unreadable_base_is_no_base() -> None:
    found = compare([report(FOUND)], [kept(Unreadable("not_json", "x"))], Changes())
    assert [one.standing for one in found.placed] == [Standing.UNKNOWN]


def test_the_newest_attempt_of_the_newest_run_counts() -> None:
    older = [report(run=1, attempt=9), report(FOUND, run=2), report(FOUND, run=2, attempt=2)]
    (one,) = current([*older, report(run=9, fork=1)])
    assert (one.origin.run_id, one.origin.attempt) == (2, 2)


SUM = "100 − (10 × 1 error + 3 × 1 warning + 1 × 0 notes) × 1,000 ÷ "


@pytest.mark.parametrize(
    ("lines", "value", "arithmetic"),
    [
        (1_000, 870, f"{SUM}1,000 changed lines = 87"),
        (300, 567, f"{SUM}300 changed lines = 56.7"),
        (7, 0, f"{SUM}100 changed lines (at least 100 are counted) = 0 (not below 0)"),
        (None, None, "no score: how many lines changed is not known"),
    ],
)
def test_the_score_shows_its_sum(lines: int | None, value: int | None, arithmetic: str) -> None:
    head = report(replace(FOUND, level=Level.ERROR), replace(FOUND, rule="x"))
    found = compare([head], [report()], Changes())
    assert score(found, lines).value == value
    assert score(found, lines).arithmetic == arithmetic


def test_carried_findings_cost_nothing_and_unknown_ones_do() -> None:
    assert score(compare([report(FOUND)], [report(FOUND)], Changes()), 1_000).value == 1_000
    assert score(compare([report(FOUND)], None, Changes()), 1_000).value == 970


def gate(head: list[Report], base: list[Report] | None, **policy: object) -> tuple[str, str]:
    found = compare(head, base, Changes())
    where = Base(BaseHow.NONE, None, None) if base is None else BASE
    said = judge(head, found, where, Policy(**policy))  # type: ignore[arg-type]
    return said.conclusion.value, said.reasons[0]


LOST = Readable(Format.FINDINGS, (), (Noted("entry_not_object", 2, "7", lost=True),))


@pytest.mark.parametrize(
    ("head", "base", "policy", "said"),
    [
        ([report()], [report()], {}, "success"),
        ([report(FOUND)], [report(FOUND)], {}, "success"),
        ([report(FOUND)], [report()], {}, "failure"),
        ([report(FOUND)], [report()], {"max_new": 1}, "success"),
        ([report(FOUND)], [report()], {"level": Level.ERROR}, "success"),
        ([report()], [report(FOUND)], {}, "success"),
        ([], [report()], {}, "failure"),
        ([kept(Unreadable("not_json", "x"))], [report()], {}, "failure"),
        ([kept(Unreadable("not_json", "x"))], None, {"lenient": True}, "failure"),
        ([kept(LOST)], [report()], {}, "failure"),
        ([kept(LOST)], [report()], {"max_new": 2}, "success"),
        ([report(FOUND)], None, {}, "action_required"),
        ([report(FOUND)], None, {"lenient": True}, "success"),
        ([report()], None, {}, "success"),
        ([report()], [report(), report(member="x.sarif")], {}, "action_required"),
        ([report()], [report(), report(member="x.sarif")], {"absent": True}, "success"),
    ],
)
def test_the_gate(
    head: list[Report], base: list[Report] | None, policy: dict[str, object], said: str
) -> None:
    conclusion, reason = gate(head, base, **policy)
    assert conclusion == said
    assert reason


FINDINGS = st.builds(
    Finding,
    tool=st.sampled_from(["ruff", "mypy"]),
    rule=st.sampled_from(["A", "B", ""]),
    path=st.sampled_from(["a.py", "b.py", ""]),
    line=st.one_of(st.none(), st.integers(1, 6)),
    end_line=st.one_of(st.none(), st.integers(1, 9)),
    level=st.sampled_from(list(Level)),
    message=st.sampled_from(["one", "two 1", "two 2", "<b>@x</b>"]),
    fingerprint=st.sampled_from(["", "", "f"]),
)


def shown(head: list[Finding], base: list[Finding]) -> bytes:
    """The whole check run as bytes, of two reports."""
    cut = len(head) // 2
    reports = [report(*head[:cut]), report(*head[cut:], member="b")]
    changes = Changes(250, {"a.py": frozenset({1, 2, 5})}, {"b.py": "c.py"})
    compared = compare(reports, [report(*base)], changes)
    found = Assessment(
        "acme/shop", 7, SHA, BASE, compared, score(compared, 250),
        judge(reports, compared, BASE, Policy()), from_fork=False, changed_lines=250,
    )  # fmt: skip
    return msgspec.json.encode((check_run(found, reports, changes), found))


@given(st.lists(FINDINGS, max_size=14), st.lists(FINDINGS, max_size=14), st.randoms())
def test_any_order_gives_the_same_bytes(
    head: list[Finding], base: list[Finding], shuffled: random.Random
) -> None:
    cut = len(head) // 2
    first, second, other = head[:cut], head[cut:], list(base)
    before = shown(first + second, other)
    for each in (first, second, other):
        shuffled.shuffle(each)
    assert shown(first + second, other) == before


@given(st.lists(FINDINGS, max_size=14), st.lists(FINDINGS, max_size=14))
def test_nothing_is_lost_or_counted_twice(head: list[Finding], base: list[Finding]) -> None:
    found = compare([report(*head)], [report(*base)], Changes())
    counts = {each: len(found.of(each)) for each in Standing}
    assert counts[Standing.NEW] + counts[Standing.CARRIED] == len(head)
    assert counts[Standing.FIXED] + counts[Standing.CARRIED] == len(base)


@given(st.lists(FINDINGS, max_size=9), st.integers(1, 50))
def test_moving_every_line_changes_no_standing(head: list[Finding], by: int) -> None:
    moved = [
        replace(one, line=one.line and one.line + by, end_line=one.end_line and one.end_line + by)
        for one in head
    ]
    found = compare([report(*moved)], [report(*head)], Changes())
    assert {one.standing for one in found.placed} <= {Standing.CARRIED}
    assert [identity(one, {}) for one in moved] == [identity(one, {}) for one in head]


def test_the_conclusion_is_never_neutral() -> None:
    assert {each.value for each in Conclusion} == {"success", "failure", "action_required"}
