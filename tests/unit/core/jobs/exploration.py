"""Every order of events for two workers and two jobs, explored to the end.

Workers claim, crash, stall past their lease and report late, twice, in any order, or contradicting
themselves; claims meet pauses; a second job arrives at any moment; people cancel and replay; time
passes or does not. The rules are a value, so that a test can break one and see it noticed.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from hookyard.core.jobs import line, rules
from hookyard.core.jobs.model import (
    TERMINAL,
    Done,
    Ending,
    Fail,
    Hold,
    JobId,
    JobState,
    KeyPolicy,
    Released,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.rules import Life

NOW, LATER = 1_000, 10_000_000
CLAIMED_BEFORE = 2
PAUSE = WaitingFor("pause", "ops")
ENDINGS: dict[str, Ending] = {
    "done": Done(),
    "fail": Fail("x"),
    "retry": Retry("x"),
    "hold": Hold(WaitingFor("limit", "github", NOW + 500)),
    "release": Released("x", begun=True),
    "untouched": Released("x", begun=False),
    "stop": Stopped(),
}
TURN = frozenset({JobState.QUEUED, JobState.RUNNING})
# why: work must come to its end by itself; that people could cancel it is no excuse.
BY_ITSELF = frozenset({"claim", "send", "report", "lose", "time", "resume"})


T = TypeVar("T")


def replace(value: T, **changes: object) -> T:
    """The value with some fields changed, be it a dataclass or a struct."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)


class Broken(AssertionError):
    """An invariant does not hold."""


def need(holds: bool, words: str) -> None:
    if not holds:
        raise Broken(words)


@dataclass(frozen=True)
class Machine:
    """The rules under test."""

    claim: Callable[..., Any] = rules.claim
    finish: Callable[..., Any] = rules.finish
    hold: Callable[..., Any] = rules.hold
    lose: Callable[..., Any] = rules.lose
    cancel: Callable[..., Any] = rules.cancel
    replay: Callable[..., Any] = rules.replay
    promote: Callable[..., Any] = rules.promote
    wait_for: Callable[..., Any] = rules.wait_for
    admit: Callable[..., Any] = line.admit
    settle: Callable[..., Any] = line.settle


@dataclass(frozen=True)
class Setting:
    """Jobs share a key or not; the first lets others pass or not; how the second joins.

    `in_flight` reports of one attempt may be under way at once, each one of `words`.
    """

    shared_key: bool = True
    skippable: bool = False
    policy: KeyPolicy = KeyPolicy.QUEUE
    in_flight: int = 1
    words: tuple[str, ...] = tuple(ENDINGS)


@dataclass(frozen=True)
class World:
    """The jobs, who believes to run what, and which reports are under way. The second job is
    None until it arrives."""

    jobs: tuple[Life, Life | None]
    beliefs: frozenset[tuple[str, int, int]] = frozenset()
    reports: frozenset[tuple[int, int, str]] = frozenset()

    def present(self) -> list[tuple[int, Life]]:
        return [(index, life) for index, life in enumerate(self.jobs) if life is not None]


@dataclass
class Found:
    """What an exploration saw."""

    worlds: int = 0
    steps: int = 0
    ends: set[tuple[JobState, ...]] = field(default_factory=set)


def fresh(waiting: WaitingFor | None = None) -> Life:
    state = JobState.QUEUED if waiting is None else JobState.WAITING
    return Life(state, 0, 2, 0, NOW, waiting)


