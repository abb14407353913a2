"""Tables of provider keys: sealed values, whose they are, who holds them, who was given one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.billing.keys_model import Cells, KeyState, ProviderKey

KEYS = Table(
    "provider_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("cell", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("ends_with", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("rotated_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    Index("ix_provider_keys_tenant_id", "tenant", "id"),
)
KEY_PROJECTS = Table(
    "provider_key_projects",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("project_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Index("uq_provider_key_projects_name", "project_id", "name", unique=True),
)
HOLDERS = Table(
    "provider_key_holders",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Index("ix_provider_key_holders_holder", "holder"),
)
HANDOVERS = Table(
    "provider_key_handovers",
    METADATA,
    Column("job_id", Text, primary_key=True),
    Column("lease", BigInteger, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_provider_key_handovers_at_ms", "at_ms"),
)


@dataclass(frozen=True, slots=True)
class Held:
    """A key a holder may be given for jobs of a project."""

    project_id: str
    cells: Cells


# --- keys ---


def add(unit: Unit, key: ProviderKey, cell: bytes) -> None:
    """A new key, with its projects and holders."""
    unit.run(
        insert(KEYS).values(
            id=key.id,
            tenant=key.tenant,
            name=key.name,
            provider=key.provider,
            cell=cell,
            previous=None,
            ends_with=key.ends_with,
            state=key.state.value,
            created_at_ms=key.created_at_ms,
            created_by=key.created_by,
            changed_at_ms=key.changed_at_ms,
            rotated_at_ms=None,
            last_used_at_ms=None,
        )
    )
    _add_lists(unit, key)


def save(unit: Unit, key: ProviderKey) -> None:
    """A key's state, projects and holders as they are now."""
    unit.run(
        update(KEYS)
        .where(KEYS.c.id == key.id)
        .values(state=key.state.value, changed_at_ms=key.changed_at_ms)
    )
    for table in (KEY_PROJECTS, HOLDERS):
        unit.run(delete(table).where(table.c.key_id == key.id))
    _add_lists(unit, key)


def exchange(unit: Unit, key: ProviderKey, cell: bytes, previous: bytes) -> None:
    """Another value; the one before is kept sealed, for taking it out of what jobs report."""
    unit.run(
        update(KEYS)
        .where(KEYS.c.id == key.id)
        .values(
            cell=cell,
            previous=previous,
            ends_with=key.ends_with,
            changed_at_ms=key.changed_at_ms,
            rotated_at_ms=key.rotated_at_ms,
        )
    )


def remove(unit: Unit, key_id: str) -> None:
    """Delete a key and its values."""
    for table in (KEY_PROJECTS, HOLDERS, HANDOVERS):
        unit.run(delete(table).where(table.c.key_id == key_id))
    unit.run(delete(KEYS).where(KEYS.c.id == key_id))


def find(unit: Unit, tenant: str, key_id: str) -> ProviderKey | None:
    """A key of a tenant."""
    query = select(KEYS).where(KEYS.c.tenant == tenant, KEYS.c.id == key_id)
    found = _with_lists(unit, unit.fetch(query))
    return found[0] if found else None


def page(
    unit: Unit, tenant: str, projects: Sequence[str] | None, before: str | None, limit: int
) -> list[ProviderKey]:
    """Keys, newest first; of these projects only, where given."""
    query = select(KEYS).where(KEYS.c.tenant == tenant)
    if projects is not None:
        of = select(KEY_PROJECTS.c.key_id).where(KEY_PROJECTS.c.project_id.in_(projects))
        query = query.where(KEYS.c.id.in_(of))
    if before is not None:
        query = query.where(KEYS.c.id < before)
    return _with_lists(unit, unit.fetch(query.order_by(KEYS.c.id.desc()).limit(limit)))


def named_in(unit: Unit, projects: Sequence[str], name: str) -> dict[str, str]:
    """The projects of these that have a key of this name, each with that key's id."""
    query = select(KEY_PROJECTS.c.project_id, KEY_PROJECTS.c.key_id).where(
        KEY_PROJECTS.c.project_id.in_(projects), KEY_PROJECTS.c.name == name
    )
    return {row["project_id"]: row["key_id"] for row in unit.fetch(query)}


