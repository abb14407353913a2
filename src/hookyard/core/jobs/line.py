"""The line of jobs that share a key: who may be ready, who waits behind whom. Pure.

The one rule: at most one job of a key is queued or running. All others wait, for the job in
front (`key`) or for something of their own (time, breaker, limit, pause, kind). The line is in
order of job id, which is the order of arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.core.jobs.model import JobId, JobState, KeyPolicy, WaitingFor


@dataclass(frozen=True, slots=True)
class Place:
    """One unfinished job of the key. `skippable`: later ones may overtake it while it is held."""

    job_id: JobId
    state: JobState
    run_at_ms: int
    waiting_for: WaitingFor | None
    policy: KeyPolicy
    skippable: bool
    created_at_ms: int
    attempt: int = 0

    @property
    def holds_key(self) -> bool:
        """Queued or running: the one the others wait for."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    def may_be_overtaken(self) -> bool:
        """Held by something of its own, and its kind lets others pass meanwhile."""
        return self.skippable and self.state is JobState.WAITING and not self.waits_for_key

    @property
    def waits_for_key(self) -> bool:
        """Held by nothing but the job in front."""
        return self.waiting_for is not None and self.waiting_for.what == "key"

    def own_hold(self, now_ms: int) -> WaitingFor | None:
        """What holds it apart from the job in front; None when it could be ready now."""
        waiting = self.waiting_for
        if self.state is not JobState.WAITING or waiting is None:
            return None
        if waiting.what == "key":
            late = self.run_at_ms > now_ms
            return WaitingFor("time", None, self.run_at_ms) if late else None
        if waiting.until_ms is None or waiting.until_ms > now_ms:
            return waiting
        return None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What the line needs to know of a job that wants to join it."""

    policy: KeyPolicy
    run_at_ms: int
    debounce_s: float = 0.0
    debounce_max_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fold:
    """The newcomer folds into this job; `until_ms` is a debounce's new end, None changes nothing.

    `replace` says whether the newcomer's payload takes the place of the old one.
    """

    job_id: JobId
    replace: bool
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """The newcomer joins, ready when `waiting_for` is None; `cancel` lists whom it displaces."""

    waiting_for: WaitingFor | None
    run_at_ms: int
    cancel: tuple[JobId, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """A change of place: ready when `waiting_for` is None, else held by it."""

    job_id: JobId
    waiting_for: WaitingFor | None


def admit(line: Sequence[Place], new: Newcomer, now_ms: int) -> Fold | Join:
    """What becomes of a newcomer, by its policy and who is there."""
    if new.policy is KeyPolicy.DROP_NEW and line:
        return Fold(line[-1].job_id, replace=False)
    if new.policy is KeyPolicy.DEBOUNCE:
        return _debounce(line, new, now_ms)
    if new.policy is KeyPolicy.CANCEL_RUNNING:
        running = [place for place in line if place.state is JobState.RUNNING]
        waiting = _behind(running, new.run_at_ms, now_ms, None)
        return Join(waiting, new.run_at_ms, tuple(place.job_id for place in line))
    return Join(_behind(line, new.run_at_ms, now_ms, None), new.run_at_ms)


def _debounce(line: Sequence[Place], new: Newcomer, now_ms: int) -> Fold | Join:
    until_ms = now_ms + round(new.debounce_s * 1000)
    for place in line:
        fresh = place.state is not JobState.RUNNING and place.attempt == 0
        if place.policy is not KeyPolicy.DEBOUNCE or not fresh:
            continue
        if new.debounce_max_s > 0:
            until_ms = min(until_ms, place.created_at_ms + round(new.debounce_max_s * 1000))
        waits = place.state is JobState.WAITING
        return Fold(place.job_id, replace=True, until_ms=until_ms if waits else None)
    return Join(_behind(line, until_ms, now_ms, "debounce"), until_ms)


def _behind(
    line: Sequence[Place], run_at_ms: int, now_ms: int, holder: str | None
) -> WaitingFor | None:
    blocking = [place for place in line if not place.may_be_overtaken()]
    if blocking:
        return WaitingFor("key", blocking[-1].job_id)
    return WaitingFor("time", holder, run_at_ms) if run_at_ms > now_ms else None


def settle(line: Sequence[Place], now_ms: int) -> tuple[Move, ...]:
    """Put the line in order: the first that can becomes ready, the others know who is in front.

    Strict order stops at the first job that is held; one that may be overtaken is passed by.
    """
    moves: list[Move] = []
    turn = next((place.job_id for place in line if place.holds_key), None)
    front: JobId | None = None
    for place in line:
        if place.holds_key:
            front = place.job_id
            continue
        hold = place.own_hold(now_ms)
        if turn is not None and (hold is None or place.waits_for_key):
            hold = WaitingFor("key", front or turn)
        if hold != place.waiting_for:
            moves.append(Move(place.job_id, hold))
        if hold is None or (turn is None and not place.skippable):
            turn = place.job_id
        if hold is None or hold.what == "key" or not place.skippable:
            front = place.job_id
    return tuple(moves)
