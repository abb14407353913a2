"""The state machine explored to the end, and the explorer tried on rules that are wrong."""

import sys
from collections.abc import Callable, Sequence

import pytest

from hookyard.core.jobs import line, rules
from hookyard.core.jobs.model import (
    TERMINAL,
    Ending,
    JobState,
    KeyPolicy,
    WaitingFor,
)
from hookyard.core.jobs.rules import Life, Step
from tests.unit.core.jobs.exploration import Broken, Explorer, Machine, Setting, replace

SETTINGS = {
    "strict": Setting(in_flight=2),
    "polite": Setting(skippable=True),
    # why: two jobs that share nothing multiply their worlds, and fewer words show all of it.
    "apart": Setting(shared_key=False, words=("done", "retry", "hold")),
    "newest": Setting(policy=KeyPolicy.CANCEL_RUNNING),
    "dropped": Setting(policy=KeyPolicy.DROP_NEW),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_no_order_of_events_breaks_an_invariant(name: str) -> None:
    found = Explorer(SETTINGS[name]).explore()
    sys.stdout.write(f"{name}: {found.worlds} worlds, {found.steps} steps\n")
    if name == "dropped":
        assert found.worlds > 400
    else:
        assert found.worlds > 2_000
    assert {(a, b) for a in TERMINAL for b in TERMINAL} <= found.ends


def any_lease(life: Life, lease: int, ending: Ending, now_ms: int, delay_s: float) -> Step | None:
    return rules.finish(life, life.lease, ending, now_ms, delay_s)


def no_fence(life: Life) -> Life | None:
    taken = rules.claim(life)
    return taken and replace(taken, lease=max(1, life.lease))


def uncounted(life: Life) -> Life | None:
    taken = rules.claim(life)
    return taken and replace(taken, attempt=max(1, life.attempt))


def claims_running(life: Life) -> Life | None:
    ready = replace(life, state=JobState.QUEUED) if life.state is JobState.RUNNING else life
    return rules.claim(ready)


def costly_hold(life: Life, waiting: WaitingFor) -> Life:
    return replace(rules.hold(life, waiting), attempt=life.attempt)


def unending_loss(life: Life, now_ms: int) -> Step | None:
    step = rules.lose(life, now_ms)
    return step and replace(
        step,
        life=replace(step.life, state=JobState.QUEUED, finished_at_ms=None, waiting_for=None),
    )


def never_lost(life: Life, now_ms: int) -> Step | None:
    return None


def deaf_cancel(life: Life, reason: str, now_ms: int) -> Life | None:
    """Says that it ended what still runs."""
    after = rules.cancel(life, reason, now_ms)
    running = life.state is JobState.RUNNING
    return after and (
        replace(after, state=JobState.CANCELLED, finished_at_ms=now_ms) if running else after
    )


def revives(life: Life, reason: str, now_ms: int) -> Life | None:
    if life.state is JobState.CANCELLED:
        return replace(life, state=JobState.QUEUED, finished_at_ms=None)
    return rules.cancel(life, reason, now_ms)


def forgetful(life: Life, lease: int, ending: Ending, now_ms: int, delay_s: float) -> Step | None:
    """Forgets that the job was asked to stop."""
    return rules.finish(replace(life, cancel_requested=False), lease, ending, now_ms, delay_s)


def fresh_lease(life: Life, now_ms: int) -> Life | None:
    after = rules.replay(life, now_ms)
    return after and replace(after, lease=0)


def replays_anything(life: Life, now_ms: int) -> Life | None:
    return rules.replay(replace(life, state=JobState.DEAD), now_ms)


def everyone(places: Sequence[line.Place], now_ms: int) -> tuple[line.Move, ...]:
    waiting = [place for place in places if place.state is JobState.WAITING]
    return tuple(line.Move(place.job_id, None) for place in waiting)


def nobody(places: Sequence[line.Place], now_ms: int) -> tuple[line.Move, ...]:
    return tuple(move for move in line.settle(places, now_ms) if move.waiting_for is not None)


def impatient(places: Sequence[line.Place], now_ms: int) -> tuple[line.Move, ...]:
    """Lets later jobs pass any that is held."""
    return line.settle([replace(place, skippable=True) for place in places], now_ms)


def at_once(places: Sequence[line.Place], new: line.Newcomer, now_ms: int) -> line.Fold | line.Join:
    return line.Join(None, now_ms)


def nameless(life: Life) -> Life | None:
    after = rules.promote(life)
    return after and replace(after, waiting_for=life.waiting_for)


MUTANTS: dict[str, tuple[Machine, Setting]] = {
    function.__name__: (Machine(**{name: function}), SETTINGS[setting])
    for name, function, setting in (
        ("finish", any_lease, "strict"),
        ("finish", forgetful, "newest"),
        ("claim", no_fence, "polite"),
        ("claim", uncounted, "polite"),
        ("claim", claims_running, "polite"),
        ("hold", costly_hold, "polite"),
        ("lose", unending_loss, "polite"),
        ("lose", never_lost, "newest"),
        ("cancel", deaf_cancel, "polite"),
        ("cancel", revives, "polite"),
        ("replay", fresh_lease, "polite"),
        ("replay", replays_anything, "polite"),
        ("settle", everyone, "strict"),
        ("settle", nobody, "newest"),
        ("settle", impatient, "strict"),
        ("admit", at_once, "strict"),
        ("promote", nameless, "strict"),
    )
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_wrong_is_noticed(name: str) -> None:
    machine, setting = MUTANTS[name]
    with pytest.raises(Broken):
        Explorer(setting, machine).explore()


def test_every_rule_of_the_machine_has_a_mutant() -> None:
    plain = Machine()
    changed: dict[str, Callable[..., object]] = {}
    for machine, _ in MUTANTS.values():
        changed |= {
            name: getattr(machine, name)
            for name in vars(plain)
            if getattr(machine, name) is not getattr(plain, name)
        }
    assert set(changed) == set(vars(plain)) - {"wait_for"}
