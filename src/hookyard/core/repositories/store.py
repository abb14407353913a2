"""Tables and SQL of the inventory and of configuration files read before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.repositories.model import Installation, Repository

INSTALLATIONS = Table(
    "installations",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_login", Text, nullable=False),
    Column("account_type", Text, nullable=False),
    Column("app_id", BigInteger),
    Column("target_type", Text, nullable=False),
    Column("suspended_at_ms", BigInteger),
    Column("removed_at_ms", BigInteger),
    Column("permissions", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

REPOSITORIES = Table(
    "repositories",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("full_name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("installation_id", BigInteger, nullable=False),
    Column("private", Integer, nullable=False),
    Column("default_branch", Text, nullable=False),
    Column("archived", Integer, nullable=False),
    Column("removed_at_ms", BigInteger),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("member_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Index("ix_repositories_name_key_id", "name_key", "id"),
    Index("ix_repositories_installation_id", "installation_id"),
)

REPOSITORY_NAMES = Table(
    "repository_names",
    METADATA,
    Column("name_key", Text, primary_key=True),
    Column("repository_id", BigInteger, primary_key=True, autoincrement=False),
    Column("retired_at_ms", BigInteger, nullable=False),
)

CONFIG_BLOBS = Table(
    "config_blobs",
    METADATA,
    Column("blob_sha", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("read_at_ms", BigInteger, nullable=False),
)

CONFIG_COMMITS = Table(
    "config_commits",
    METADATA,
    Column("name_key", Text, primary_key=True),
    Column("commit_sha", Text, primary_key=True),
    Column("path", Text),
    Column("blob_sha", Text),
    Column("read_at_ms", BigInteger, nullable=False),
    Index("ix_config_commits_read_at_ms", "read_at_ms"),
)


def name_key(full_name: str) -> str:
    """The form in which names are compared; GitHub ignores their case."""
    return full_name.lower()


def lock_installation(unit: Unit, installation_id: int) -> None:
    """Be alone with this installation's row until the transaction ends."""
    unit.lock(f"installation:{installation_id}")


def lock_repositories(unit: Unit, ids: Iterable[int]) -> None:
    """Be alone with these rows until the transaction ends; in one order, so that none deadlock."""
    for repository_id in sorted(set(ids)):
        unit.lock(f"repository:{repository_id}")


def get_installation(unit: Unit, installation_id: int) -> Installation | None:
    """One installation, removed ones included."""
    row = unit.first(select(INSTALLATIONS).where(INSTALLATIONS.c.id == installation_id))
    return None if row is None else _installation(row)


def save_installation(unit: Unit, installation: Installation) -> None:
    """Insert or replace the row."""
    _upsert(
        unit,
        INSTALLATIONS.name,
        {
            "id": installation.id,
            "account_login": installation.account_login,
            "account_type": installation.account_type,
            "app_id": installation.app_id,
            "target_type": installation.target_type,
            "suspended_at_ms": installation.suspended_at_ms,
            "removed_at_ms": installation.removed_at_ms,
            "permissions": msgspec.json.encode(installation.permissions).decode(),
            "events": msgspec.json.encode(installation.events).decode(),
            "updated_at_ms": installation.updated_at_ms,
        },
    )


def installation_on(unit: Unit, account_login: str) -> Installation | None:
    """The newest installation on an account that is not removed."""
    table = INSTALLATIONS.c
    row = unit.first(
        select(INSTALLATIONS)
        .where(func.lower(table.account_login) == account_login.lower())
        .where(table.removed_at_ms.is_(None))
        .order_by(table.id.desc())
        .limit(1)
    )
    return None if row is None else _installation(row)


def installations_after(unit: Unit, after_id: int, limit: int) -> list[Installation]:
    """Installations that are not removed, by id."""
    table = INSTALLATIONS.c
    found = unit.fetch(
        select(INSTALLATIONS)
        .where(table.id > after_id, table.removed_at_ms.is_(None))
        .order_by(table.id)
        .limit(limit)
    )
    return [_installation(row) for row in found]


def get_repositories(unit: Unit, ids: Sequence[int]) -> dict[int, Repository]:
    """Repositories by id, removed ones included; in portions any engine takes."""
    found: dict[int, Repository] = {}
    for start in range(0, len(ids), 500):
        portion = ids[start : start + 500]
        for row in unit.fetch(select(REPOSITORIES).where(REPOSITORIES.c.id.in_(portion))):
            found[row["id"]] = _repository(row)
    return found


def save_repository(unit: Unit, before: Repository | None, after: Repository) -> None:
    """Insert or replace the row; a name it no longer has is kept as a former name."""
    key = name_key(after.full_name)
    if before is not None and name_key(before.full_name) != key:
        former = {
            "name_key": name_key(before.full_name),
            "repository_id": after.id,
            "retired_at_ms": after.seen_at_ms,
        }
        _upsert(unit, REPOSITORY_NAMES.name, former)
    _upsert(
        unit,
        REPOSITORIES.name,
        {
            "id": after.id,
            "full_name": after.full_name,
            "name_key": key,
            "installation_id": after.installation_id,
            "private": int(after.private),
            "default_branch": after.default_branch,
            "archived": int(after.archived),
            "removed_at_ms": after.removed_at_ms,
            "updated_at_ms": after.updated_at_ms,
            "member_at_ms": after.member_at_ms,
            "seen_at_ms": after.seen_at_ms,
        },
    )


