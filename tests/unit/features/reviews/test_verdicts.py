"""From claims to verdicts: what counts, what is said, and that order changes nothing."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.features.reviews.matching import match
from hookyard.features.reviews.model import (
    Claim,
    Evidence,
    FindingKind,
    IssueCriteria,
    Judgement,
    Mark,
    Outcome,
    Policy,
    ReportProblem,
    Verdict,
    Waiver,
    Wanted,
)
from hookyard.features.reviews.rules import MAX_CLAIMS, Facts, judge
from hookyard.features.testruns.packing import MAX_CLAIMING

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
BAD = (Verdict.FAILED, Verdict.MISSING, Verdict.SKIPPED, Verdict.STALE)


def issue(number: int, *ids: str, next_id: int = 0, **options: object) -> IssueCriteria:
    criteria = tuple(
        dataclasses.replace(Wanted(number, one, f"text of {one}", 1), **options)  # type: ignore[arg-type]
        for one in ids
    )
    return IssueCriteria(number, criteria, next_id or len(ids) + 1)


def claim(what: str, outcome: Outcome = PASSED, case: str = "", **options: object) -> Claim:
    number, _, name = what.rpartition("/")
    key = case or f"test_{name}"
    base = Claim(int(number) if number else None, name, key, key, outcome, run_id=1, attempt=1)
    return dataclasses.replace(base, **options)  # type: ignore[arg-type]


def decide(
    issues: Sequence[IssueCriteria],
    claims: Sequence[Claim],
    policy: Policy | None = None,
    revision: int = 1,
    counted: int = 0,
    **options: object,
) -> Judgement:
    matching = match(issues, claims)
    evidence = [Evidence(m.issue, m.criterion_id, revision, m.claim) for m in matching.matched]
    facts = Facts(issues, evidence, findings=matching.findings, claims=counted)
    return judge(dataclasses.replace(facts, **options), policy or Policy())  # type: ignore[arg-type]


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    return {one.id: one.verdict for one in judgement.criteria}


def kinds(judgement: Judgement) -> list[FindingKind]:
    return [finding.kind for finding in judgement.findings]


def test_every_criterion_with_a_passing_case_is_a_success() -> None:
    found = decide([issue(42, "T1", "T2")], [claim("T1"), claim("T2")])
    assert found.conclusion == "success"
    assert found.title == "2 of 2 criteria hold"
    assert found.findings == ()


def test_a_criterion_without_a_case_is_missing_and_fails_the_check() -> None:
    found = decide([issue(42, "T1", "T2")], [claim("T1")])
    assert verdicts(found) == {"T1": Verdict.PASSED, "T2": Verdict.MISSING}
    assert (found.conclusion, found.title) == ("failure", "1 of 2 criteria hold: 1 missing")


@pytest.mark.parametrize("conclusion", ["failure", "action_required"])
def test_no_evidence_at_all_ends_as_the_policy_says(conclusion: str) -> None:
    found = decide([issue(42, "T1")], [], Policy(no_evidence=conclusion))
    assert found.conclusion == conclusion


def test_parametrised_cases_must_all_pass() -> None:
    cases = [claim("T1", PASSED, "t[a]"), claim("T1", FAILED, "t[b]"), claim("T1", PASSED, "t[c]")]
    [one] = decide([issue(42, "T1")], cases).criteria
    assert one.verdict is Verdict.FAILED
    assert one.reason == "t[b] failed in run 1, of 3 cases"
    assert one.evidence[0].claim.case_key == "t[b]"


def test_an_error_counts_as_failed() -> None:
    [one] = decide([issue(42, "T1")], [claim("T1", Outcome.ERROR)]).criteria
    assert one.verdict is Verdict.FAILED
    assert "ended in an error" in one.reason


def test_skipped_cases_are_no_evidence() -> None:
    [one] = decide([issue(42, "T1")], [claim("T1", Outcome.SKIPPED)]).criteria
    assert (one.verdict, one.holds) == (Verdict.SKIPPED, False)
    beside = [claim("T1", Outcome.SKIPPED, "t[a]"), claim("T1", PASSED, "t[b]")]
    [one] = decide([issue(42, "T1")], beside).criteria
    assert (one.verdict, one.reason) == (Verdict.PASSED, "1 case passed; 1 skipped")


def test_a_flaky_pass_says_so_and_holds_where_the_policy_lets_it() -> None:
    cases = [claim("T1", PASSED, "t[a]", flaky=True), claim("T1", PASSED, "t[b]")]
    found = decide([issue(42, "T1")], cases)
    assert verdicts(found) == {"T1": Verdict.FLAKY}
    assert found.criteria[0].reason == "passed, 1 of 2 cases flaky"
    assert (found.conclusion, found.title) == ("success", "1 of 1 criterion holds: 1 flaky-passed")
    strict = decide([issue(42, "T1")], cases, Policy(flaky="fail"))
    assert strict.conclusion == "failure"
    rerun = decide([issue(42, "T1")], [claim("T1", reruns=2)])
    assert verdicts(rerun) == {"T1": Verdict.FLAKY}


def test_evidence_from_before_a_rewrite_is_stale_until_there_is_new() -> None:
    rewritten = issue(42, "T1", revision=3, evidence_from=3)
    found = decide([rewritten], [claim("T1")], revision=2)
    assert verdicts(found) == {"T1": Verdict.STALE}
    assert found.conclusion == "failure"
    assert verdicts(decide([rewritten], [claim("T1")], revision=3)) == {"T1": Verdict.PASSED}
    typo = issue(42, "T1", revision=3, evidence_from=1)
    assert verdicts(decide([typo], [claim("T1")], revision=1)) == {"T1": Verdict.PASSED}


def test_a_waiver_holds_whatever_the_tests_say_and_names_who_gave_it() -> None:
    waived = issue(42, "T1", waiver=Waiver("alice", "next release"))
    found = decide([waived], [claim("T1", FAILED)])
    assert (found.conclusion, verdicts(found)) == ("success", {"T1": Verdict.WAIVED})
    assert found.criteria[0].reason == "waived by alice: next release"


def test_a_mark_by_hand_stands_for_missing_evidence_and_never_for_a_failure() -> None:
    mark = Mark(42, "T1", 1, "alice", "seen on staging")
    found = decide([issue(42, "T1")], [], marks=[mark])
    assert (found.conclusion, verdicts(found)) == ("success", {"T1": Verdict.MANUAL})
    assert "alice" in found.criteria[0].reason
    assert verdicts(decide([issue(42, "T1")], [claim("T1", FAILED)], marks=[mark])) == {
        "T1": Verdict.FAILED
    }
    rewritten = issue(42, "T1", revision=2, evidence_from=2)
    outgrown = decide([rewritten], [], marks=[mark])
    assert verdicts(outgrown) == {"T1": Verdict.MISSING}
    assert kinds(outgrown) == [FindingKind.STALE_MARK]


def test_evidence_from_a_fork_is_shown_and_does_not_count_unless_it_may() -> None:
    found = decide([issue(42, "T1")], [claim("T1", from_fork=True)])
    assert verdicts(found) == {"T1": Verdict.MISSING}
    assert "fork" in found.criteria[0].reason
    assert (found.conclusion, kinds(found)) == ("failure", [FindingKind.FORK])
    trusted = decide([issue(42, "T1")], [claim("T1", from_fork=True)], Policy(forks="count"))
    assert (trusted.conclusion, kinds(trusted)) == ("success", [FindingKind.FORK])


def test_with_several_issues_an_id_names_its_issue() -> None:
    both = [issue(42, "T1"), issue(43, "T1")]
    found = decide(both, [claim("42/T1"), claim("43/T1", FAILED)])
    assert [(c.issue, c.verdict) for c in found.criteria] == [
        (42, Verdict.PASSED),
        (43, Verdict.FAILED),
    ]
    bare = decide(both, [claim("T1")])
    assert kinds(bare) == [FindingKind.AMBIGUOUS_ID]
    assert {c.verdict for c in bare.criteria} == {Verdict.MISSING}
    assert "42/T1" in bare.findings[0].text


def test_a_bare_id_counts_when_only_one_issue_ever_gave_it_out() -> None:
    one = [issue(42, "T1", "T2"), issue(43, "T1")]
    assert verdicts(decide(one, [claim("T2")]))["T2"] is Verdict.PASSED
    once = [issue(42, "T1", "T2"), issue(43, "T1", next_id=3)]
    found = decide(once, [claim("T2")])
    assert kinds(found) == [FindingKind.AMBIGUOUS_ID]


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("T9", FindingKind.UNKNOWN_ID),
        ("42/T9", FindingKind.UNKNOWN_ID),
        ("T2", FindingKind.RETIRED_ID),
        ("42/T2", FindingKind.RETIRED_ID),
        ("7/T1", FindingKind.NOT_LINKED),
    ],
)
def test_claims_that_match_nothing_are_findings(what: str, kind: FindingKind) -> None:
    found = decide([issue(42, "T1", next_id=3)], [claim("T1"), claim(what, case="stray")])
    assert kinds(found) == [kind]
    assert "stray" in found.findings[0].text
    assert found.conclusion == "success"


def test_a_case_reported_twice_is_a_finding_and_both_count() -> None:
    twice = [claim("T1", artifact_id=1), claim("T1", FAILED, artifact_id=2)]
    found = decide([issue(42, "T1")], twice)
    assert kinds(found) == [FindingKind.DUPLICATE]
    assert verdicts(found) == {"T1": Verdict.FAILED}


def test_a_ticked_box_without_evidence_is_shown_as_a_disagreement() -> None:
    found = decide([issue(42, "T1", checked=True)], [claim("T1", FAILED)])
    assert kinds(found) == [FindingKind.CLAIMED]


def test_a_report_that_was_not_read_keeps_the_check_from_succeeding() -> None:
    broken = ReportProblem(1, "report", "truncated", "it ends in the middle")
    found = decide([issue(42, "T1")], [claim("T1")], problems=[broken])
    assert (found.conclusion, verdicts(found)) == ("failure", {"T1": Verdict.PASSED})
    assert "not every result is known" in found.title
    allowed = Policy(unreadable_reports="allow")
    assert decide([issue(42, "T1")], [claim("T1")], allowed, problems=[broken]).conclusion == (
        "success"
    )


def test_as_many_claims_as_one_report_keeps_may_hide_a_failing_one() -> None:
    assert MAX_CLAIMING >= MAX_CLAIMS
    found = decide([issue(42, "T1")], [claim("T1")], counted=MAX_CLAIMING)
    assert found.conclusion == "failure"


def test_more_claims_than_are_looked_at_never_succeed() -> None:
    found = decide([issue(42, "T1")], [claim("T1")], counted=MAX_CLAIMS + 1)
    assert (found.conclusion, kinds(found)) == ("failure", [FindingKind.TOO_MANY])


def test_nothing_is_concluded_while_runs_are_under_way_or_issues_unread() -> None:
    assert decide([issue(42, "T1")], [claim("T1")], running=1).conclusion is None
    unread = IssueCriteria(7, known=False)
    assert decide([issue(42, "T1"), unread], [claim("T1")]).conclusion == "action_required"


@pytest.mark.parametrize("conclusion", ["success", "failure", "action_required"])
def test_a_pull_request_without_criteria_ends_as_the_policy_says(conclusion: str) -> None:
    found = decide([], [], Policy(no_criteria=conclusion))
    assert (found.conclusion, found.title) == (conclusion, "No criteria are linked")
    empty = decide([IssueCriteria(42)], [], Policy(no_criteria=conclusion))
    assert (empty.conclusion, empty.title) == (conclusion, "No criteria in #42")


def test_taking_the_last_link_away_is_no_way_to_a_green_check() -> None:
    found = decide([], [], unlinked=[42])
    assert (found.conclusion, kinds(found)) == ("action_required", [FindingKind.UNLINKED])


def test_neither_is_naming_an_easier_issue_in_its_place() -> None:
    easier = [issue(43, "T1")], [claim("T1")]
    found = decide(*easier, unlinked=[42])
    assert (found.conclusion, kinds(found)) == ("action_required", [FindingKind.UNLINKED])
    assert decide([issue(43, "T1")], [claim("T1", Outcome.FAILED)], unlinked=[42]).conclusion == (
        "failure"
    )
    assert decide(*easier).conclusion == "success"


OUTCOMES = st.sampled_from(list(Outcome))
CLAIMS = st.lists(
    st.builds(
        Claim,
        issue=st.sampled_from([None, 1, 2, 9]),
        criterion_id=st.sampled_from(["T1", "T2", "T3", "T7"]),
        case_key=st.sampled_from(["a", "b", "c"]),
        name=st.sampled_from(["case", "other"]),
        outcome=OUTCOMES,
        run_id=st.integers(1, 3),
        attempt=st.just(1),
        flaky=st.booleans(),
        artifact_id=st.integers(1, 2),
        from_fork=st.booleans(),
    ),
    max_size=12,
)
ISSUES = st.lists(
    st.builds(
        lambda number, ids, gone, rewritten: issue(
            number, *ids, next_id=4 if gone else 0, revision=2, evidence_from=rewritten
        ),
        st.sampled_from([1, 2]),
        st.lists(st.sampled_from(["T1", "T2", "T3"]), unique=True, max_size=3),
        st.booleans(),
        st.integers(1, 2),
    ),
    unique_by=lambda one: one.number,
    max_size=2,
)
POLICIES = st.builds(
    Policy,
    no_evidence=st.sampled_from(["failure", "action_required"]),
    no_criteria=st.sampled_from(["failure", "action_required"]),
    flaky=st.sampled_from(["pass", "fail"]),
    forks=st.sampled_from(["show", "count"]),
)


@given(ISSUES, CLAIMS, POLICIES, st.integers(1, 2), st.randoms(use_true_random=False))
def test_any_order_of_uploads_gives_the_same_judgement(
    issues: list[IssueCriteria], claims: list[Claim], policy: Policy, revision: int, random: object
) -> None:
    shuffled, others = list(claims), list(issues)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(others)  # type: ignore[attr-defined]
    assert decide(issues, claims, policy, revision) == decide(others, shuffled, policy, revision)


@given(ISSUES, CLAIMS, POLICIES, st.integers(1, 2))
def test_there_is_no_pass_without_a_passing_case(
    issues: list[IssueCriteria], claims: list[Claim], policy: Policy, revision: int
) -> None:
    found = decide(issues, claims, policy, revision)
    rewritten = {(i.number, c.id): c.evidence_from for i in issues for c in i.criteria}
    for one in found.criteria:
        counted = [
            e.claim
            for e in one.evidence
            if e.revision >= rewritten[one.issue, one.id]
            and (policy.forks == "count" or not e.claim.from_fork)
        ]
        outcomes = {c.outcome for c in counted}
        if one.holds:
            assert Outcome.PASSED in outcomes
            assert not outcomes & {Outcome.FAILED, Outcome.ERROR}
    if found.conclusion == "success":
        assert found.criteria
        assert all(one.holds for one in found.criteria)
    assert found.conclusion in {"success", "failure", "action_required"}


@given(ISSUES, CLAIMS, st.integers(1, 2))
def test_more_evidence_never_turns_a_failure_into_a_pass(
    issues: list[IssueCriteria], claims: list[Claim], revision: int
) -> None:
    before = decide(issues, claims, None, revision)
    more = [*claims, *(dataclasses.replace(c, outcome=PASSED, case_key="new") for c in claims)]
    after = decide(issues, more, None, revision)
    for old, new in zip(before.criteria, after.criteria, strict=True):
        assert old.verdict is not Verdict.FAILED or new.verdict is Verdict.FAILED


@given(ISSUES, CLAIMS)
def test_every_claim_is_evidence_or_a_finding(
    issues: list[IssueCriteria], claims: list[Claim]
) -> None:
    found = match(issues, claims)
    stray = len(claims) - len(found.matched)
    assert stray == 0 or any(f.kind is not FindingKind.DUPLICATE for f in found.findings)
    assert {id(m.claim) for m in found.matched} <= {id(c) for c in claims}