def cells_of(unit: Unit, key_id: str) -> Cells | None:
    """A key's sealed values."""
    row = unit.first(select(KEYS).where(KEYS.c.id == key_id))
    return None if row is None else _cells(row)


# --- handing over ---


def held_by(unit: Unit, tenant: str, holder: str) -> list[Held]:
    """Every active key a holder may be given, by project."""
    query = (
        select(KEYS, KEY_PROJECTS.c.project_id)
        .join(HOLDERS, HOLDERS.c.key_id == KEYS.c.id)
        .join(KEY_PROJECTS, KEY_PROJECTS.c.key_id == KEYS.c.id)
        .where(
            HOLDERS.c.holder == holder,
            KEYS.c.tenant == tenant,
            KEYS.c.state == KeyState.ACTIVE.value,
        )
        .order_by(KEYS.c.id)
    )
    return [Held(row["project_id"], _cells(row)) for row in unit.fetch(query)]


def note_handover(unit: Unit, job_id: str, lease: int, key_ids: Sequence[str], now_ms: int) -> None:
    """Remember which keys an attempt was given."""
    for key_id in sorted(key_ids):
        unit.run(insert(HANDOVERS).values(job_id=job_id, lease=lease, key_id=key_id, at_ms=now_ms))
        unit.run(update(KEYS).where(KEYS.c.id == key_id).values(last_used_at_ms=now_ms))


def given_to(unit: Unit, job_id: str) -> list[Cells]:
    """The keys that attempts of a job were given, as far as they are still there."""
    of = select(HANDOVERS.c.key_id).where(HANDOVERS.c.job_id == job_id)
    rows = unit.fetch(select(KEYS).where(KEYS.c.id.in_(of)).order_by(KEYS.c.id))
    return [_cells(row) for row in rows]


def forget_handovers(unit: Unit, before_ms: int) -> int:
    """Drop what was noted before an instant; how many."""
    return unit.run(delete(HANDOVERS).where(HANDOVERS.c.at_ms < before_ms))


# --- inside ---


def _add_lists(unit: Unit, key: ProviderKey) -> None:
    for project_id in key.projects:
        unit.run(insert(KEY_PROJECTS).values(key_id=key.id, project_id=project_id, name=key.name))
    for holder in key.holders:
        unit.run(insert(HOLDERS).values(key_id=key.id, holder=holder))


def _with_lists(unit: Unit, rows: Sequence[RowMapping]) -> list[ProviderKey]:
    ids = [row["id"] for row in rows]
    projects: dict[str, list[str]] = {key_id: [] for key_id in ids}
    holders: dict[str, list[str]] = {key_id: [] for key_id in ids}
    if ids:
        given = select(KEY_PROJECTS).where(KEY_PROJECTS.c.key_id.in_(ids))
        for row in unit.fetch(given.order_by(KEY_PROJECTS.c.project_id)):
            projects[row["key_id"]].append(row["project_id"])
        for row in unit.fetch(
            select(HOLDERS).where(HOLDERS.c.key_id.in_(ids)).order_by(HOLDERS.c.holder)
        ):
            holders[row["key_id"]].append(row["holder"])
    return [
        ProviderKey(
            id=row["id"],
            tenant=row["tenant"],
            name=row["name"],
            provider=row["provider"],
            ends_with=row["ends_with"],
            state=KeyState(row["state"]),
            created_at_ms=row["created_at_ms"],
            created_by=row["created_by"],
            changed_at_ms=row["changed_at_ms"],
            rotated_at_ms=row["rotated_at_ms"],
            last_used_at_ms=row["last_used_at_ms"],
            projects=tuple(projects[row["id"]]),
            holders=tuple(holders[row["id"]]),
        )
        for row in rows
    ]


def _cells(row: RowMapping) -> Cells:
    previous = row["previous"]
    return Cells(
        row["id"],
        row["tenant"],
        row["name"],
        bytes(row["cell"]),
        None if previous is None else bytes(previous),
    )
