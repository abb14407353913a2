"""What must hold after a simulation: the promises of the fault campaign, and those beside them.

The campaign's checks (`tests.support.chaos_checks`) look at what is left in the end. Those here
look at every committed change in the order of commits, at the true time, and at what attempts
themselves said of their end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.simulation.book import Book, Said
from tests.simulation.clock import START_MS
from tests.simulation.evidence import Evidence, JobEnd
from tests.simulation.oracle import Seen
from tests.simulation.roles import Shared
from tests.support import chaos_checks
from tests.support.chaos_model import Finding, Wrong

CLOCKS_APART_S = 2.0
ENDED = frozenset({"succeeded", "dead", "cancelled"})
HISTORY_CHECKS = (
    chaos_checks.check_acks,
    chaos_checks.check_rows,
    chaos_checks.check_outcomes,
    chaos_checks.check_criteria,
    chaos_checks.check_leases,
    chaos_checks.check_completions,
    chaos_checks.check_keys,
)
LANDING_CHECKS = (chaos_checks.check_landed, chaos_checks.check_answers)
STEPS = frozenset(
    {
        (None, "queued"), (None, "waiting"),
        ("queued", "running"), ("queued", "waiting"), ("queued", "cancelled"),
        ("waiting", "queued"), ("waiting", "cancelled"),
        ("running", "queued"), ("running", "waiting"), ("running", "succeeded"),
        ("running", "dead"), ("running", "cancelled"),
    }
)  # fmt: skip
REPLAYS = frozenset((state, "queued") for state in ENDED) | {(s, "waiting") for s in ENDED}


def check_all(evidence: Evidence, shared: Shared) -> list[Finding]:
    """Everything that is wrong, in a fixed order; nothing when all promises were kept."""
    found = [Finding(Wrong.OUTCOME, words) for words in shared.world.troubles]
    found += [Finding(Wrong.OUTCOME, words) for words in shared.world.loop.trouble]
    for look in HISTORY_CHECKS:
        found.extend(look(evidence.history))
    # why: whether GitHub may still be at work on a call is told by clocks, of two processes.
    for landing in LANDING_CHECKS if not shared.world.plan.wild else ():
        found.extend(landing(evidence.history))
    for check in CHECKS:
        found.extend(check(evidence, shared.book))
    if not shared.world.plan.wild:
        found.extend(check_lost(evidence, shared.book))
        found.extend(check_checks(evidence, shared))
    found.extend(check_shown(evidence, shared))
    return found


def check_steps(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """Jobs go only the ways there are; each claim raises the lease by one, nothing else does."""
    for seen in _changes(evidence.seen, "job"):
        step = (seen.was, seen.now)
        known = step in STEPS or (step in REPLAYS and seen.id in book.replayed)
        revived = step in REPLAYS and seen.kind in ("ingress.route", "agent.task", "effect.land")
        if not known and not revived:
            yield Finding(Wrong.OUTCOME, f"{seen} is no way for a job to go")
        claimed = seen.now == "running"
        if seen.was is not None and seen.lease != (seen.lease_was or 0) + claimed:
            yield Finding(Wrong.STALE, f"{seen}: its lease was {seen.lease_was}")
        if (seen.attempt or 0) > (seen.most or 0):
            yield Finding(Wrong.DOUBLED, f"{seen}: more attempts than it may have")


def check_ends(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """Every job has ended, and as its last attempt or somebody's request says."""
    newest: dict[str | None, str] = {}
    for job in evidence.jobs.values():
        if job.policy == "cancel_running":
            newest[job.key] = job.id
    for job in evidence.jobs.values():
        if job.state not in ENDED:
            if job.kind != "sim.tick":
                yield Finding(Wrong.UNFINISHED, f"{job.kind} {job.id} is {job.state}")
            continue
        said = book.said.get((job.id, job.lease))
        if job.state == "succeeded" and job.kind.startswith("sim.") and job.kind != "sim.tick":
            yield from _succeeded(job, said)
        elif job.state == "dead":
            yield from _dead(job, said)
        elif job.state == "cancelled" and job.id not in book.cancelled:
            yield from _superseded(job, newest)


def _superseded(job: JobEnd, newest: Mapping[str | None, str]) -> Iterator[Finding]:
    if job.key is None or newest.get(job.key, "") <= job.id:
        yield Finding(Wrong.OUTCOME, f"nobody cancelled {job.kind} {job.id}")


def _succeeded(job: JobEnd, said: Said | None) -> Iterator[Finding]:
    if said is None or said.word != "done":
        yield Finding(Wrong.STALE, f"{job.kind} {job.id} succeeded, its last attempt: {said}")
    elif job.result != {"lease": job.lease}:
        yield Finding(Wrong.STALE, f"{job.id} has {job.result}, its lease is {job.lease}")


