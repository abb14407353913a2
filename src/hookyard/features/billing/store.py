"""Tables of projects, their budgets and bindings."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    insert,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.billing.model import Binding, Budget, Meter, Period, Project

PROJECTS = Table(
    "billing_projects",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("warn_percent", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("archived_at_ms", BigInteger),
)
_LIVE = text("archived_at_ms IS NULL")
Index(
    "uq_billing_projects_name",
    PROJECTS.c.tenant,
    PROJECTS.c.name_key,
    unique=True,
    sqlite_where=_LIVE,
    postgresql_where=_LIVE,
)

BUDGETS = Table(
    "billing_budgets",
    METADATA,
    Column("project_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("hard", Integer, nullable=False),
)

BINDINGS = Table(
    "billing_bindings",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("repository_id", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_billing_bindings_project_id_id", "project_id", "id"),
)
_KNOWN, _UNKNOWN = text("repository_id IS NOT NULL"), text("repository_id IS NULL")
Index(
    "uq_billing_bindings_repository",
    BINDINGS.c.tenant,
    BINDINGS.c.repository_id,
    unique=True,
    sqlite_where=_KNOWN,
    postgresql_where=_KNOWN,
)
Index(
    "uq_billing_bindings_pattern",
    BINDINGS.c.tenant,
    BINDINGS.c.pattern,
    unique=True,
    sqlite_where=_UNKNOWN,
    postgresql_where=_UNKNOWN,
)


def lock(unit: Unit, tenant: str) -> None:
    """Alone with a tenant's names and bindings until the unit ends."""
    unit.lock(f"billing:{tenant}")


def lock_project(unit: Unit, project_id: str) -> None:
    """Alone with what holds a project's work until the unit ends."""
    unit.lock(f"billing:{project_id}")


# --- projects ---


def add_project(unit: Unit, project: Project) -> None:
    """A new project, with its budgets."""
    unit.run(
        insert(PROJECTS).values(
            id=project.id,
            tenant=project.tenant,
            name=project.name,
            name_key=project.name.casefold(),
            warn_percent=project.warn_percent,
            created_at_ms=project.created_at_ms,
            created_by=project.created_by,
            changed_at_ms=project.changed_at_ms,
            archived_at_ms=None,
        )
    )
    _add_budgets(unit, project)


def save_project(unit: Unit, project: Project) -> None:
    """A project as it is now, and its budgets in place of those there were."""
    unit.run(
        update(PROJECTS)
        .where(PROJECTS.c.id == project.id)
        .values(
            name=project.name,
            name_key=project.name.casefold(),
            warn_percent=project.warn_percent,
            changed_at_ms=project.changed_at_ms,
            archived_at_ms=project.archived_at_ms,
        )
    )
    unit.run(delete(BUDGETS).where(BUDGETS.c.project_id == project.id))
    _add_budgets(unit, project)


def find_project(unit: Unit, tenant: str, project_id: str) -> Project | None:
    """A project of a tenant, archived ones included."""
    found = of_ids(unit, [project_id])
    return found[0] if found and found[0].tenant == tenant else None


def of_ids(unit: Unit, ids: Sequence[str]) -> list[Project]:
    """Projects by id."""
    if not ids:
        return []
    query = select(PROJECTS).where(PROJECTS.c.id.in_(ids)).order_by(PROJECTS.c.id)
    return _with_budgets(unit, unit.fetch(query))


def named(unit: Unit, tenant: str, name: str) -> str | None:
    """The id of the project that has this name now."""
    row = unit.first(
        select(PROJECTS.c.id).where(
            PROJECTS.c.tenant == tenant, PROJECTS.c.name_key == name.casefold(), _LIVE
        )
    )
    return None if row is None else str(row["id"])


def page(
    unit: Unit,
    tenant: str,
    before: str | None,
    limit: int,
    *,
    ids: Sequence[str] | None = None,
    archived: bool = False,
) -> list[Project]:
    """Projects, newest first; of these ids only, where given."""
    query = select(PROJECTS).where(PROJECTS.c.tenant == tenant)
    if not archived:
        query = query.where(_LIVE)
    if ids is not None:
        query = query.where(PROJECTS.c.id.in_(ids))
    if before is not None:
        query = query.where(PROJECTS.c.id < before)
    return _with_budgets(unit, unit.fetch(query.order_by(PROJECTS.c.id.desc()).limit(limit)))


