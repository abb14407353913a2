"""The write budget of one installation as a value: who may write now, and if not, until when.

# spec: GitHub's secondary limits: 80 content-creating requests a minute and 500 an hour, 900
# points a minute where a write is 5 (docs.github.com, rate limits for the REST API). They cannot
# be asked for, so we count our own writes and learn from refusals: down by a quarter at once, up
# by a fortieth of the configured limit every five quiet minutes.

Counts are kept in buckets of a twelfth of the window; a bucket counts until it has left the window
whole, so no window of that length, wherever it starts, ever holds more than the limit.
Instants and durations are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hookyard.core.publishing.model import Urgency
from hookyard.core.publishing.window import EMPTY_HOUR, EMPTY_MINUTE, Window

RANK: Mapping[Urgency, int] = {Urgency.INTERACTIVE: 2, Urgency.CHECK: 1, Urgency.CAMPAIGN: 0}
CONTENT_MINUTE = "content-creating {limit}/min"
CONTENT_HOUR = "content-creating {limit}/h"
POINTS_MINUTE = "write points {limit}/min"
SPACING = "one write each {limit} ms"


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """What is configured. `shares` is how much of each window an urgency may fill."""

    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900
    spacing_ms: int = 1_000
    spacing_after_limit_ms: int = 600_000
    near: float = 0.8
    floor: int = 5
    shrink: float = 0.75
    grow_every_ms: int = 300_000
    grow_fraction: float = 0.025
    shares: Mapping[Urgency, float] = field(
        default_factory=lambda: {
            Urgency.INTERACTIVE: 1.0,
            Urgency.CHECK: 0.85,
            Urgency.CAMPAIGN: 0.6,
        }
    )

    def cap(self, limit: int, urgency: Urgency, cost: int = 1) -> int:
        """How full the window may become by this urgency: at least one write, at most all."""
        return min(limit, max(cost, int(limit * self.shares[urgency])))


@dataclass(frozen=True, slots=True)
class Cost:
    """What one write takes.

    # why: GitHub does not say which writes create content, and edits are limited as well in
    # practice, so every write counts.
    """

    content: int = 1
    points: int = 5


WRITE = Cost()


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What one installation has written lately, and what refusals have taught."""

    minute: Window = EMPTY_MINUTE
    hour: Window = EMPTY_HOUR
    points: Window = EMPTY_MINUTE
    last_write_ms: int | None = None
    blocked_until_ms: int = 0
    blocked_by: str = ""
    spaced_until_ms: int = 0
    learned_minute: int | None = None
    learned_hour: int | None = None
    learned_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Go:
    """Write now; `state` is the budget with the write counted."""

    state: BudgetState


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `until_ms`; `limit` names what holds it."""

    limit: str
    until_ms: int


Decision: TypeAlias = Go | Wait


def decide(
    state: BudgetState,
    limits: BudgetLimits,
    urgency: Urgency,
    now_ms: int,
    cost: Cost = WRITE,
    ahead: int = 0,
) -> Decision:
    """Whether one write of this cost may go out, leaving room for `ahead` earlier ones."""
    holds = _holds(state, limits, urgency, now_ms, cost, ahead)
    if holds:
        return max(holds, key=lambda wait: wait.until_ms)
    return Go(spent(state, cost, now_ms))


def spent(state: BudgetState, cost: Cost, now_ms: int, times: int = 1) -> BudgetState:
    """The state after `times` writes at this instant."""
    return replace(
        state,
        minute=state.minute.added(now_ms, cost.content * times),
        hour=state.hour.added(now_ms, cost.content * times),
        points=state.points.added(now_ms, cost.points * times),
        last_write_ms=max(now_ms, state.last_write_ms or 0),
    )


def effective(state: BudgetState, limits: BudgetLimits, now_ms: int) -> tuple[int, int]:
    """The content limits per minute and per hour that hold now, after what was learned."""
    steps = max(0, now_ms - state.learned_at_ms) // limits.grow_every_ms
    return (
        _grown(state.learned_minute, limits.content_per_minute, steps, limits),
        _grown(state.learned_hour, limits.content_per_hour, steps, limits),
    )


def limited(
    state: BudgetState, limits: BudgetLimits, kind: str, until_ms: int, now_ms: int
) -> BudgetState:
    """The state after GitHub refused a write for a `primary` or `secondary` limit.

    Refusals that arrive while one already holds belong to the same episode: only the first
    lowers what we think the limit is, and it lowers the window that was fuller.
    """
    known = state.blocked_until_ms > now_ms
    held = replace(
        state,
        blocked_until_ms=max(state.blocked_until_ms, until_ms),
        blocked_by=f"{kind} rate limit",
    )
    if kind != "secondary":
        return held
    held = replace(
        held, spaced_until_ms=max(held.blocked_until_ms, now_ms) + limits.spacing_after_limit_ms
    )
    if known:
        return held
    minute, hour = effective(state, limits, now_ms)
    if state.minute.used(now_ms) * hour >= state.hour.used(now_ms) * minute:
        minute = max(min(limits.floor, minute), int(minute * limits.shrink))
    else:
        hour = max(min(limits.floor, hour), int(hour * limits.shrink))
    return replace(held, learned_minute=minute, learned_hour=hour, learned_at_ms=now_ms)


def eta(
    state: BudgetState,
    limits: BudgetLimits,
    urgency: Urgency,
    now_ms: int,
    writes: int,
    cost: Cost = WRITE,
) -> int:
    """The instant at which `writes` more writes of this urgency would all have gone out.

    Assumes nobody else writes meanwhile, so it is the earliest possible one.
    """
    at_ms, left = now_ms, writes
    while left > 0:
        verdict = decide(state, limits, urgency, at_ms, cost)
        if isinstance(verdict, Wait):
            at_ms = verdict.until_ms
            continue
        many = min(left, max(1, _free_run(state, limits, urgency, at_ms, cost)))
        state = spent(state, cost, at_ms, many)
        left -= many
    return at_ms


def _holds(
    state: BudgetState,
    limits: BudgetLimits,
    urgency: Urgency,
    now_ms: int,
    cost: Cost,
    ahead: int,
) -> list[Wait]:
    holds: list[Wait] = []
    if state.blocked_until_ms > now_ms:
        holds.append(Wait(state.blocked_by, state.blocked_until_ms))
    spacing = _spacing(state, limits, now_ms, ahead)
    if spacing is not None:
        holds.append(spacing)
    for name, window, limit, each in _windows(state, limits, now_ms, cost):
        if not each:
            continue
        cap = limits.cap(limit, urgency, each)
        until = window.free_at(now_ms, each * (ahead + 1), cap)
        if until > now_ms:
            holds.append(Wait(name.format(limit=limit), until))
    return holds


def _windows(
    state: BudgetState, limits: BudgetLimits, now_ms: int, cost: Cost
) -> tuple[tuple[str, Window, int, int], ...]:
    minute, hour = effective(state, limits, now_ms)
    return (
        (CONTENT_MINUTE, state.minute, minute, cost.content),
        (CONTENT_HOUR, state.hour, hour, cost.content),
        (POINTS_MINUTE, state.points, limits.points_per_minute, cost.points),
    )


def _spacing(state: BudgetState, limits: BudgetLimits, now_ms: int, ahead: int) -> Wait | None:
    if state.last_write_ms is None or not limits.spacing_ms:
        return None
    if not (now_ms < state.spaced_until_ms or _near(state, limits, now_ms)):
        return None
    until_ms = state.last_write_ms + limits.spacing_ms * (ahead + 1)
    if until_ms <= now_ms:
        return None
    return Wait(SPACING.format(limit=limits.spacing_ms), until_ms)


def _near(state: BudgetState, limits: BudgetLimits, now_ms: int) -> bool:
    return any(
        window.used(now_ms) >= limits.near * limit
        for _, window, limit, _ in _windows(state, limits, now_ms, WRITE)
    )


def _grown(learned: int | None, configured: int, steps: int, limits: BudgetLimits) -> int:
    if learned is None:
        return configured
    step = max(1, int(configured * limits.grow_fraction))
    return min(configured, learned + steps * step)


def _free_run(
    state: BudgetState, limits: BudgetLimits, urgency: Urgency, now_ms: int, cost: Cost
) -> int:
    """How many writes may go out at this instant before spacing or a limit says stop."""
    if now_ms < state.spaced_until_ms or _near(state, limits, now_ms):
        return 1
    runs = []
    for _, window, limit, each in _windows(state, limits, now_ms, cost):
        if each:
            room = min(limits.cap(limit, urgency, each), int(limits.near * limit))
            runs.append((room - window.used(now_ms)) // each)
    return min(runs, default=1)
