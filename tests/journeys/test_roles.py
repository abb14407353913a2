"""Schedulers as real processes on Postgres: one acts; killed, frozen, stopped, another goes on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookyard.kit.clock import SystemClock
from tests.support.postgres import PostgresServer
from tests.support.processes import Process, starting
from tests.support.shared import LEASE_S, Set, shared_set

MARGIN_S = 4.0
CLOCK = SystemClock()


def make_due(shared: Set) -> None:
    """Every job of the calendar is due now, and none of its runs is kept from before."""
    shared.sql("DELETE FROM jobs")
    # why: a scheduler changes rows in its own order; the table's lock waits until it is done.
    shared.sql(
        "DO $$ BEGIN LOCK TABLE cron_jobs IN SHARE ROW EXCLUSIVE MODE;"
        " UPDATE cron_jobs SET next_run_ms = 0; END $$"
    )


def fired(shared: Set) -> float:
    """Wait until the calendar has fired; how long that took. Each due time fired once."""
    began = CLOCK.monotonic()
    while shared.sql("SELECT 1 FROM cron_jobs WHERE enabled = 1 AND next_run_ms = 0"):
        assert CLOCK.monotonic() - began < 60
    due = shared.sql("SELECT count(*) FROM cron_jobs WHERE enabled = 1")
    assert shared.sql("SELECT count(*) FROM jobs WHERE key LIKE 'cron:%'") == due
    return CLOCK.monotonic() - began


@pytest.fixture
def shared(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Set]:
    with shared_set(tmp_path, postgres_server) as made:
        yield made


def two_schedulers(shared: Set) -> tuple[Process, Process]:
    """The one that was elected, and the one that stands by."""
    holder = shared.start("serve", "scheduler")
    assert holder.until("elected")["term"] == 1
    other = shared.start("serve", "scheduler")
    other.until("standing_by")
    make_due(shared)
    fired(shared)
    return holder, other


def test_a_killed_scheduler_is_replaced_within_its_lease(shared: Set) -> None:
    holder, other = two_schedulers(shared)
    make_due(shared)
    fired(shared)
    holder.signal(signal.SIGKILL)
    holder.child.wait(20)
    make_due(shared)
    assert fired(shared) < LEASE_S + MARGIN_S
    assert other.until("elected")["term"] == 2


def test_a_frozen_scheduler_that_wakes_changes_nothing(shared: Set) -> None:
    holder, other = two_schedulers(shared)
    holder.signal(signal.SIGSTOP)
    try:
        assert other.until("elected")["term"] == 2
    finally:
        holder.signal(signal.SIGCONT)
    make_due(shared)
    fired(shared)
    holder.until("term_lost")
    make_due(shared)
    fired(shared)
    assert shared.sql("SELECT term FROM elections") == [(2,)]
    assert holder.child.poll() is None
    for process in (holder, other):
        process.signal(signal.SIGTERM)
        assert process.end() == 0


def test_a_stopped_scheduler_hands_over_without_waiting_for_its_lease(shared: Set) -> None:
    holder, other = two_schedulers(shared)
    holder.signal(signal.SIGTERM)
    assert holder.until("handed_over")["term"] == 1
    assert other.until("elected")["term"] == 2
    assert holder.end() == 0
    make_due(shared)
    fired(shared)


def test_a_relay_without_a_broker_says_so_and_stays(shared: Set) -> None:
    relay = shared.start("serve", "relay")
    assert "QUEUE_BACKEND=database" in str(relay.until("relay_idle")["reason"])
    assert relay.until("ready")["roles"] == ["relay"]
    relay.signal(signal.SIGTERM)
    assert relay.end() == 0


@pytest.mark.parametrize("role", ["campaigns", "dashboard", "wroker"])
def test_a_role_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, role: str) -> None:
    with starting(tmp_path) as begin:
        process = begin("serve", "gateway", role)
        assert process.end() == 2
    said = process.lines[-1]
    assert f"there is no role '{role}'" in said
    assert "gateway, worker, relay, scheduler" in said


def test_roles_that_nobody_can_play_beside_sqlite_are_named(tmp_path: Path) -> None:
    with starting(tmp_path) as begin:
        process = begin("serve", "worker")
        warned = process.until("roles_missing")
        assert warned["roles"] == ["gateway", "scheduler"]
        assert "DATABASE_URL" in str(warned["fix"])
        process.until("ready")
        process.signal(signal.SIGTERM)
        assert process.end() == 0
