"""Whose a repository is, what counts, and what a budget says."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.jobs.model import Job, JobId, JobState, KeyPolicy, Lane
from hookyard.core.jobs.rules import AttemptEnd, Life, Step
from hookyard.features.billing import rules, store_usage
from hookyard.features.billing.model import (
    Binding,
    Budget,
    Mark,
    Meter,
    Period,
    Project,
    Sum,
    WorkClass,
)
from hookyard.features.billing.periods import day_of, instant, next_start, start_of

TODAY = date(2026, 11, 29)
PROJECT = Project("p", "default", "Shop", 80, 0, "user:a", 0)
MINUTES = Budget(Period.MONTH, Meter.MINUTES, 1_000 * 60_000)


def bound(project: str, pattern: str, repository_id: int | None = None) -> Binding:
    return Binding(f"b-{pattern}", "default", project, pattern, repository_id, 0, "user:a")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Acme/Shop", "acme/shop"),
        (" acme/* ", "acme/*"),
        ("acme/shop-*", "acme/shop-*"),
        ("acme", None),
        ("*/shop", None),
        ("ac*me/shop", None),
        ("acme/a/b", None),
        ("acme/**", None),
        ("acme/", None),
        ("/shop", None),
        ("", None),
    ],
)
def test_a_binding_names_its_owner_and_one_level_below(text: str, pattern: str | None) -> None:
    assert rules.pattern_of(text) == pattern


def test_a_repository_belongs_to_the_closest_binding_and_to_one() -> None:
    bindings = [
        bound("wide", "acme/*"),
        bound("shops", "acme/shop-*"),
        bound("one", "acme/shop-1", 7),
        bound("unknown", "acme/new"),
    ]
    for order in (bindings, bindings[::-1]):
        book = rules.book_of(order, ())
        assert rules.project_of(book, "acme/shop-1", 7) == "one"
        assert rules.project_of(book, "acme/renamed", 7) == "one"
        assert rules.project_of(book, "acme/shop-1", 8) == "shops"
        assert rules.project_of(book, "acme/new", None) == "unknown"
        assert rules.project_of(book, "acme/else", 9) == "wide"
        assert rules.project_of(book, "other/shop-1", 9) is None


def test_kinds_nobody_here_knows_are_agents_work() -> None:
    known = {"ingress.route": WorkClass.ROUTING}
    assert rules.class_of("ingress.route", known) is WorkClass.ROUTING
    assert rules.class_of("paint", known) is WorkClass.AGENTS


def test_a_budget_never_stops_what_was_delivered_or_done() -> None:
    free = {WorkClass.ROUTING, WorkClass.EFFECTS, WorkClass.UPKEEP, WorkClass.ANALYSIS}
    assert free & rules.STOPPED == set()
    assert {WorkClass.ROUTING, WorkClass.EFFECTS, WorkClass.UPKEEP} & rules.DRAWS == set()


def test_the_hot_look_adds_up_what_the_rules_say() -> None:
    classes = ", ".join(f"'{work}'" for work in ("", *sorted(rules.DRAWS)))
    assert f"IN ({classes})" in store_usage._LOOK.sqlite


def sums(amount: int, meter: Meter = Meter.MINUTES, **more: object) -> Sum:
    made = Sum("p", Period.MONTH, "2026-11-01", meter, WorkClass.AGENTS, amount)
    return replace(made, **more)


@pytest.mark.parametrize(
    ("used", "marks"),
    [
        (0, set()),
        (799 * 60_000, set()),
        (800 * 60_000, {Mark.WARNED}),
        (1_000 * 60_000 - 1, {Mark.WARNED}),
        (1_000 * 60_000, {Mark.WARNED, Mark.STOPPED}),
    ],
)
def test_a_budget_warns_first_and_then_stops(used: int, marks: set[Mark]) -> None:
    assert rules.standing(PROJECT, MINUTES, [sums(used)], TODAY).marks == marks


def test_a_soft_budget_only_warns() -> None:
    soft = replace(MINUTES, hard=False)
    assert rules.standing(PROJECT, soft, [sums(9_999 * 60_000)], TODAY).marks == {Mark.WARNED}


def test_a_budget_of_nothing_stops_at_once() -> None:
    none = replace(MINUTES, amount=0)
    assert Mark.STOPPED in rules.standing(PROJECT, none, [], TODAY).marks


def test_what_is_said_names_the_project_the_amounts_and_the_way_out() -> None:
    found = rules.standing(PROJECT, MINUTES, [sums(1_000 * 60_000)], TODAY)
    assert rules.stop_words(found) == (
        "budget: project Shop has used 1,000 of 1,000 minutes in November; "
        "until 2026-12-01 or raise it"
    )
    day = Budget(Period.DAY, Meter.JOBS, 2)
    used = [sums(3, Meter.JOBS, period=Period.DAY, start="2026-11-29")]
    assert rules.stop_words(rules.standing(PROJECT, day, used, TODAY)) == (
        "budget: project Shop has used 3 of 2 jobs on 2026-11-29; until 2026-11-30 or raise it"
    )


def test_only_work_that_was_asked_for_uses_up_a_budget() -> None:
    jobs = Budget(Period.MONTH, Meter.JOBS, 10)
    found = [
        sums(1, Meter.JOBS),
        sums(2, Meter.JOBS, work=WorkClass.ANALYSIS),
        sums(40, Meter.JOBS, work=WorkClass.EFFECTS),
        sums(500, Meter.JOBS, work=WorkClass.ROUTING),
        sums(6_000, Meter.JOBS, start="2026-10-01"),
        sums(70_000, Meter.MINTS, work=WorkClass.NONE),
    ]
    assert rules.used_of(jobs, found, "2026-11-01") == 3


JOB = Job(
    id=JobId("j"),
    kind="paint",
    lane=Lane.DEFAULT,
    priority=0,
    key=None,
    policy=KeyPolicy.QUEUE,
    state=JobState.RUNNING,
    payload={},
    attempt=1,
    max_attempts=3,
    lease=1,
    created_at_ms=0,
    run_at_ms=0,
    started_at_ms=1_000,
    finished_at_ms=None,
    leased_until_ms=61_000,
    worker="w",
    waiting_for=None,
    cancel_requested=False,
    delivery_id=None,
    repository="acme/shop",
    timeout_s=300.0,
    progress=None,
    result=None,
    error=None,
)


def step(ended: AttemptEnd) -> Step:
    return Step(Life(JobState.QUEUED, 1, 3, 1, 0), ended)


def test_an_attempt_runs_from_its_claim_to_its_end() -> None:
    assert rules.run_ms(JOB, step(AttemptEnd.SUCCEEDED), 31_000) == 30_000
    assert rules.run_ms(JOB, step(AttemptEnd.SUCCEEDED), 500) == 0


def test_a_lost_attempt_ran_to_the_end_of_its_lease() -> None:
    assert rules.run_ms(JOB, step(AttemptEnd.LOST), 9_000_000) == 60_000
    assert rules.run_ms(JOB, step(AttemptEnd.SUCCEEDED), 9_000_000) == 8_999_000


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.sampled_from(Period))
def test_periods_follow_each_other_without_a_gap(day: date, period: Period) -> None:
    start = start_of(period, day)
    after = next_start(period, start)
    assert start <= day < after
    assert start_of(period, after) == after
    assert day_of(instant(after) - 1) < after <= day_of(instant(after))


def test_mints_count_for_the_repositories_they_name() -> None:
    assert rules.mint_names("Acme", ("Shop", "other/Site")) == ["acme/shop", "other/site"]
    assert rules.mint_names("Acme", None) == ["acme/*"]
    assert rules.mint_names("", None) == []
    whole = rules.book_of([bound("wide", "acme/*"), bound("some", "acme/shop-*")], ())
    assert rules.project_of(whole, "acme/*", None) == "wide"
    part = rules.book_of([bound("some", "acme/shop-*")], ())
    assert rules.project_of(part, "acme/*", None) is None


@pytest.mark.parametrize("meter", Meter)
def test_amounts_come_back_in_the_unit_they_went_in(meter: Meter) -> None:
    assert rules.outward(meter, rules.inward(meter, 1_234)) == 1_234