def _dead(job: JobEnd, said: Said | None) -> Iterator[Finding]:
    spent = job.attempt >= job.max_attempts
    failed = said is not None and said.word == "fail"
    if job.kind in ("ingress.route", "criteria.extract", "effect.land"):
        failed = job.error.get("code") == "github_unavailable"
    if not spent and not failed:
        yield Finding(
            Wrong.OUTCOME, f"{job.kind} {job.id} is dead too early: {dict(job.error)}, {said}"
        )


def check_lost(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """No job is taken back from a worker before its lease has run out by the true time."""
    before: Seen | None = None
    for seen in evidence.seen:
        if seen.what == "job":
            before = seen
        elif seen.what == "attempt" and seen.now == "lost" and before is not None:
            until_s = ((before.until_ms or 0) - START_MS) / 1000
            if before.id == seen.id and seen.at_s < until_s - CLOCKS_APART_S:
                yield Finding(Wrong.OVERLAP, f"{seen.id} was taken back {until_s:.1f}: {seen}")


def check_attempts(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """No job had more attempts that count than it may have."""
    counted = Counter(
        a.job_id for a in evidence.history.attempts if a.outcome not in ("held", "released")
    )
    for job_id, count in counted.items():
        if count > evidence.jobs[job_id].max_attempts:
            yield Finding(Wrong.DOUBLED, f"{job_id} had {count} attempts")


def check_marks(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """What an end applies stands once where the end stands, and nowhere else."""
    applied = Counter((job, lease) for job, lease, what in evidence.marks if what == "apply")
    ends = {
        (seen.id, seen.lease)
        for seen in _changes(evidence.seen, "job")
        if seen.was == "running" and seen.now in ("succeeded", "dead")
    }
    for pair, count in applied.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"the end of {pair} was applied {count} times")
        if pair not in ends:
            yield Finding(Wrong.STALE, f"the end of {pair} was applied, and is no end")
    for job_id, lease in sorted(ends, key=str):
        said = book.said.get((job_id, lease or 0))
        spent = evidence.jobs[job_id].error.get("code") in ("worker_lost", "attempts_exhausted")
        if said is not None and said.applies and not applied[job_id, lease] and not spent:
            yield Finding(Wrong.LOST, f"the end of {job_id} under {lease} was not applied")


def check_requests(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """A job that was promised is there; none is there that nobody asked for."""
    for job_id, kind in book.enqueued.items():
        if job_id not in evidence.jobs:
            yield Finding(Wrong.LOST, f"{kind} {job_id} was promised and is not there")
    made = Counter(seen.id for seen in _changes(evidence.seen, "job") if seen.was is None)
    for job_id, count in made.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"job {job_id} was made {count} times")
    numbers = Counter(
        job.payload.get("n") for job in evidence.jobs.values() if job.payload.get("n") is not None
    )
    for n, count in numbers.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"request {n} became {count} jobs")


def check_terms(evidence: Evidence, book: Book) -> Iterator[Finding]:
    """Terms of the scheduler's office only rise, and each has one holder."""
    highest, holders = 0, dict[int, str]()
    for term, holder in evidence.terms:
        if term < highest:
            yield Finding(Wrong.STALE, f"{holder} wrote under term {term} after {highest}")
        highest = max(highest, term)
        if holders.setdefault(term, holder) != holder:
            yield Finding(Wrong.OVERLAP, f"term {term} was held by {holder} and {holders[term]}")


def check_checks(evidence: Evidence, shared: Shared) -> Iterator[Finding]:
    """Each check run was made once under its external id."""
    made = Counter(t.first for t in shared.github.things if t.kind == "check")
    for external_id, count in made.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"check run {external_id} was made {count} times")


def check_shown(evidence: Evidence, shared: Shared) -> Iterator[Finding]:
    """GitHub shows the newest wish of every effect."""
    for key, kind, state, desired in evidence.effects:
        if state != "landed":
            yield Finding(Wrong.UNFINISHED, f"effect {key} is {state}")
        elif kind in ("comment", "issue"):
            shown = [
                t.data["body"]
                for t in shared.github.things
                if t.kind == kind and t.data["body"].startswith(f"<!-- hookyard:{key} -->")
            ]
            if not any(body.endswith(desired["body"]) for body in shown):
                yield Finding(Wrong.OUTCOME, f"{key} shows {shown}, not {desired['body']!r}")
        elif kind == "check":
            runs = [
                t.data["output"] for t in shared.github.things
                if t.kind == "check" and t.first.partition("~")[0] == key
            ]  # fmt: skip
            if not runs or runs[-1].get("title") != desired["title"]:
                yield Finding(Wrong.OUTCOME, f"{key} shows {runs}, not {desired['title']!r}")


def _changes(seen: Sequence[Seen], what: str) -> Iterator[Seen]:
    return (
        change
        for change in seen
        if change.what == what and not (change.kind or "").startswith("upkeep.")
    )


CHECKS: Sequence[Callable[[Evidence, Book], Iterator[Finding]]] = (
    check_steps,
    check_ends,
    check_attempts,
    check_marks,
    check_requests,
    check_terms,
)
