"""The record of mints and of who asked for them; whether an App's tokens can be revoked."""

import json
from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.tokens.model import Asked, Mint, MintState, Scope, Who

MINTS = Table(
    "mints",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("installation_id", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("minted_at_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
    Column("token_sha256", Text, nullable=False),
    Column("granted", Text, nullable=False),
    Column("revoked_at_ms", BigInteger),
    Column("reason", Text, nullable=False),
    Index("ix_mints_tenant_id", "tenant", "id"),
    Index("ix_mints_token_sha256", "token_sha256"),
    Index("ix_mints_expires_at_ms", "expires_at_ms"),
)
TOKEN_ASKS = Table(
    "token_asks",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("installation_id", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("allowed", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("mint_id", Text, nullable=False),
    Column("granted", Text, nullable=False),
    Index("ix_token_asks_actor_at_ms", "actor", "at_ms"),
    Index("ix_token_asks_mint_id", "mint_id"),
    Index("ix_token_asks_at_ms", "at_ms"),
)
TOKEN_REVOCABILITY = Table(
    "token_revocability",
    METADATA,
    Column("app", Text, primary_key=True),
    Column("shape", Text, primary_key=True),
    Column("can_revoke", Integer, nullable=False),
    Column("learned_at_ms", BigInteger, nullable=False),
)
_LEARN = RawSql.same(
    "INSERT INTO token_revocability (app, shape, can_revoke, learned_at_ms)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT (app, shape) DO UPDATE"
    " SET can_revoke = excluded.can_revoke, learned_at_ms = excluded.learned_at_ms"
)


def add_mint(unit: Unit, mint: Mint) -> None:
    """Record a mint that is about to be asked for."""
    unit.run(
        insert(MINTS).values(
            id=mint.id,
            tenant=mint.tenant,
            state=mint.state.value,
            app=mint.app,
            installation_id=mint.installation_id,
            account=mint.account,
            actor=mint.actor,
            rule=mint.rule,
            scope=_scope_text(mint.scope),
            campaign=mint.campaign,
            asked_at_ms=mint.asked_at_ms,
            token_sha256=mint.token_sha256,
            granted="{}",
            reason=mint.reason,
        )
    )


def save_minted(unit: Unit, mint: Mint) -> None:
    """What GitHub gave."""
    granted = {
        "permissions": dict(mint.permissions),
        "repositories": None if mint.repositories is None else list(mint.repositories),
    }
    unit.run(
        update(MINTS)
        .where(MINTS.c.id == mint.id)
        .values(
            state=MintState.MINTED.value,
            minted_at_ms=mint.minted_at_ms,
            expires_at_ms=mint.expires_at_ms,
            token_sha256=mint.token_sha256,
            granted=json.dumps(granted, separators=(",", ":"), sort_keys=True),
        )
    )


def end_mint(unit: Unit, mint_id: str, state: MintState, reason: str, at_ms: int | None) -> None:
    """How a mint ended: failed, lost, revoked, or kept by a GitHub that would not revoke it."""
    values: dict[str, object] = {"state": state.value, "reason": reason[:500]}
    if state is MintState.REVOKED:
        values["revoked_at_ms"] = at_ms
    unit.run(update(MINTS).where(MINTS.c.id == mint_id).values(**values))


def find_mint(unit: Unit, tenant: str, mint_id: str) -> Mint | None:
    """A mint of a tenant."""
    found = select(MINTS).where(MINTS.c.id == mint_id, MINTS.c.tenant == tenant)
    row = unit.first(found)
    return None if row is None else _mint(row)


def mints_page(
    unit: Unit,
    tenant: str,
    before: str | None,
    limit: int,
    *,
    actor: str | None = None,
    campaign: str | None = None,
    installation_id: int | None = None,
    alive_at_ms: int | None = None,
) -> Sequence[Mint]:
    """Mints of a tenant, newest first. `actor` and `campaign` find those who ever got the token;
    `alive_at_ms` keeps those that were minted and end after it."""
    table = MINTS.c
    query = select(MINTS).where(table.tenant == tenant)
    if before is not None:
        query = query.where(table.id < before)
    if actor is not None:
        query = query.where(_got(TOKEN_ASKS.c.actor == actor) | (table.actor == actor))
    if campaign is not None:
        query = query.where(_got(TOKEN_ASKS.c.campaign == campaign) | (table.campaign == campaign))
    if installation_id is not None:
        query = query.where(table.installation_id == installation_id)
    if alive_at_ms is not None:
        minted = table.state == MintState.MINTED.value
        query = query.where(minted, table.expires_at_ms > alive_at_ms)
    return [_mint(row) for row in unit.fetch(query.order_by(table.id.desc()).limit(limit))]


def _got(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    asks = TOKEN_ASKS.c
    return exists().where(asks.mint_id == MINTS.c.id, asks.allowed == 1, condition)


def add_ask(unit: Unit, ask: Asked, mint_id: str = "") -> None:
    """Record who asked, and what became of it: the mint they got, or a refusal."""
    who = {
        "kind": ask.who.kind,
        "id": ask.who.id,
        "name": ask.who.name,
        "claims": dict(ask.who.claims),
    }
    unit.run(
        insert(TOKEN_ASKS).values(
            id=ask.id,
            tenant=ask.who.tenant,
            at_ms=ask.at_ms,
            actor=ask.who.label,
            who=json.dumps(who, separators=(",", ":")),
            installation_id=ask.installation_id,
            account=ask.account,
            scope=_scope_text(ask.scope),
            asked=_scope_text(ask.asked),
            campaign=ask.campaign,
            allowed=int(ask.allowed),
            rule=ask.rule,
            reason=ask.reason[:500],
            mint_id=mint_id,
            granted=json.dumps(dict(ask.granted), separators=(",", ":")),
        )
    )


def has_got(unit: Unit, actor: str, mint_id: str, campaign: str | None = None) -> bool:
    """Whether it is recorded that an actor got a mint (for this campaign, or for any)."""
    table = TOKEN_ASKS.c
    found = select(table.id).where(
        table.mint_id == mint_id, table.actor == actor, table.allowed == 1
    )
    if campaign is not None:
        found = found.where(table.campaign == campaign)
    return unit.first(found.limit(1)) is not None


def got_since(unit: Unit, actor: str, rule: str, since_ms: int) -> tuple[int, int]:
    """How many different mints an actor got by a rule since an instant, and when the first."""
    table = TOKEN_ASKS.c
    row = unit.first(
        select(
            func.count(func.distinct(table.mint_id)).label("n"), func.min(table.at_ms).label("at")
        ).where(
            table.actor == actor, table.at_ms >= since_ms, table.rule == rule, table.allowed == 1
        )
    )
    return (0, since_ms) if row is None else (int(row["n"]), int(row["at"] or since_ms))


def asks_since(unit: Unit, tenant: str, since_ms: int, limit: int) -> Sequence[Asked]:
    """Requests recorded since an instant, newest first."""
    table = TOKEN_ASKS.c
    query = select(TOKEN_ASKS).where(table.tenant == tenant, table.at_ms >= since_ms)
    found = unit.fetch(query.order_by(table.at_ms.desc(), table.id.desc()).limit(limit))
    return [_ask(row) for row in found]


def learn(unit: Unit, app: str, shape: str, now_ms: int, *, can_revoke: bool) -> None:
    """Note what GitHub did when it was asked to revoke a token of this shape."""
    unit.run_raw(_LEARN, app, shape, int(can_revoke), now_ms)


def revocability(unit: Unit, app: str, shape: str) -> tuple[bool, int] | None:
    """Whether tokens of this shape can be revoked, and since when that is known."""
    table = TOKEN_REVOCABILITY.c
    found = select(table.can_revoke, table.learned_at_ms)
    row = unit.first(found.where(table.app == app, table.shape == shape))
    return None if row is None else (bool(row["can_revoke"]), row["learned_at_ms"])


def bury_lost(unit: Unit, before_ms: int) -> int:
    """Mints asked for so long ago that their process must have died; how many."""
    table = MINTS.c
    asked = table.state == MintState.ASKED.value
    why = "the process that asked for it ended before it heard GitHub's answer"
    changed = update(MINTS).where(asked, table.asked_at_ms < before_ms)
    return unit.run(changed.values(state=MintState.LOST.value, reason=why))


def purge(unit: Unit, before_ms: int) -> int:
    """Forget mints and requests from before an instant; how many mints."""
    unit.run(delete(TOKEN_ASKS).where(TOKEN_ASKS.c.at_ms < before_ms))
    return unit.run(delete(MINTS).where(MINTS.c.asked_at_ms < before_ms))


def _scope_text(scope: Scope) -> str:
    permissions = None if scope.permissions is None else dict(scope.permissions)
    names = None if scope.repositories is None else list(scope.repositories)
    return json.dumps({"repositories": names, "permissions": permissions}, separators=(",", ":"))


def _scope(raw: str) -> Scope:
    found = json.loads(raw)
    names, permissions = found["repositories"], found["permissions"]
    return Scope(
        None if names is None else tuple(names),
        None if permissions is None else tuple(sorted(permissions.items())),
    )


def _mint(row: RowMapping) -> Mint:
    granted = json.loads(row["granted"])
    repositories = granted.get("repositories")
    return Mint(
        id=row["id"],
        tenant=row["tenant"],
        state=MintState(row["state"]),
        app=row["app"],
        installation_id=row["installation_id"],
        account=row["account"],
        actor=row["actor"],
        rule=row["rule"],
        scope=_scope(row["scope"]),
        campaign=row["campaign"],
        asked_at_ms=row["asked_at_ms"],
        minted_at_ms=row["minted_at_ms"],
        expires_at_ms=row["expires_at_ms"],
        token_sha256=row["token_sha256"],
        permissions=granted.get("permissions", {}),
        repositories=None if repositories is None else tuple(repositories),
        revoked_at_ms=row["revoked_at_ms"],
        reason=row["reason"],
    )


def _ask(row: RowMapping) -> Asked:
    who = json.loads(row["who"])
    return Asked(
        id=row["id"],
        at_ms=row["at_ms"],
        who=Who(who["kind"], who["id"], who["name"], row["tenant"], who["claims"]),
        installation_id=row["installation_id"],
        account=row["account"],
        scope=_scope(row["scope"]),
        asked=_scope(row["asked"]),
        campaign=row["campaign"],
        allowed=bool(row["allowed"]),
        rule=row["rule"],
        reason=row["reason"],
        mint_id=row["mint_id"],
        granted=json.loads(row["granted"]),
    )
