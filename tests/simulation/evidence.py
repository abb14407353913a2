"""What a simulation left behind, in the words of the history checker and beside them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.oracle import Seen
from tests.simulation.roles import Shared
from tests.support.chaos_checks import TOKEN
from tests.support.chaos_model import (
    AttemptRow,
    CriteriaComment,
    DeliveryRow,
    EffectRow,
    History,
    JobRow,
    Landed,
    Sent,
)

UNFINISHED = (
    "SELECT 1 FROM jobs WHERE state IN ('queued', 'running', 'waiting')"
    " AND kind NOT LIKE 'upkeep.%' AND kind <> 'sim.tick'"
    " UNION ALL SELECT 1 FROM effects WHERE state = 'pending'"
    " UNION ALL SELECT 1 FROM deliveries WHERE status = 'accepted' LIMIT 1"
)
CRITERION = re.compile(r"^- \[[ x]\] (tok\d{6}x) works$", re.MULTILINE)
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A job's row as it stands in the end."""

    id: str
    kind: str
    key: str | None
    policy: str
    state: str
    lease: int
    attempt: int
    max_attempts: int
    payload: Mapping[str, Any]
    error: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """A history, and what only a simulation can see: every change in the order of commits."""

    history: History
    seen: Sequence[Seen]
    jobs: Mapping[str, JobEnd]
    effects: Sequence[tuple[str, str, str, Mapping[str, Any]]]
    marks: Sequence[tuple[str, int, str]]
    terms: Sequence[tuple[int, str]]


def is_quiet(shared: Shared) -> bool:
    """Whether all work has ended but the calendar's own."""
    return shared.sea.store.raw.execute(UNFINISHED).fetchone() is None


def read_evidence(shared: Shared) -> Evidence:
    """Everything, as it stands."""
    rows = shared.sea.store.raw.execute
    jobs = {row[0]: _job(row) for row in rows(
        "SELECT id, kind, key, policy, state, lease, attempt, max_attempts, payload, error, result"
        " FROM jobs WHERE kind NOT LIKE 'upkeep.%' ORDER BY id"
    )}  # fmt: skip
    effects = [
        (key, kind, state, json.loads(desired))
        for key, kind, state, desired in rows(
            "SELECT key, kind, state, desired FROM effects ORDER BY key"
        )
    ]
    seen = shared.sea.oracle.seen
    return Evidence(
        history=_history(shared, jobs, seen),
        seen=seen,
        jobs=jobs,
        effects=effects,
        marks=rows("SELECT job_id, lease, what FROM marks ORDER BY n").fetchall(),
        terms=rows("SELECT term, holder FROM terms ORDER BY n").fetchall(),
    )


def _job(row: Sequence[Any]) -> JobEnd:
    *plain, payload, error, result = row
    return JobEnd(
        *plain, json.loads(payload), json.loads(error or "{}"), json.loads(result or "null")
    )


def _history(shared: Shared, jobs: Mapping[str, JobEnd], seen: Sequence[Seen]) -> History:
    book, rows = shared.book, shared.sea.store.raw.execute
    once = {job_id: job for job_id, job in jobs.items() if job_id not in book.replayed}
    delivery_of = dict(rows("SELECT id, delivery_id FROM jobs").fetchall())
    return History(
        sent=[Sent(p.name, "github", p.guid, p.want, p.acks) for p in book.parcels],
        deliveries=[
            DeliveryRow(*row)
            for row in rows(
                "SELECT id, source, provider_delivery_id, status, reason FROM deliveries"
                " ORDER BY id"
            )
        ],
        jobs=[
            JobRow(j.id, j.kind, j.key, j.state, j.lease, delivery_of[j.id]) for j in once.values()
        ],
        attempts=_attempts(once, seen),
        effects=[
            EffectRow(*row)
            for row in rows(
                "SELECT key, kind, state, error FROM effects WHERE kind <> 'check' ORDER BY key"
            )
        ],
        landed=[
            Landed(t.kind, t.repository, t.number, t.first, _comment_of(t))
            for t in shared.github.things
            if t.kind != "check"
        ],
        criteria=_criteria(shared),
    )


def _comment_of(thing: Any) -> int | None:
    return thing.number if thing.kind == "reaction" else None


def _attempts(jobs: Mapping[str, JobEnd], seen: Sequence[Seen]) -> list[AttemptRow]:
    """Attempts with the true instants of their claim and their end, in microseconds."""
    begun: dict[tuple[str, int | None], float] = {}
    found: list[AttemptRow] = []
    for change in seen:
        if change.what == "job" and change.now == "running":
            begun[change.id, change.lease] = change.at_s
        elif change.what == "attempt" and change.id in jobs:
            start_s = begun.get((change.id, change.lease), 0.0)
            found.append(
                AttemptRow(
                    change.id, change.lease or 0, round(start_s * MICRO),
                    round(change.at_s * MICRO), change.now or "",
                )
            )  # fmt: skip
    return found


def _criteria(shared: Shared) -> list[CriteriaComment]:
    found: list[CriteriaComment] = []
    for (repository, number), issue in shared.github.issues.items():
        shown = frozenset(
            token
            for thing in shared.github.things
            if (thing.kind, thing.repository, thing.number) == ("comment", repository, number)
            and thing.data["body"].partition("\n")[0].endswith(":criteria -->")
            for token in TOKEN.findall(thing.data["body"])
        )
        wanted = frozenset(CRITERION.findall(issue["body"]))
        found.append(CriteriaComment(repository, number, wanted, shown))
    return found
