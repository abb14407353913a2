"""The history checker: what must hold after any faults, as pure functions over a history."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from tests.support.chaos_model import (
    AttemptRow,
    DeliveryRow,
    Finding,
    History,
    JobRow,
    Landed,
    Sent,
    Wrong,
)

ROUTE, LAND = "ingress.route", "effect.land"
ENDED = frozenset({"succeeded", "dead", "cancelled"})
TOKEN = re.compile(r"\btok\d{6}x\b")
MARKER = re.compile(r"<!-- hookyard:(\S+) -->")


def check(history: History) -> list[Finding]:
    """Everything that is wrong with a history; nothing when all promises were kept."""
    return [finding for look in CHECKS for finding in look(history)]


def rows_of(history: History) -> dict[str, DeliveryRow | None]:
    """The row of each delivery that was sent, by its name: by the id acked, else by its own."""
    by_id = {row.id: row for row in history.deliveries}
    by_own = {(row.source, row.provider_id): row for row in history.deliveries}
    found: dict[str, DeliveryRow | None] = {}
    for sent in history.sent:
        ids = [ack.delivery_id for ack in sent.acks if ack.delivery_id]
        if ids:
            found[sent.name] = by_id.get(ids[0])
        else:
            found[sent.name] = by_own.get((sent.source, sent.provider_id or ""))
    return found


def check_acks(history: History) -> Iterator[Finding]:
    """Whatever was acknowledged is there, under one id, and was taken in once."""
    rows = rows_of(history)
    for sent in history.sent:
        ids = {ack.delivery_id for ack in sent.acks if ack.delivery_id}
        if len(ids) > 1:
            yield Finding(Wrong.DOUBLED, f"{sent.name} was acked under {sorted(ids)}")
        if sum(ack.word == "accepted" for ack in sent.acks) > 1:
            yield Finding(Wrong.DOUBLED, f"{sent.name} was accepted more than once")
        if not sent.acks:
            yield Finding(Wrong.UNFINISHED, f"{sent.name} was never acked")
        elif rows[sent.name] is None:
            yield Finding(Wrong.LOST, f"{sent.name} was acked and is not there")


def check_rows(history: History) -> Iterator[Finding]:
    """No delivery stands twice, and none that nobody sent."""
    own = Counter((row.source, row.provider_id) for row in history.deliveries)
    for (source, provider_id), count in own.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"{source} delivery {provider_id} stands {count} times")
    known = {row.id for row in rows_of(history).values() if row is not None}
    for row in history.deliveries:
        if row.id not in known:
            yield Finding(Wrong.STRAY, f"nobody sent delivery {row.id} of {row.source}")


def check_outcomes(history: History) -> Iterator[Finding]:
    """Each delivery ended once, as it should, with its one routing and the jobs it asks for."""
    jobs: dict[str, list[JobRow]] = defaultdict(list)
    for job in history.jobs:
        if job.delivery_id is not None:
            jobs[job.delivery_id].append(job)
    rows = rows_of(history)
    for sent in history.sent:
        row = rows[sent.name]
        if row is not None:
            yield from _outcome(sent, row, jobs[row.id])


def _outcome(sent: Sent, row: DeliveryRow, jobs: Sequence[JobRow]) -> Iterator[Finding]:
    if row.status == "accepted":
        yield Finding(Wrong.UNFINISHED, f"{sent.name} ({row.id}) was never routed")
        return
    if row.status not in sent.want.status:
        yield Finding(Wrong.OUTCOME, f"{sent.name} ended {row.status}: {row.reason}")
    if row.status in ("ignored", "dead") and not row.reason:
        yield Finding(Wrong.OUTCOME, f"{sent.name} is {row.status} without a reason")
    counts = Counter(job.kind for job in jobs)
    routings = counts.pop(ROUTE, 0)
    counts.pop(LAND, None)
    if routings != 1:
        what = Wrong.DOUBLED if routings > 1 else Wrong.LOST
        yield Finding(what, f"{sent.name} has {routings} routing jobs")
    for kind in counts.keys() | sent.want.jobs.keys():
        wanted, there = sent.want.jobs.get(kind, 0), counts[kind]
        if there != wanted:
            what = Wrong.DOUBLED if there > wanted else Wrong.LOST
            yield Finding(what, f"{sent.name} has {there} {kind} jobs, not {wanted}")


def check_jobs(history: History) -> Iterator[Finding]:
    """Every job has ended well, every effect has landed."""
    for job in history.jobs:
        if job.state not in ENDED:
            yield Finding(Wrong.UNFINISHED, f"{job.kind} {job.id} is {job.state}")
        elif job.state != "succeeded":
            yield Finding(Wrong.OUTCOME, f"{job.kind} {job.id} is {job.state}: {job.error}")
    for effect in history.effects:
        if effect.state != "landed":
            what = Wrong.UNFINISHED if effect.state == "pending" else Wrong.OUTCOME
            yield Finding(what, f"effect {effect.key} is {effect.state}: {effect.error}")


def check_landed(history: History) -> Iterator[Finding]:
    """Each thing the App made carries its own key, stands once, and was asked for."""
    keys = {effect.key for effect in history.effects}
    made: Counter[str] = Counter()
    for thing in history.landed:
        if thing.kind == "reaction":
            continue
        marked = MARKER.match(thing.text)
        key = marked.group(1) if marked else ""
        made[key] += 1
        if key not in keys:
            where = f"{thing.repository}#{thing.number}"
            yield Finding(Wrong.STRAY, f"nobody asked for the {thing.kind} {key!r} on {where}")
    for key, count in made.items():
        if count > 1:
            yield Finding(Wrong.DOUBLED, f"{key} was made {count} times")
    for effect in history.effects:
        if effect.kind != "reaction" and effect.state == "landed" and not made[effect.key]:
            yield Finding(Wrong.LOST, f"{effect.key} is called landed and was never made")


def check_answers(history: History) -> Iterator[Finding]:
    """One answer to each command, where it belongs; one pair of eyes; none to anybody else."""
    answers: Counter[tuple[str, str]] = Counter()
    for thing in history.landed:
        if thing.kind != "reaction" and not _lists_criteria(thing):
            answers.update((thing.kind, token) for token in set(TOKEN.findall(thing.text)))
    eyes = Counter(thing.comment_id for thing in history.landed if thing.kind == "reaction")
    wanted_answers: set[tuple[str, str]] = set()
    wanted_eyes: set[int | None] = set()
    for sent in history.sent:
        want = sent.want
        if want.answer:
            wanted_answers.add((want.answer, want.token))
            yield from _once(answers[want.answer, want.token], f"the answer to {sent.name}")
        if want.eyes is not None:
            wanted_eyes.add(want.eyes)
            yield from _once(eyes[want.eyes], f"the reaction to {sent.name}")
    for kind, token in answers.keys() - wanted_answers:
        yield Finding(Wrong.STRAY, f"nobody asked for the {kind} about {token}")
    for comment_id in eyes.keys() - wanted_eyes:
        yield Finding(Wrong.STRAY, f"nobody asked for the reaction on comment {comment_id}")


def _once(count: int, what: str) -> Iterator[Finding]:
    if count != 1:
        wrong = Wrong.DOUBLED if count > 1 else Wrong.LOST
        yield Finding(wrong, f"{what} landed {count} times")


def check_criteria(history: History) -> Iterator[Finding]:
    """Every issue's comment lists the criteria of its last text: one comment, the newest words."""
    made = Counter(
        (thing.repository, thing.number) for thing in history.landed if _lists_criteria(thing)
    )
    for one in history.criteria:
        where = f"{one.repository}#{one.number}"
        yield from _once(made.pop((one.repository, one.number), 0), f"the criteria of {where}")
        if one.shown != one.wanted:
            shown, wanted = sorted(one.shown), sorted(one.wanted)
            yield Finding(Wrong.OUTCOME, f"{where} lists {shown}, its text says {wanted}")
    for repository, number in made:
        yield Finding(Wrong.STRAY, f"nobody asked for the criteria of {repository}#{number}")


