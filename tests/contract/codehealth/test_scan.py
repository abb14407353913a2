"""From a report in the blob store to the check on the pull request, on both databases."""

import pytest

from hookyard.core.jobs.model import Done, Fail, NewJob
from hookyard.features.codehealth.jobs import KIND, again
from hookyard.features.codehealth.model import Conclusion

from .conftest import FIRST, REPOSITORY, Stage, finding


async def test_new_findings_on_changed_lines_turn_the_check_red(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(3)])
    number, sha = stage.pull()
    stage.pulls.added = {"a.py": frozenset({2, 4})}
    head = [finding(2, message="worse", rule="E2"), finding(3), finding(1, rule="E3")]
    await stage.report(sha, head, pulls=(number,))
    assert await stage.counts(number) == (2, 0, 0, 1)
    run = stage.check(sha)
    assert (run.name, run.conclusion) == ("hookyard/health", "failure")
    assert "2 new findings" in (run.summary or "")
    assert "0 allowed" in (run.summary or "")
    assert "1 of these 2 findings are on changed lines" in (run.summary or "")
    assert [(a.path, a.start_line, a.message) for a in run.annotations] == [("a.py", 2, "worse")]
    kept = (await stage.kept(number)).assessment
    assert (kept.base.how, kept.base.sha) == ("base", stage.base())
    assert kept.score.value == 400
    assert kept.score.arithmetic.endswith("= 40")
    assert stage.told[-1].conclusion is Conclusion.FAILURE
    assert stage.told[-1].number == number
    assert stage.told[-1].author


async def test_what_is_fixed_or_carried_is_green(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1), finding(2, rule="E2")])
    number, sha = stage.pull()
    await stage.report(sha, [finding(4)], pulls=(number,))
    assert await stage.counts(number) == (0, 0, 1, 1)
    assert stage.check(sha).conclusion == "success"
    assert stage.checks() == 1


async def test_a_push_gets_no_check_and_becomes_a_base(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1)])
    assert stage.checks() == 0
    assert (stage.told[0].number, stage.told[0].unknown) == (None, 1)


async def test_without_a_base_nothing_is_called_new_and_nothing_passes(stage: Stage) -> None:
    number, sha = stage.pull()
    await stage.report(sha, [finding(1)], pulls=(number,))
    assert await stage.counts(number) == (0, 1, 0, 0)
    run = stage.check(sha)
    assert run.conclusion == "action_required"
    assert "no report of the base is known" in (run.summary or "")
    await stage.report(stage.base(), [finding(1)])
    assert await stage.counts(number) == (0, 0, 0, 1)
    assert stage.check(sha).conclusion == "success"


async def test_the_nearest_ancestor_stands_in_for_a_base_without_a_report(stage: Stage) -> None:
    known = stage.base()
    await stage.report(known, [finding(1)])
    stage.sandbox.push(REPOSITORY, {"b.py": "b\n"})
    stage.sandbox.push(REPOSITORY, {"c.py": "c\n"})
    number, sha = stage.pull(FIRST + "four\n")
    await stage.report(sha, [finding(1), finding(4, rule="E2")], pulls=(number,))
    assert await stage.counts(number) == (1, 0, 0, 1)
    base = (await stage.kept(number)).assessment.base
    assert (base.how, base.sha, base.away) == ("ancestor", known, 2)
    assert "2 commits before the base" in (stage.check(sha).summary or "")


async def test_a_forks_report_is_marked_and_never_a_base(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1)], from_fork=True)
    number, sha = stage.pull()
    await stage.report(sha, [finding(1)], pulls=(number,), from_fork=True)
    assert await stage.counts(number) == (0, 1, 0, 0)
    assert "a fork's run" in (stage.check(sha).summary or "")
    assert (await stage.kept(number)).assessment.from_fork


async def test_a_run_that_names_no_pull_request_is_found_one_by_its_head(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1)])
    number, sha = stage.pull()
    stage.heads[sha] = (number,)
    await stage.report(sha, [finding(1)], from_fork=True)
    assert await stage.counts(number) == (0, 0, 0, 1)
    assert stage.check(sha).conclusion == "success"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "not_json"),
        (b'{"findings": [{"message": "m", "line": NaN}]}', "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"version": "2.1.0", "runs": [{}]}', "sarif_no_results"),
    ],
)
async def test_a_report_that_cannot_be_read_is_red_and_says_why(
    stage: Stage, raw: bytes, code: str
) -> None:
    await stage.report(stage.base(), [])
    number, sha = stage.pull()
    await stage.report(sha, raw, pulls=(number,))
    run = stage.check(sha)
    assert run.conclusion == "failure"
    assert "could not be read" in (run.summary or "")
    assert (await stage.kept(number)).assessment.problems == (f"code_health.json: {code}",)
    assert all(isinstance(outcome, Done) for outcome in stage.outcomes)


