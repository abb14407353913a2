"""Tables `effects` and `github_budget`, and every statement on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    Select,
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
from hookyard.core.publishing.budget import RANK, BudgetState
from hookyard.core.publishing.model import (
    Effect,
    EffectFilter,
    EffectId,
    EffectRecord,
    EffectState,
    Urgency,
)
from hookyard.core.publishing.rows import (
    INTENT,
    PROGRESS,
    EffectRow,
    Intent,
    Progress,
    decode_effect,
)
from hookyard.kit.json import Json

_BUDGET = msgspec.json.Decoder(BudgetState)

EFFECTS = Table(
    "effects",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("desired", Text, nullable=False),
    Column("desired_hash", Text, nullable=False),
    Column("landed_hash", Text),
    Column("urgency", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("landed_generation", BigInteger, nullable=False),
    Column("intent_generation", BigInteger),
    Column("intent_at_ms", BigInteger),
    Column("intent", Text),
    Column("progress", Text, nullable=False),
    Column("external_id", Text),
    Column("url", Text),
    Column("error", Text),
    Column("job_id", Text),
    Column("delivery_id", Text),
    Column("held_scope", Text),
    Column("held_by", Text),
    Column("held_until_ms", BigInteger),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("landed_at_ms", BigInteger),
    Index("uq_effects_key", "key", unique=True),
    Index("ix_effects_state", "state", "id"),
    Index("ix_effects_repository", "repository", "id"),
    Index("ix_effects_delivery_id", "delivery_id"),
    Index("ix_effects_job_id", "job_id"),
    Index("ix_effects_held", "held_scope", "held_until_ms"),
)

BUDGETS = Table(
    "github_budget",
    METADATA,
    Column("scope", Text, primary_key=True),
    Column("windows", Text, nullable=False),
    Column("blocked_until_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

HELD_GRACE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Held:
    """Which limit holds an effect, of which installation, until when."""

    scope: str
    by: str
    until_ms: int


def lock(unit: Unit, key: str) -> None:
    """Serialize everyone who changes the effect of this key."""
    unit.lock(f"effect:{key}")


def by_key(unit: Unit, key: str) -> EffectRow | None:
    """The effect of a key."""
    row = unit.first(select(EFFECTS).where(EFFECTS.c.key == key))
    return None if row is None else _row(row)


def by_id(unit: Unit, effect_id: str) -> EffectRow | None:
    """The effect of an id."""
    row = unit.first(select(EFFECTS).where(EFFECTS.c.id == effect_id))
    return None if row is None else _row(row)


def locked(unit: Unit, row: EffectRow) -> EffectRow:
    """The row as it stands now, held until the transaction ends."""
    lock(unit, row.key)
    found = by_id(unit, row.id)
    if found is None:
        raise LookupError(f"effect {row.key} vanished")
    return found


def add(unit: Unit, row: EffectRow, kind: str) -> None:
    """Store a new effect."""
    unit.run(
        insert(EFFECTS),
        {
            "id": row.id,
            "key": row.key,
            "kind": kind,
            "repository": row.effect.repository.lower(),
            **_changing(row),
        },
    )


def save(unit: Unit, row: EffectRow) -> None:
    """Store what changed of an effect; a hold it was under is over."""
    unit.run(
        update(EFFECTS).where(EFFECTS.c.id == row.id),
        {**_changing(row), "held_scope": None, "held_by": None, "held_until_ms": None},
    )


def hold(unit: Unit, effect_id: str, held: Held) -> None:
    """Say on the effect which limit it waits for."""
    unit.run(
        update(EFFECTS).where(EFFECTS.c.id == effect_id),
        {"held_scope": held.scope, "held_by": held.by, "held_until_ms": held.until_ms},
    )


def ahead_of(unit: Unit, scope: str, row: EffectRow, now_ms: int) -> int:
    """How many held effects of this installation go first: more urgent, or asked earlier."""
    rank = RANK[row.urgency]
    earlier = or_(
        EFFECTS.c.requested_at_ms < row.requested_at_ms,
        and_(EFFECTS.c.requested_at_ms == row.requested_at_ms, EFFECTS.c.id < row.id),
    )
    found = unit.first(
        select(func.count().label("n")).where(
            EFFECTS.c.held_scope == scope,
            EFFECTS.c.held_until_ms >= now_ms - HELD_GRACE_MS,
            EFFECTS.c.state == EffectState.PENDING.value,
            EFFECTS.c.id != row.id,
            or_(EFFECTS.c.rank > rank, and_(EFFECTS.c.rank == rank, earlier)),
        )
    )
    return 0 if found is None else int(found["n"])


def record(unit: Unit, effect_id: str) -> EffectRecord | None:
    """One effect as others may see it."""
    row = unit.first(select(EFFECTS).where(EFFECTS.c.id == effect_id))
    return None if row is None else _record(row)


def newest(
    unit: Unit, wanted: EffectFilter, before: str | None, limit: int
) -> Sequence[EffectRecord]:
    """Effects that match, newest first, older than the id `before`."""
    statement: Select[tuple[str]] = select(EFFECTS).where(*_matching(wanted))
    if before is not None:
        statement = statement.where(EFFECTS.c.id < before)
    rows = unit.fetch(statement.order_by(EFFECTS.c.id.desc()).limit(limit))
    return [_record(row) for row in rows]


def pending(unit: Unit, after: str, limit: int) -> Sequence[tuple[EffectId, str | None]]:
    """Pending effects past the id `after`, oldest first, each with its job's id."""
    wanted = (EFFECTS.c.state == EffectState.PENDING.value, EFFECTS.c.id > after)
    columns = select(EFFECTS.c.id, EFFECTS.c.job_id).where(*wanted)
    rows = unit.fetch(columns.order_by(EFFECTS.c.id).limit(limit))
    return [(EffectId(row["id"]), row["job_id"]) for row in rows]


