"""Tables of verdicts, of runs that are under way, and of merge groups; every statement on them.

A verdict is a row for each change, never changed afterwards: the history of a pull request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.reviews.model import Group, Judgement, RunState

VERDICTS = Table(
    "review_verdicts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("review_id", Text, ForeignKey("reviews.id"), nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("conclusion", Text),
    Column("title", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("judgement", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_review_verdicts_review_id_id", "review_id", "id"),
)

RUNS = Table(
    "review_runs",
    METADATA,
    Column("repository_key", Text, primary_key=True),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("head_sha", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_review_runs_repository_key_head_sha", "repository_key", "head_sha"),
)

GROUPS = Table(
    "review_groups",
    METADATA,
    Column("repository_key", Text, primary_key=True),
    Column("head_sha", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_review_groups_repository_key_number", "repository_key", "number"),
)

_JUDGEMENTS = msgspec.json.Decoder(Judgement)
_CHANGES = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One entry of a pull request's history: what a commit came to, what changed, and why."""

    id: str
    head_sha: str
    at_ms: int
    conclusion: str | None
    title: str
    cause: str
    changes: tuple[str, ...]
    judgement: Judgement
    digest: str


def add(unit: Unit, review_id: str, row: VerdictRow) -> None:
    """Append to the history."""
    unit.run(
        insert(VERDICTS).values(
            id=row.id,
            review_id=review_id,
            head_sha=row.head_sha,
            at_ms=row.at_ms,
            conclusion=row.conclusion,
            title=row.title,
            cause=row.cause,
            changes=msgspec.json.encode(row.changes).decode(),
            judgement=msgspec.json.encode(row.judgement).decode(),
            digest=row.digest,
        )
    )


def get(unit: Unit, verdict_id: str) -> VerdictRow | None:
    """One entry."""
    row = unit.first(select(VERDICTS).where(VERDICTS.c.id == verdict_id))
    return None if row is None else _row(row)


def many(unit: Unit, ids: Sequence[str]) -> dict[str, VerdictRow]:
    """Entries by id."""
    rows = unit.fetch(select(VERDICTS).where(VERDICTS.c.id.in_(ids))) if ids else ()
    return {row["id"]: _row(row) for row in rows}


def history(unit: Unit, review_id: str, limit: int) -> Sequence[VerdictRow]:
    """A pull request's entries, newest first."""
    rows = unit.fetch(
        select(VERDICTS)
        .where(VERDICTS.c.review_id == review_id)
        .order_by(VERDICTS.c.id.desc())
        .limit(limit)
    )
    return [_row(row) for row in rows]


def last_conclusion(unit: Unit, review_id: str) -> str | None:
    """The newest conclusion a pull request came to; None while it came to none."""
    row = unit.first(
        select(VERDICTS.c.conclusion)
        .where(VERDICTS.c.review_id == review_id, VERDICTS.c.conclusion.is_not(None))
        .order_by(VERDICTS.c.id.desc())
        .limit(1)
    )
    return None if row is None else str(row["conclusion"])


def note_run(unit: Unit, repository: str, run: RunState, now_ms: int) -> bool:
    """Keep how far a run is; False when more was known already."""
    key = repository.lower()
    where = and_(RUNS.c.repository_key == key, RUNS.c.run_id == run.run_id)
    known = unit.first(select(RUNS).where(where))
    values = {
        "head_sha": run.head_sha,
        "attempt": run.attempt,
        "state": run.state,
        "at_ms": now_ms,
    }
    if known is None:
        unit.run(insert(RUNS).values(repository_key=key, run_id=run.run_id, **values))
        return True
    before = RunState(run.run_id, known["attempt"], known["head_sha"], known["state"])
    if run.order <= before.order:
        return False
    unit.run(update(RUNS).where(where).values(values))
    return True


def running(
    unit: Unit, repository: str, head_sha: str, started_after_ms: int, ended_after_ms: int
) -> int:
    """Runs of a commit that have not ended, or whose results are still to be read."""
    state, at_ms = RUNS.c.state, RUNS.c.at_ms
    under_way = and_(state.in_(("requested", "in_progress")), at_ms > started_after_ms)
    unread = and_(state == "completed", at_ms > ended_after_ms)
    row = unit.first(
        select(func.count().label("runs")).where(
            RUNS.c.repository_key == repository.lower(),
            RUNS.c.head_sha == head_sha,
            or_(under_way, unread),
        )
    )
    return 0 if row is None else int(row["runs"])


def save_group(unit: Unit, group: Group, now_ms: int) -> None:
    """Keep a merge group as it stands now."""
    key = group.repository.lower()
    where = and_(GROUPS.c.repository_key == key, GROUPS.c.head_sha == group.head_sha)
    values = {"state": group.state, "at_ms": now_ms}
    if unit.run(update(GROUPS).where(where).values(values)):
        return
    row = {
        "repository_key": key,
        "head_sha": group.head_sha,
        "repository": group.repository,
        "head_ref": group.head_ref,
        "number": group.number,
    }
    unit.run(insert(GROUPS).values({**row, **values}))


def group(unit: Unit, repository: str, head_sha: str) -> Group | None:
    """A merge group by its commit."""
    where = and_(GROUPS.c.repository_key == repository.lower(), GROUPS.c.head_sha == head_sha)
    row = unit.first(select(GROUPS).where(where))
    return None if row is None else _group(row)


def groups_of(unit: Unit, repository: str, number: int) -> Sequence[Group]:
    """Merge groups under way that a pull request is in."""
    rows = unit.fetch(
        select(GROUPS)
        .where(
            GROUPS.c.repository_key == repository.lower(),
            GROUPS.c.number == number,
            GROUPS.c.state == "open",
        )
        .order_by(GROUPS.c.head_sha)
        .limit(20)
    )
    return [_group(row) for row in rows]


def _group(row: RowMapping) -> Group:
    return Group(row["repository"], row["head_sha"], row["head_ref"], row["number"], row["state"])


def _row(row: RowMapping) -> VerdictRow:
    return VerdictRow(
        id=row["id"],
        head_sha=row["head_sha"],
        at_ms=row["at_ms"],
        conclusion=row["conclusion"],
        title=row["title"],
        cause=row["cause"],
        changes=_CHANGES.decode(row["changes"]),
        judgement=_JUDGEMENTS.decode(row["judgement"]),
        digest=row["digest"],
    )