async def test_a_blob_that_is_gone_is_red(stage: Stage) -> None:
    number, sha = stage.pull()
    payload = {
        "repository": REPOSITORY, "head_sha": sha, "pull_requests": [number],
        "blob": "artifacts/00000/nothing", "member": "x.sarif", "from_fork": False,
    }  # fmt: skip
    await stage.work(NewJob(KIND.name, payload, repository=REPOSITORY))
    assert stage.check(sha).conclusion == "failure"
    assert (await stage.kept(number)).assessment.problems == ("x.sarif: gone",)


@pytest.mark.parametrize(
    "payload", [{}, {"repository": "x"}, {"repository": REPOSITORY, "head_sha": "main"}]
)
async def test_a_payload_that_names_nothing_is_dead(stage: Stage, payload: dict[str, str]) -> None:
    await stage.work(NewJob(KIND.name, payload))
    assert isinstance(stage.outcomes[-1], Fail)


async def test_the_repository_says_what_passes(stage: Stage) -> None:
    await stage.report(stage.base(), [])
    number, sha = stage.pull(config="health:\n  max_new: 2\n  level: error\n")
    await stage.report(sha, [finding(1, severity="error"), finding(2)], pulls=(number,))
    assert stage.check(sha).conclusion == "success"


async def test_a_configuration_that_is_wrong_is_red(stage: Stage) -> None:
    await stage.report(stage.base(), [])
    number, sha = stage.pull(config="health:\n  max_new: many\n")
    await stage.report(sha, [], pulls=(number,))
    run = stage.check(sha)
    assert run.conclusion == "failure"
    assert "must be a whole number from 0 to 100,000" in (run.summary or "")


async def test_a_repository_may_want_no_check(stage: Stage) -> None:
    number, sha = stage.pull(config="health:\n  check: false\n")
    await stage.report(sha, [finding(1)], pulls=(number,))
    assert stage.checks() == 0
    assert await stage.counts(number) == (0, 1, 0, 0)


async def test_a_report_that_the_base_has_and_the_head_lacks_stops_the_check(
    stage: Stage,
) -> None:
    await stage.report(stage.base(), [])
    await stage.report(stage.base(), [], member="eslint.sarif.json")
    number, sha = stage.pull()
    await stage.report(sha, [], pulls=(number,))
    assert stage.check(sha).conclusion == "action_required"
    await stage.report(sha, [], pulls=(number,), member="eslint.sarif.json")
    assert stage.check(sha).conclusion == "success"


async def test_the_newest_attempt_counts_in_whatever_order_they_come(stage: Stage) -> None:
    await stage.report(stage.base(), [])
    number, sha = stage.pull()
    await stage.report(sha, [], pulls=(number,), run=77, attempt=2)
    await stage.report(sha, [finding(1)], pulls=(number,), run=77, attempt=1)
    assert stage.check(sha).conclusion == "success"


async def test_the_same_job_twice_changes_nothing_on_github(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1)])
    number, sha = stage.pull()
    await stage.report(sha, [finding(2, rule="E2")], pulls=(number,))
    (before,) = await stage.effects()
    await stage.work(again(REPOSITORY, sha, number))
    (after,) = await stage.effects()
    assert (after.generation, stage.checks()) == (before.generation, 1)


async def test_words_of_strangers_are_shown_without_their_power(stage: Stage) -> None:
    await stage.report(stage.base(), [])
    number, sha = stage.pull()
    evil = finding(
        2,
        message="@everyone <script>alert(1)</script> [x](http://evil) #1",
        rule="`|`",
        tool="<b>",
        path="a`.py",
    )
    await stage.report(sha, [evil], pulls=(number,))
    run = stage.check(sha)
    shown = f"{run.summary}{run.text}"
    assert "@everyone" not in shown
    assert "<script" not in shown
    assert "](http" not in shown


async def test_old_reports_are_let_go(stage: Stage) -> None:
    await stage.report(stage.base(), [finding(1)])
    later = stage.clock.now_ms() + 1
    gone = await stage.database.write(lambda unit: stage.health.purge(unit, later))
    assert gone == 2