def repository_named(unit: Unit, full_name: str) -> Repository | None:
    """The repository that has this name now, else the one that gave it up last; none removed."""
    table, key = REPOSITORIES.c, name_key(full_name)
    row = unit.first(
        select(REPOSITORIES)
        .where(table.name_key == key, table.removed_at_ms.is_(None))
        .order_by(table.updated_at_ms.desc(), table.id.desc())
        .limit(1)
    )
    if row is None:
        names = REPOSITORY_NAMES.c
        row = unit.first(
            select(REPOSITORIES)
            .join(REPOSITORY_NAMES, names.repository_id == table.id)
            .where(names.name_key == key, table.removed_at_ms.is_(None))
            .order_by(names.retired_at_ms.desc(), table.id.desc())
            .limit(1)
        )
    return None if row is None else _repository(row)


def repositories_of(unit: Unit, installation_id: int) -> list[Repository]:
    """Every repository of an installation that is not removed, by id."""
    table = REPOSITORIES.c
    found = unit.fetch(
        select(REPOSITORIES)
        .where(table.installation_id == installation_id, table.removed_at_ms.is_(None))
        .order_by(table.id)
    )
    return [_repository(row) for row in found]


@dataclass(frozen=True, slots=True)
class Within:
    """Some repositories: of owners, by name, by id. Names are lower case."""

    owners: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


def repositories_after(
    unit: Unit,
    after: tuple[str, int] | None,
    limit: int,
    installation_id: int | None,
    within: Within | None = None,
) -> list[Repository]:
    """Repositories that are not removed, by name; `within` None means all."""
    table = REPOSITORIES.c
    query = select(REPOSITORIES).where(table.removed_at_ms.is_(None))
    if within is not None:
        owned = [table.name_key.startswith(f"{o}/", autoescape=True) for o in within.owners]
        query = query.where(or_(*owned, table.name_key.in_(within.names), table.id.in_(within.ids)))
    if installation_id is not None:
        query = query.where(table.installation_id == installation_id)
    if after is not None:
        key, last_id = after
        query = query.where(
            or_(table.name_key > key, and_(table.name_key == key, table.id > last_id))
        )
    found = unit.fetch(query.order_by(table.name_key, table.id).limit(limit))
    return [_repository(row) for row in found]


def get_config_commit(unit: Unit, full_name: str, commit_sha: str) -> tuple[str, str] | None:
    """(path, blob sha) found at a commit before, ("", "") for none there, None if never read."""
    table = CONFIG_COMMITS.c
    row = unit.first(
        select(table.path, table.blob_sha).where(
            table.name_key == name_key(full_name), table.commit_sha == commit_sha
        )
    )
    return None if row is None else (row["path"] or "", row["blob_sha"] or "")


def get_config_blob(unit: Unit, blob_sha: str) -> bytes | None:
    """The content of a configuration file read before."""
    row = unit.first(select(CONFIG_BLOBS.c.content).where(CONFIG_BLOBS.c.blob_sha == blob_sha))
    return None if row is None else bytes(row["content"])


def save_config(
    unit: Unit,
    full_name: str,
    commit_sha: str,
    found: tuple[str, str, bytes] | None,
    now_ms: int,
) -> None:
    """Remember what a commit holds: (path, blob sha, content), or that it has no file."""
    path, blob_sha, content = found or (None, None, b"")
    if blob_sha is not None:
        blob = {"blob_sha": blob_sha, "content": content, "read_at_ms": now_ms}
        _upsert(unit, CONFIG_BLOBS.name, blob)
    commit = {
        "name_key": name_key(full_name),
        "commit_sha": commit_sha,
        "path": path,
        "blob_sha": blob_sha,
        "read_at_ms": now_ms,
    }
    _upsert(unit, CONFIG_COMMITS.name, commit)


def drop_config_before(unit: Unit, before_ms: int) -> int:
    """Forget commits read before this instant, and the files no commit needs any more."""
    dropped = unit.run(delete(CONFIG_COMMITS).where(CONFIG_COMMITS.c.read_at_ms < before_ms))
    needed = select(CONFIG_COMMITS.c.blob_sha).where(CONFIG_COMMITS.c.blob_sha.is_not(None))
    unit.run(
        delete(CONFIG_BLOBS).where(
            CONFIG_BLOBS.c.read_at_ms < before_ms, CONFIG_BLOBS.c.blob_sha.not_in(needed)
        )
    )
    return dropped


def _upsert(unit: Unit, table_name: str, values: Mapping[str, object]) -> None:
    table = METADATA.tables[table_name]
    keys = [column.name for column in table.primary_key.columns]
    rest = [name for name in values if name not in keys]
    if unit.dialect == "sqlite":
        lite = sqlite.insert(table).values(dict(values))
        unit.run(lite.on_conflict_do_update(keys, set_={n: lite.excluded[n] for n in rest}))
    else:
        full = postgresql.insert(table).values(dict(values))
        full = full.on_conflict_do_update(
            index_elements=keys, set_={n: full.excluded[n] for n in rest}
        )
        unit.run(full)


def _installation(row: RowMapping) -> Installation:
    return Installation(
        id=row["id"],
        account_login=row["account_login"],
        account_type=row["account_type"],
        app_id=row["app_id"],
        target_type=row["target_type"],
        suspended_at_ms=row["suspended_at_ms"],
        removed_at_ms=row["removed_at_ms"],
        permissions=msgspec.json.decode(row["permissions"], type=dict[str, str]),
        events=msgspec.json.decode(row["events"], type=tuple[str, ...]),
        updated_at_ms=row["updated_at_ms"],
    )


def _repository(row: RowMapping) -> Repository:
    return Repository(
        id=row["id"],
        full_name=row["full_name"],
        installation_id=row["installation_id"],
        private=bool(row["private"]),
        default_branch=row["default_branch"],
        archived=bool(row["archived"]),
        removed_at_ms=row["removed_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        member_at_ms=row["member_at_ms"],
        seen_at_ms=row["seen_at_ms"],
    )
