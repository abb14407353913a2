"""The shared tier: which mint answers for a scope now, who is minting, and the sealed tokens."""

from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    delete,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, RawSql, Unit

TOKEN_CACHE = Table(
    "token_cache",
    METADATA,
    Column("app", Text, primary_key=True),
    Column("installation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("scope_key", Text, primary_key=True),
    Column("mint_id", Text),
    Column("expires_at_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("lease", BigInteger, nullable=False, server_default=text("0")),
    Column("leased_until_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("failure", Text),
    Column("failed_until_ms", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_token_cache_mint_id", "mint_id"),
)
TOKEN_CELLS = Table(
    "token_cells",
    METADATA,
    Column("mint_id", Text, primary_key=True),
    Column("cell", LargeBinary, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_token_cells_expires_at_ms", "expires_at_ms"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """What a token is looked for by."""

    app: str
    installation_id: int
    scope_key: str


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands for a key: the mint that answers, whoever is minting, the last failure.

    `cell` is the mint's sealed token, None where there is none.
    """

    mint_id: str | None = None
    expires_at_ms: int = 0
    lease: int = 0
    leased_until_ms: int = 0
    failure: str | None = None
    failed_until_ms: int = 0
    cell: bytes | None = field(default=None, repr=False)


_LOOK = RawSql.same(
    "SELECT c.mint_id, c.expires_at_ms, c.lease, c.leased_until_ms, c.failure, c.failed_until_ms,"
    " t.cell FROM token_cache c LEFT JOIN token_cells t ON t.mint_id = c.mint_id"
    " WHERE c.app = $1 AND c.installation_id = $2 AND c.scope_key = $3"
)
_LEASE = RawSql.same(
    "INSERT INTO token_cache (app, installation_id, scope_key, lease, leased_until_ms)"
    " VALUES ($1, $2, $3, 1, $4) ON CONFLICT (app, installation_id, scope_key) DO UPDATE"
    " SET lease = token_cache.lease + 1, leased_until_ms = excluded.leased_until_ms"
    " RETURNING lease"
)
_FILL = RawSql.same(
    "UPDATE token_cache SET mint_id = $5, expires_at_ms = $6, leased_until_ms = 0, failure = NULL,"
    " failed_until_ms = 0 WHERE app = $1 AND installation_id = $2 AND scope_key = $3"
    " AND lease = $4 AND leased_until_ms > 0"
)
_FAIL = RawSql.same(
    "UPDATE token_cache SET leased_until_ms = 0, failure = $5, failed_until_ms = $6"
    " WHERE app = $1 AND installation_id = $2 AND scope_key = $3 AND lease = $4"
)
_CELL = RawSql.same(
    "INSERT INTO token_cells (mint_id, cell, expires_at_ms) VALUES ($1, $2, $3)"
    " ON CONFLICT (mint_id) DO NOTHING"
)


def look(unit: Unit, key: Key) -> Slot:
    """What stands for a key; an empty slot when nothing ever did."""
    rows = unit.fetch_raw(_LOOK, key.app, key.installation_id, key.scope_key)
    if not rows:
        return Slot()
    mint_id, expires, lease, leased, failure, failed, cell = rows[0]
    return Slot(
        None if mint_id is None else str(mint_id),
        _whole(expires),
        _whole(lease),
        _whole(leased),
        None if failure is None else str(failure),
        _whole(failed),
        bytes(cell) if isinstance(cell, bytes | memoryview) else None,
    )


def lock(unit: Unit, key: Key) -> None:
    """Be alone with a key until the transaction ends."""
    unit.lock(f"token:{key.app}:{key.installation_id}:{key.scope_key}")


def lease(unit: Unit, key: Key, until_ms: int) -> int:
    """Take the right to mint; the lease's number."""
    found = unit.fetch_raw(_LEASE, key.app, key.installation_id, key.scope_key, until_ms)
    return _whole(found[0][0])


def keep(unit: Unit, mint_id: str, cell: bytes, expires_at_ms: int) -> None:
    """Keep a sealed token until it expires."""
    unit.run_raw(_CELL, mint_id, cell, expires_at_ms)


def fill(unit: Unit, key: Key, number: int, mint_id: str, expires_at_ms: int) -> bool:
    """Let a mint answer for its key; False when the lease was lost or the key was forgotten."""
    given = (key.app, key.installation_id, key.scope_key, number, mint_id, expires_at_ms)
    return unit.run_raw(_FILL, *given) == 1


def fail(unit: Unit, key: Key, number: int, failure: str | None, until_ms: int) -> None:
    """Give the lease back, with what others need not find out again before `until_ms`."""
    given = (key.app, key.installation_id, key.scope_key, number, failure, until_ms)
    unit.run_raw(_FAIL, *given)


def forget_installation(unit: Unit, installation_id: int) -> None:
    """Nothing answers for this installation any more, and a mint under way will not."""
    changed = update(TOKEN_CACHE).where(TOKEN_CACHE.c.installation_id == installation_id)
    unit.run(
        changed.values(
            mint_id=None,
            expires_at_ms=0,
            lease=TOKEN_CACHE.c.lease + 1,
            leased_until_ms=0,
            failure=None,
            failed_until_ms=0,
        )
    )


def forget_mint(unit: Unit, mint_id: str) -> bool:
    """This mint answers for nothing any more; False when it did not."""
    changed = update(TOKEN_CACHE).where(TOKEN_CACHE.c.mint_id == mint_id)
    return bool(unit.run(changed.values(mint_id=None, expires_at_ms=0)))


def cell_of(unit: Unit, mint_id: str) -> bytes | None:
    """The sealed token of a mint, while it is kept."""
    row = unit.first(select(TOKEN_CELLS.c.cell).where(TOKEN_CELLS.c.mint_id == mint_id))
    return None if row is None else bytes(row["cell"])


def drop_cell(unit: Unit, mint_id: str) -> None:
    """Keep a token no longer."""
    unit.run(delete(TOKEN_CELLS).where(TOKEN_CELLS.c.mint_id == mint_id))


def drop_expired(unit: Unit, before_ms: int) -> int:
    """Drop tokens that expired, and keys nobody has asked for since; how many tokens went."""
    gone = unit.run(delete(TOKEN_CELLS).where(TOKEN_CELLS.c.expires_at_ms < before_ms))
    table = TOKEN_CACHE.c
    unit.run(
        delete(TOKEN_CACHE).where(
            table.expires_at_ms < before_ms,
            table.leased_until_ms < before_ms,
            table.failed_until_ms < before_ms,
        )
    )
    return gone


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