class Explorer:
    """Successors of a world, the invariants of worlds and steps, and the walk over all of them."""

    def __init__(self, setting: Setting, machine: Machine | None = None) -> None:
        self.setting = setting
        self.rules = machine or Machine()

    # --- what may happen ---

    def next_worlds(self, world: World) -> Iterator[tuple[str, World]]:
        yield "time", self.settled(world, LATER)
        yield from self.arrival(world)
        yield from self.worker_moves(world)
        yield from self.people(world)
        for index, life in world.present():
            if (step := self.rules.lose(life, NOW)) is not None:
                yield "lose", self.with_job(world, index, step.life)
            if life.waiting_for == PAUSE:
                # as the ledger does: the hold becomes due, and the line is put in order.
                due = replace(life, waiting_for=replace(PAUSE, until_ms=NOW))
                if self.setting.shared_key:
                    yield "resume", self.with_job(world, index, due)
                elif (ready := self.rules.promote(due)) is not None:
                    yield "resume", self.with_job(world, index, ready)
        for index, lease, word in world.reports:
            if (after := self.report(world, index, lease, word)) is not None:
                yield "report", after

    def arrival(self, world: World) -> Iterator[tuple[str, World]]:
        first, second = world.jobs
        if second is not None:
            return
        there = self.places(world) if self.setting.shared_key else []
        verdict = self.rules.admit(there, line.Newcomer(self.setting.policy, NOW), NOW)
        if isinstance(verdict, line.Fold):
            return
        if verdict.cancel:
            first = self.rules.cancel(first, "superseded", NOW) or first
        jobs = (first, fresh(verdict.waiting_for))
        yield "arrive", self.settled(replace(world, jobs=jobs), NOW)

    def worker_moves(self, world: World) -> Iterator[tuple[str, World]]:
        for worker in ("a", "b"):
            for index, life in world.present():
                taken = self.rules.claim(life)
                if taken is None:
                    continue
                mine = world.beliefs | {(worker, index, taken.lease)}
                yield "claim", self.with_job(world, index, taken, beliefs=mine)
                if worker == "a":
                    yield "park", self.with_job(world, index, self.rules.hold(taken, PAUSE))
            held = {belief for belief in world.beliefs if belief[0] == worker}
            if held:
                yield "crash", replace(world, beliefs=world.beliefs - held)
            for _, index, lease in held:
                sent = [r for r in world.reports if r[:2] == (index, lease)]
                for word in self.setting.words if len(sent) < self.setting.in_flight else ():
                    reports = world.reports | {(index, lease, word)}
                    yield "send", replace(world, reports=reports)

    def people(self, world: World) -> Iterator[tuple[str, World]]:
        for index, life in world.present():
            if (after := self.rules.cancel(life, "x", NOW)) is not None:
                yield "cancel", self.with_job(world, index, after)
            if (again := self.rules.replay(life, NOW)) is not None:
                if self.setting.shared_key:
                    again = self.rules.wait_for(again, WaitingFor("key"))
                yield "replay", self.with_job(world, index, again)

    def report(self, world: World, index: int, lease: int, word: str) -> World | None:
        life = world.jobs[index]
        step = self.rules.finish(life, lease, ENDINGS[word], NOW, 5.0)
        current = life.state is JobState.RUNNING and life.lease == lease
        need((step is not None) == current, "a report was taken under a lost lease, or refused")
        return None if step is None else self.with_job(world, index, step.life)

    # --- the line ---

    def places(self, world: World) -> list[line.Place]:
        return [
            line.Place(
                JobId(f"j{index}"), life.state, life.run_at_ms, life.waiting_for,
                self.setting.policy, self.setting.skippable, 0, life.attempt,
            )
            for index, life in world.present()
            if life.state not in TERMINAL
        ]  # fmt: skip

    def settled(self, world: World, now_ms: int) -> World:
        jobs = list(world.jobs)
        places = self.places(world)
        lines = [places] if self.setting.shared_key else [[place] for place in places]
        for members in lines:
            moves = self.rules.settle(members, now_ms)
            for move in sorted(moves, key=lambda move: move.waiting_for is None):
                index = int(move.job_id[1:])
                after = (
                    self.rules.promote(jobs[index])
                    if move.waiting_for is None
                    else self.rules.wait_for(jobs[index], move.waiting_for)
                )
                need(after is not None, "settle moved a job that runs or has ended")
                jobs[index] = after
        return replace(world, jobs=(jobs[0], jobs[1]))

    def with_job(self, world: World, index: int, life: Life, **changes: object) -> World:
        jobs = list(world.jobs)
        jobs[index] = life
        return self.settled(replace(world, jobs=(jobs[0], jobs[1]), **changes), NOW)

    # --- what must hold ---

    def check(self, world: World) -> None:
        lives = [life for _, life in world.present()]
        in_turn = [life for life in lives if life.state in TURN]
        if self.setting.shared_key:
            need(len(in_turn) <= 1, "two jobs of one key at once")
            self.check_order(world)
        for life in lives:
            need(0 <= life.attempt <= life.max_attempts, "attempts are miscounted")
            need((life.waiting_for is not None) == (life.state is JobState.WAITING), "no reason")
            need((life.finished_at_ms is not None) == (life.state in TERMINAL), "no end")
            need(life.state is not JobState.RUNNING or life.attempt > 0, "runs uncounted")
            need(
                not life.cancel_requested or life.state not in (JobState.QUEUED, JobState.WAITING),
                "a job that was asked to stop is tried again",
            )
            self.check_stale(life)

    def check_order(self, world: World) -> None:
        first, second = world.jobs
        if self.setting.skippable or second is None or second.state not in TURN:
            return
        held = first.waiting_for
        behind = held is not None and held.what == "key"
        need(first.state in TERMINAL or behind, "a later job overtook a strict one")

    def check_stale(self, life: Life) -> None:
        """Whatever an attempt that ended or was lost may still report, it changes nothing."""
        for lease in range(life.lease + 2):
            if life.state is JobState.RUNNING and lease == life.lease:
                continue
            for ending in ENDINGS.values():
                stale = self.rules.finish(life, lease, ending, NOW, 5.0)
                need(stale is None, "a stale report changed a job")

    def check_step(self, label: str, before: World, after: World) -> None:
        for old, new in zip(before.jobs, after.jobs, strict=True):
            if old is None or new is None:
                continue
            need(new.lease >= old.lease, "a lease went back")
            if old.state in TERMINAL and new != old:
                need(label == "replay", "an ended job changed without a replay")
            if old.state is JobState.RUNNING:
                need(new.lease == old.lease, "a running job was claimed")
                asked = old.cancel_requested and new.state in (JobState.QUEUED, JobState.WAITING)
                need(not asked, "a cancel was forgotten")
                ends = ("report", "lose")
                need(new.state is JobState.RUNNING or label in ends, f"{label} ended an attempt")
            elif new.state is JobState.RUNNING:
                need(label == "claim" and new.lease > old.lease, f"{label} started an attempt")
                need(new.attempt == old.attempt + 1, "a claim did not count the attempt")
            if label == "park" and new.waiting_for == PAUSE and old.state is JobState.QUEUED:
                need(new.attempt == old.attempt, "a pause cost an attempt")
                need(new.lease > old.lease, "a parked claim left its lease valid")

    # --- the walk ---

    def explore(self, at_most: int = 200_000) -> Found:
        """Every world that can be reached, checked; Broken for the first that is wrong."""
        start = canonical(World((fresh(), None)))
        found = Found()
        back: dict[World, set[World]] = {start: set()}
        waiting = deque([start])
        while waiting:
            need(len(back) < at_most, "the worlds did not end; the bound is too small")
            world = waiting.popleft()
            for label, after in self.next_worlds(world):
                found.steps += 1
                self.check_step(label, world, after)
                known = canonical(after)
                if known not in back:
                    self.check(after)
                    back[known] = set()
                    waiting.append(known)
                if label in BY_ITSELF:
                    back[known].add(world)
        found.worlds = len(back)
        found.ends = {tuple(life.state for _, life in w.present()) for w in back if is_over(w)}
        need(len(reaching(back)) == len(back), "work is left that never comes to its end")
        return found


