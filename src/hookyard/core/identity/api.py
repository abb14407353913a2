"""The API keys: list, create (the token is shown once), revoke."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database
from hookyard.core.identity.budgets import MOST, rate_of
from hookyard.core.identity.gate import SCOPE, Cursor, Gate, Id, Limit, scope_named
from hookyard.core.identity.model import Action, Actor, ApiKey, NewKey, Role
from hookyard.core.identity.service import ApiKeys
from hookyard.kit.clock import Clock, from_rfc3339, to_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.pages import clamp_limit

KindName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")]
LaneName = Literal["critical", "high", "default", "bulk"]


class NewKeyIn(BaseModel):
    """A key to make. `scope` is tenant, org:OWNER, repo:OWNER/NAME, campaign:ID or project:ID;
    `expires_at` is RFC 3339.

    `kinds` and `lanes` restrict the jobs it starts and leases, `max_leases` how many it leases at
    once; `calls_per_second` how often it calls, `calls_at_once` after a rest (without it, what ten
    seconds give).
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Role
    scope: Annotated[str, Field(pattern=SCOPE)] = "tenant"
    expires_at: Annotated[str, Field(max_length=40)] | None = None
    kinds: Annotated[list[KindName], Field(max_length=16)] = Field(default_factory=list)
    lanes: Annotated[list[LaneName], Field(max_length=4)] = Field(default_factory=list)
    max_leases: Annotated[int, Field(ge=1, le=10_000)] | None = None
    calls_per_second: Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)] | None = None
    calls_at_once: Annotated[int, Field(ge=1, le=MOST)] | None = None


@dataclass(frozen=True, slots=True)
class KeyOut:
    """An API key; its token cannot be had again."""

    id: str
    name: str
    role: str
    scope: str
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    kinds: list[str]
    lanes: list[str]
    max_leases: int | None
    calls_per_second: float | None
    calls_at_once: int | None


@dataclass(frozen=True, slots=True)
class CreatedKeyOut(KeyOut):
    """A new key with its token, shown this once."""

    token: str


@dataclass(frozen=True, slots=True)
class KeysOut:
    """A page of keys, newest first."""

    items: list[KeyOut]
    next_cursor: str | None


def router(database: Database, keys: ApiKeys, clock: Clock, gate: Gate) -> APIRouter:
    """The routes /api/admin/keys."""
    routes = APIRouter(prefix="/api", tags=["identity"])

    @routes.get("/admin/keys")
    async def list_keys(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.KEYS_READ))],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> KeysOut:
        """API keys, newest first, revoked ones included."""
        page = await database.read(
            lambda unit: keys.list_page(unit, actor, cursor, clamp_limit(limit))
        )
        return KeysOut([key_out(key) for key in page.items], page.next_cursor)

    writer = Depends(gate.require(Action.KEYS_WRITE))

    @routes.post("/admin/keys", status_code=201)
    async def create_key(actor: Annotated[Actor, writer], wanted: NewKeyIn) -> CreatedKeyOut:
        """A new key. Nobody gives a role, or a reach, they do not hold."""
        new = new_key(wanted, actor)
        made = await database.write(lambda unit: keys.create(unit, new, actor, clock.now_ms()))
        return CreatedKeyOut(**asdict(key_out(made.key)), token=made.token)

    @routes.delete("/admin/keys/{key_id}")
    async def revoke_key(actor: Annotated[Actor, writer], key_id: Id) -> KeyOut:
        """End a key for good; a second time changes nothing."""
        ended = await database.write(lambda unit: keys.revoke(unit, key_id, actor, clock.now_ms()))
        return key_out(ended)

    return routes


def new_key(wanted: NewKeyIn, actor: Actor) -> NewKey:
    """What was asked for; Invalid for an instant that is none."""
    expires_at_ms = None
    if wanted.expires_at is not None:
        try:
            expires_at_ms = from_rfc3339(wanted.expires_at)
        except (ValueError, OverflowError):
            raise Invalid("expires_at must be RFC 3339 with a zone", code="bad_expiry") from None
    scope = scope_named(wanted.scope, actor.tenant)
    if wanted.calls_at_once is not None and wanted.calls_per_second is None:
        raise Invalid("calls_at_once needs calls_per_second beside it", code="bad_calls")
    calls = None
    if wanted.calls_per_second is not None:
        calls = rate_of(wanted.calls_per_second, wanted.calls_at_once)
    return NewKey(
        wanted.name,
        wanted.role,
        scope,
        expires_at_ms,
        tuple(dict.fromkeys(wanted.kinds)),
        tuple(dict.fromkeys(wanted.lanes)),
        wanted.max_leases,
        calls,
    )


def key_out(key: ApiKey) -> KeyOut:
    """A key on the wire."""
    return KeyOut(
        id=key.id,
        name=key.name,
        role=key.role.value,
        scope=str(key.scope),
        created_at=to_rfc3339(key.created_at_ms),
        created_by=key.created_by,
        expires_at=_instant(key.expires_at_ms),
        last_used_at=_instant(key.last_used_at_ms),
        revoked_at=_instant(key.revoked_at_ms),
        kinds=list(key.kinds),
        lanes=list(key.lanes),
        max_leases=key.max_leases,
        calls_per_second=None if key.calls is None else key.calls.per_s,
        calls_at_once=None if key.calls is None else key.calls.at_once,
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
