"""Why a job does not run now, in one or two plain sentences. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hookyard.core.jobs.model import Job, JobState, Lane, WaitingFor
from hookyard.kit.clock import to_rfc3339

COUNTED_AHEAD = 1_000
NOBODY_CAME_MS = 10_000
LANE_FORGOTTEN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows around a job.

    `ahead` counts ready jobs that start before it, up to `COUNTED_AHEAD`; `running` attempts whose
    lease holds, by lane; `front` is the job in front of its key.
    """

    now_ms: int
    ahead: int = 0
    running: Mapping[Lane, int] = field(default_factory=dict)
    front: Job | None = None


def held_for(job: Job, facts: Facts) -> WaitingFor | None:
    """What holds a job: what it waits for, or the line of its lane when it is ready."""
    if job.state is not JobState.QUEUED:
        return job.waiting_for
    return WaitingFor("lane", f"{job.lane.value}, {_ahead(facts.ahead)} before it")


def why_waiting(job: Job, facts: Facts | None = None) -> str:
    """Why a job does not run now; without facts, what its own row tells."""
    if job.state is JobState.QUEUED:
        return _why_queued(job, facts)
    waiting = job.waiting_for
    if job.state is not JobState.WAITING or waiting is None:
        return f"It does not wait: it is {job.state.value}."
    until = "" if waiting.until_ms is None else f" until {to_rfc3339(waiting.until_ms)}"
    match waiting.what:
        case "time":
            held = "is delayed" if waiting.holder is None else f"waits out its {waiting.holder}"
            why = f"It {held}{until}"
        case "key":
            why = _why_key(job, waiting, None if facts is None else facts.front)
        case "kind":
            why = f"No worker here knows the kind {job.kind} (version {job.version})"
        case "breaker":
            why = f"{waiting.holder} has failed repeatedly and its breaker is open{until}"
        case "limit":
            why = f"The limit {waiting.holder} is used up{until}"
        case "pause":
            why = f"It is paused{until or ' until it is resumed'}: {waiting.holder}"
        case "budget":
            why = f"It waits{until or ' until there is more to use'}, held by a {waiting.holder}"
        case _:
            why = f"It is held by {waiting.what} {waiting.holder or ''}".rstrip() + until
    return why.removesuffix(".") + "."


def _why_queued(job: Job, facts: Facts | None) -> str:
    if facts is None:
        return "It is ready and starts as soon as a worker has a free slot in its lane."
    lane = job.lane.value
    place = f"It is ready, and {_ahead(facts.ahead)} of lane {lane} start before it."
    if facts.ahead == 0:
        place = f"It is ready, and the next of lane {lane}."
    elif facts.ahead == 1:
        place = f"It is ready, and 1 job of lane {lane} starts before it."
    return f"{place} {_why_no_worker(job, facts)}"


def _why_no_worker(job: Job, facts: Facts) -> str:
    busy, here = sum(facts.running.values()), facts.running.get(job.lane, 0)
    ready_for_ms = facts.now_ms - job.run_at_ms
    serve = f"`hookyard worker --lanes {job.lane.value}` would serve it"
    if busy == 0 and ready_for_ms >= NOBODY_CAME_MS:
        return f"No worker is at work on anything, so none may be running; {serve}."
    if busy == 0:
        return "No worker is busy; it starts as soon as one looks."
    if here == 0 and ready_for_ms >= LANE_FORGOTTEN_MS:
        return f"Workers do {_jobs(busy)} now, none of this lane; {serve}."
    return f"Workers do {_jobs(busy)} now, {here} of this lane; it waits for a free slot."


def _why_key(job: Job, waiting: WaitingFor, front: Job | None) -> str:
    why = f"Jobs with the key {job.key} take turns, and {waiting.holder} is in front"
    if front is None:
        return why
    if front.state is JobState.RUNNING and front.started_at_ms is not None:
        return f"{why}: {front.kind}, running since {to_rfc3339(front.started_at_ms)}"
    since = f"{front.kind}, {front.state.value} since {to_rfc3339(front.created_at_ms)}"
    return f"{why}: {since}. Of that one: {why_waiting(front)}"


def _ahead(count: int) -> str:
    return f"at least {COUNTED_AHEAD:,}" if count >= COUNTED_AHEAD else str(count)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