def is_over(world: World) -> bool:
    return all(life.state in TERMINAL for _, life in world.present())


def reaching(back: dict[World, set[World]]) -> set[World]:
    """Worlds from which one is reached in which all work has ended."""
    found = {world for world in back if is_over(world)}
    waiting = deque(found)
    while waiting:
        for before in back[waiting.popleft()] - found:
            found.add(before)
            waiting.append(before)
    return found


def canonical(world: World) -> World:
    """The world without what can no longer matter, which makes the worlds finitely few.

    Reports under lost leases need not be carried along, since `check_stale` tries all of them in
    every world; so of a lease only whether it is the present one matters, not its number. The two
    workers are alike.
    """

    def renumbered(life: Life | None) -> Life | None:
        if life is None:
            return None
        lease = CLAIMED_BEFORE if life.lease else 0
        return replace(life, error=None, result=None, lease=lease)

    def is_live(index: int, lease: int) -> bool:
        life = world.jobs[index]
        return life is not None and life.state is JobState.RUNNING and life.lease == lease

    first, second = (renumbered(life) for life in world.jobs)
    assert first is not None
    beliefs = frozenset((w, i, CLAIMED_BEFORE) for w, i, n in world.beliefs if is_live(i, n))
    swapped = frozenset(("b" if w == "a" else "a", i, n) for w, i, n in beliefs)
    reports = frozenset((i, CLAIMED_BEFORE, word) for i, n, word in world.reports if is_live(i, n))
    return World((first, second), min(beliefs, swapped, key=sorted), reports)