def with_budgets(unit: Unit) -> list[str]:
    """Every project that has a budget."""
    return [str(row["project_id"]) for row in unit.fetch(select(BUDGETS.c.project_id).distinct())]


# --- bindings ---


def add_binding(unit: Unit, binding: Binding) -> None:
    """A new binding; the caller has looked whether its place is free."""
    unit.run(
        insert(BINDINGS).values(
            id=binding.id,
            tenant=binding.tenant,
            project_id=binding.project_id,
            pattern=binding.pattern,
            repository_id=binding.repository_id,
            created_at_ms=binding.created_at_ms,
            created_by=binding.created_by,
        )
    )


def bound(unit: Unit, tenant: str, pattern: str, repository_id: int | None) -> Binding | None:
    """What has the place of a binding: the same repository, or else the same pattern."""
    table = BINDINGS.c
    place = table.pattern == pattern
    if repository_id is not None:
        place = (table.repository_id == repository_id) | (
            table.repository_id.is_(None) & (table.pattern == pattern)
        )
    else:
        place = place & table.repository_id.is_(None)
    row = unit.first(select(BINDINGS).where(table.tenant == tenant, place).limit(1))
    return None if row is None else _binding(row)


def bindings_page(unit: Unit, project_id: str, after: str | None, limit: int) -> list[Binding]:
    """A project's bindings, oldest first."""
    query = select(BINDINGS).where(BINDINGS.c.project_id == project_id)
    if after is not None:
        query = query.where(BINDINGS.c.id > after)
    return [_binding(row) for row in unit.fetch(query.order_by(BINDINGS.c.id).limit(limit))]


def find_binding(unit: Unit, project_id: str, binding_id: str) -> Binding | None:
    """A binding of a project."""
    row = unit.first(
        select(BINDINGS).where(BINDINGS.c.project_id == project_id, BINDINGS.c.id == binding_id)
    )
    return None if row is None else _binding(row)


def remove_binding(unit: Unit, binding_id: str) -> bool:
    """Take a binding away; whether it was there."""
    return unit.run(delete(BINDINGS).where(BINDINGS.c.id == binding_id)) > 0


def remove_bindings(unit: Unit, project_id: str) -> int:
    """Take all bindings of a project away; how many."""
    return unit.run(delete(BINDINGS).where(BINDINGS.c.project_id == project_id))


def all_bindings(unit: Unit) -> list[Binding]:
    """Every binding there is."""
    return [_binding(row) for row in unit.fetch(select(BINDINGS).order_by(BINDINGS.c.id))]


def count_bindings(unit: Unit, project_id: str, at_most: int) -> int:
    """How many bindings a project has, counted up to `at_most`."""
    query = select(BINDINGS.c.id).where(BINDINGS.c.project_id == project_id).limit(at_most)
    return len(unit.fetch(query))


# --- inside ---


def _add_budgets(unit: Unit, project: Project) -> None:
    for budget in project.budgets:
        unit.run(
            insert(BUDGETS).values(
                project_id=project.id,
                period=budget.period.value,
                meter=budget.meter.value,
                amount=budget.amount,
                hard=int(budget.hard),
            )
        )


def _with_budgets(unit: Unit, rows: Sequence[RowMapping]) -> list[Project]:
    budgets: dict[str, list[Budget]] = {str(row["id"]): [] for row in rows}
    if budgets:
        query = select(BUDGETS).where(BUDGETS.c.project_id.in_(list(budgets)))
        for row in unit.fetch(query.order_by(BUDGETS.c.period, BUDGETS.c.meter)):
            budgets[row["project_id"]].append(
                Budget(Period(row["period"]), Meter(row["meter"]), row["amount"], bool(row["hard"]))
            )
    return [
        Project(
            id=row["id"],
            tenant=row["tenant"],
            name=row["name"],
            warn_percent=row["warn_percent"],
            created_at_ms=row["created_at_ms"],
            created_by=row["created_by"],
            changed_at_ms=row["changed_at_ms"],
            archived_at_ms=row["archived_at_ms"],
            budgets=tuple(budgets[row["id"]]),
        )
        for row in rows
    ]


def _binding(row: RowMapping) -> Binding:
    return Binding(
        id=row["id"],
        tenant=row["tenant"],
        project_id=row["project_id"],
        pattern=row["pattern"],
        repository_id=row["repository_id"],
        created_at_ms=row["created_at_ms"],
        created_by=row["created_by"],
    )
