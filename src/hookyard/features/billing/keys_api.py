"""Provider keys over HTTP: /api/admin/provider-keys. Values go in and never come out."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import ID, Cursor, Gate, Id, IdQuery, Limit
from hookyard.core.identity.model import Action, Actor
from hookyard.features.billing import keys_rules
from hookyard.features.billing.keys import ProviderKeys
from hookyard.features.billing.keys_model import KeyChange, KeyState, NewProviderKey, ProviderKey
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.pages import clamp_limit
from hookyard.kit.secret import Secret

Value = Annotated[SecretStr, Field(min_length=keys_rules.LEAST, max_length=keys_rules.MOST)]
ProjectIds = Annotated[
    list[Annotated[str, Field(pattern=ID)]],
    Field(min_length=1, max_length=keys_rules.MOST_PROJECTS),
]
Holders = Annotated[
    list[Annotated[str, Field(pattern=keys_rules.HOLDER)]],
    Field(max_length=keys_rules.MOST_HOLDERS),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewProviderKeyIn(_Body):
    """A key to keep: `name` is the variable that jobs find it under, `provider` a word for people,
    `holders` who may be given it (api_key:ID, service:ID, workload:ID, user:ID, or `local` for
    the agent command of this server): nobody, unless listed."""

    name: Annotated[str, Field(pattern=keys_rules.NAME)]
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,39}$")]
    value: Value
    projects: ProjectIds
    holders: Holders = Field(default_factory=list)


class KeyChangeIn(_Body):
    """What is to be different; what is left out stays. Lists replace those there were."""

    projects: ProjectIds | None = None
    holders: Holders | None = None
    state: KeyState | None = None


class RotateIn(_Body):
    """The value that takes the place of the present one."""

    value: Value


@dataclass(frozen=True, slots=True)
class ProviderKeyOut:
    """A key without its value. `ends_with` are the last four characters of a long one."""

    id: str
    name: str
    provider: str
    ends_with: str
    state: Literal["active", "disabled"]
    projects: list[str]
    holders: list[str]
    created_at: str
    created_by: str
    changed_at: str
    rotated_at: str | None
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class ProviderKeysOut:
    """A page of keys, newest first."""

    items: list[ProviderKeyOut]
    next_cursor: str | None


def router(database: Database, keys: ProviderKeys, gate: Gate) -> APIRouter:
    """The routes under /api/admin/provider-keys."""
    routes = APIRouter(prefix="/api/admin/provider-keys", tags=["billing"])
    _reads(routes, database, keys, gate)
    _changes(routes, database, keys, gate)
    return routes


def _reads(routes: APIRouter, database: Database, keys: ProviderKeys, gate: Gate) -> None:
    reader = Depends(gate.require(Action.PROVIDER_KEYS_READ))

    @routes.get("")
    async def list_provider_keys(
        actor: Annotated[Actor, reader],
        project: IdQuery = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> ProviderKeysOut:
        """Keys of the projects you may see the keys of, newest first, without values."""
        page = await database.read(
            lambda unit: keys.list_page(unit, actor, project, cursor, clamp_limit(limit))
        )
        return ProviderKeysOut([key_out(key) for key in page.items], page.next_cursor)

    @routes.get("/{provider_key_id}")
    async def get_provider_key(
        actor: Annotated[Actor, reader], provider_key_id: Id
    ) -> ProviderKeyOut:
        """A key, without its value."""
        return key_out(await database.read(lambda unit: keys.get(unit, actor, provider_key_id)))


def _changes(routes: APIRouter, database: Database, keys: ProviderKeys, gate: Gate) -> None:
    writer = Depends(gate.require(Action.PROVIDER_KEYS_WRITE))

    @routes.post("", status_code=201)
    async def create_provider_key(
        actor: Annotated[Actor, writer], wanted: NewProviderKeyIn
    ) -> ProviderKeyOut:
        """Keep a key of some projects. It is sealed, and its value is never shown again."""
        new = NewProviderKey(
            wanted.name,
            wanted.provider,
            Secret(wanted.value.get_secret_value()),
            tuple(wanted.projects),
            tuple(wanted.holders),
        )
        return key_out(await keys.create(actor, new))

    @routes.patch("/{provider_key_id}")
    async def change_provider_key(
        actor: Annotated[Actor, writer], provider_key_id: Id, wanted: KeyChangeIn
    ) -> ProviderKeyOut:
        """Change whose a key is, who may be given it, or whether anybody is."""
        change = KeyChange(
            None if wanted.projects is None else tuple(wanted.projects),
            None if wanted.holders is None else tuple(wanted.holders),
            wanted.state,
        )
        return key_out(
            await database.write(lambda unit: keys.change(unit, actor, provider_key_id, change))
        )

    @routes.post("/{provider_key_id}/rotate")
    async def rotate_provider_key(
        actor: Annotated[Actor, writer], provider_key_id: Id, wanted: RotateIn
    ) -> ProviderKeyOut:
        """Exchange the value. Attempts that run keep the one they were given."""
        value = Secret(wanted.value.get_secret_value())
        return key_out(await keys.rotate(actor, provider_key_id, value))

    @routes.delete("/{provider_key_id}")
    async def delete_provider_key(
        actor: Annotated[Actor, writer], provider_key_id: Id
    ) -> ProviderKeyOut:
        """Delete a key and its values; what it was."""
        return key_out(await database.write(lambda unit: keys.delete(unit, actor, provider_key_id)))


def key_out(key: ProviderKey) -> ProviderKeyOut:
    """A key on the wire."""
    rotated, used = key.rotated_at_ms, key.last_used_at_ms
    return ProviderKeyOut(
        id=key.id,
        name=key.name,
        provider=key.provider,
        ends_with=key.ends_with,
        state=key.state.value,
        projects=list(key.projects),
        holders=list(key.holders),
        created_at=to_rfc3339(key.created_at_ms),
        created_by=key.created_by,
        changed_at=to_rfc3339(key.changed_at_ms),
        rotated_at=None if rotated is None else to_rfc3339(rotated),
        last_used_at=None if used is None else to_rfc3339(used),
    )