def counts(unit: Unit) -> Mapping[EffectState, int]:
    """How many effects are in each state."""
    rows = unit.fetch(select(EFFECTS.c.state, func.count().label("n")).group_by(EFFECTS.c.state))
    found = {str(row["state"]): int(row["n"]) for row in rows}
    return {state: found.get(state.value, 0) for state in EffectState}


def budget(unit: Unit, scope: str) -> BudgetState:
    """The budget of an installation; an unused one when nothing was ever written."""
    row = unit.first(select(BUDGETS.c.windows).where(BUDGETS.c.scope == scope))
    if row is None:
        return BudgetState()
    return _BUDGET.decode(str(row["windows"]))


def lock_budget(unit: Unit, scope: str) -> BudgetState:
    """The budget, held against everyone else until the transaction ends."""
    unit.lock(f"github_budget:{scope}")
    return budget(unit, scope)


def save_budget(unit: Unit, scope: str, state: BudgetState, now_ms: int) -> None:
    """Store the budget of an installation. Call under `lock_budget`."""
    values = {
        "windows": _json(state),
        "blocked_until_ms": state.blocked_until_ms,
        "updated_at_ms": now_ms,
    }
    if not unit.run(update(BUDGETS).where(BUDGETS.c.scope == scope), values):
        unit.run(insert(BUDGETS), {"scope": scope, **values})


def _changing(row: EffectRow) -> dict[str, object]:
    intent = row.intent
    return {
        "desired": _json(row.effect),
        "desired_hash": row.desired_hash,
        "landed_hash": row.landed_hash,
        "urgency": row.urgency.value,
        "rank": RANK[row.urgency],
        "state": row.state.value,
        "generation": row.generation,
        "landed_generation": row.landed_generation,
        "intent_generation": None if intent is None else intent.generation,
        "intent_at_ms": None if intent is None else intent.at_ms,
        "intent": None if intent is None else _json(intent),
        "progress": _json(row.progress),
        "external_id": row.external_id,
        "url": row.url,
        "error": row.error,
        "job_id": row.job_id,
        "delivery_id": row.delivery_id,
        "requested_at_ms": row.requested_at_ms,
        "landed_at_ms": row.landed_at_ms,
    }


def _row(row: RowMapping) -> EffectRow:
    intent = row["intent"]
    return EffectRow(
        id=EffectId(row["id"]),
        key=row["key"],
        effect=decode_effect(row["kind"], row["desired"]),
        urgency=Urgency(row["urgency"]),
        state=EffectState(row["state"]),
        generation=row["generation"],
        landed_generation=row["landed_generation"],
        desired_hash=row["desired_hash"],
        landed_hash=row["landed_hash"],
        intent=None if intent is None else INTENT.decode(intent),
        progress=PROGRESS.decode(row["progress"]),
        external_id=row["external_id"],
        url=row["url"],
        error=row["error"],
        job_id=row["job_id"],
        delivery_id=row["delivery_id"],
        requested_at_ms=row["requested_at_ms"],
        landed_at_ms=row["landed_at_ms"],
    )


def _record(row: RowMapping) -> EffectRecord:
    desired: Json = msgspec.json.decode(row["desired"])
    return EffectRecord(
        id=EffectId(row["id"]),
        key=row["key"],
        kind=row["kind"],
        repository=row["repository"],
        state=EffectState(row["state"]),
        generation=row["generation"],
        landed_generation=row["landed_generation"],
        external_id=row["external_id"],
        url=row["url"],
        error=row["error"],
        job_id=row["job_id"],
        delivery_id=row["delivery_id"],
        requested_at_ms=row["requested_at_ms"],
        landed_at_ms=row["landed_at_ms"],
        desired=desired,
        urgency=Urgency(row["urgency"]),
        held_by=row["held_by"],
        held_until_ms=row["held_until_ms"],
    )


def _matching(wanted: EffectFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.delivery_id is not None:
        found.append(EFFECTS.c.delivery_id == wanted.delivery_id)
    if wanted.job_id is not None:
        found.append(EFFECTS.c.job_id == wanted.job_id)
    if wanted.repository is not None:
        found.append(EFFECTS.c.repository == wanted.repository.lower())
    if wanted.state is not None:
        found.append(EFFECTS.c.state == wanted.state.value)
    return found


def _json(value: Effect | Intent | Progress | BudgetState) -> str:
    return msgspec.json.encode(value).decode()