def _lists_criteria(thing: Landed) -> bool:
    marked = MARKER.match(thing.text)
    return marked is not None and marked.group(1).endswith(":criteria")


def check_leases(history: History) -> Iterator[Finding]:
    """Attempts of a job take turns under rising leases; only the last one completes it."""
    jobs = {job.id: job for job in history.jobs}
    for job_id, attempts in _grouped(history.attempts, lambda a: a.job_id).items():
        ordered = sorted(attempts, key=lambda a: a.lease)
        for one, other in pairwise(ordered):
            if one.lease == other.lease:
                yield Finding(Wrong.DOUBLED, f"job {job_id} has two attempts of one lease")
            if one.finished_ms > other.started_ms:
                yield Finding(Wrong.OVERLAP, f"attempts of {job_id}: {one} and {other}")
            if one.outcome == "succeeded":
                yield Finding(Wrong.STALE, f"job {job_id} went on after it succeeded: {other}")
        job, last = jobs.get(job_id), ordered[-1]
        if job is None:
            yield Finding(Wrong.STRAY, f"there are attempts of {job_id}, which is no job")
        elif last.lease > job.lease or (job.state in ENDED and last.lease != job.lease):
            facts = f"job {job_id} ended under lease {last.lease}, and holds {job.lease}"
            yield Finding(Wrong.STALE, facts)


def check_completions(history: History) -> Iterator[Finding]:
    """A job that succeeded has exactly one attempt that says so."""
    ends = Counter(a.job_id for a in history.attempts if a.outcome == "succeeded")
    for job in history.jobs:
        wanted = int(job.state == "succeeded")
        if ends[job.id] != wanted:
            facts = f"job {job.id} is {job.state} and has {ends[job.id]} successful attempts"
            yield Finding(Wrong.STALE, facts)


def check_keys(history: History) -> Iterator[Finding]:
    """Jobs of one key never run at the same time."""
    keys = {job.id: job.key for job in history.jobs}
    keyed = [attempt for attempt in history.attempts if keys.get(attempt.job_id)]
    for key, attempts in _grouped(keyed, lambda a: keys[a.job_id] or "").items():
        latest: AttemptRow | None = None
        for attempt in sorted(attempts, key=lambda a: (a.started_ms, a.finished_ms)):
            if latest is not None and attempt.started_ms < latest.finished_ms:
                yield Finding(Wrong.OVERLAP, f"key {key}: {latest} and {attempt}")
            if latest is None or attempt.finished_ms > latest.finished_ms:
                latest = attempt


def _grouped(
    attempts: Iterable[AttemptRow], by: Callable[[AttemptRow], str]
) -> Mapping[str, list[AttemptRow]]:
    found: dict[str, list[AttemptRow]] = defaultdict(list)
    for attempt in attempts:
        found[by(attempt)].append(attempt)
    return found


CHECKS: Sequence[Callable[[History], Iterator[Finding]]] = (
    check_acks,
    check_rows,
    check_outcomes,
    check_jobs,
    check_landed,
    check_answers,
    check_criteria,
    check_leases,
    check_completions,
    check_keys,
)
