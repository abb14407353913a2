"""Use cases of provider keys: bring, change, exchange, delete. A value goes in and is never shown.

Values are sealed for their tenant; each change leaves its line in the audit trail, without value.
"""

from collections.abc import Sequence
from dataclasses import replace

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize
from hookyard.core.sealing.model import Place
from hookyard.core.sealing.service import Sealer
from hookyard.features.billing import keys_rules, store, store_keys
from hookyard.features.billing.keys_model import (
    Cells,
    KeyChange,
    KeyState,
    NewProviderKey,
    ProviderKey,
)
from hookyard.features.billing.service import readable
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.json import JsonObject
from hookyard.kit.pages import Page, id_in, page_of
from hookyard.kit.secret import Secret

TABLE = "provider_keys"
TRIES = 3


class ProviderKeys:
    """Keeps provider keys."""

    def __init__(
        self, database: Database, sealer: Sealer, ids: IdMaker, audit: Audit, clock: Clock
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._ids = ids
        self._audit = audit
        self._clock = clock

    async def create(self, actor: Actor, wanted: NewProviderKey) -> ProviderKey:
        """Keep a key; Conflict (`name_taken`) where one of its projects has a key of that name."""
        _check(keys_rules.name_trouble(wanted.name), "bad_name")
        _check(keys_rules.value_trouble(wanted.value), "bad_value")
        now_ms = self._clock.now_ms()
        key = ProviderKey(
            id=self._ids.new(now_ms),
            tenant=actor.tenant,
            name=wanted.name,
            provider=wanted.provider,
            ends_with=keys_rules.ends_with(wanted.value),
            state=KeyState.ACTIVE,
            created_at_ms=now_ms,
            created_by=actor.label,
            changed_at_ms=now_ms,
            rotated_at_ms=None,
            last_used_at_ms=None,
            projects=_several(wanted.projects),
            holders=_several(wanted.holders),
        )
        await self._sealer.ready(actor.tenant)

        def work(unit: Unit) -> ProviderKey:
            store.lock(unit, actor.tenant)
            self._check_lists(unit, actor, key)
            store_keys.add(unit, key, self._sealed(key, wanted.value, "cell"))
            self._tell(unit, actor, "provider_keys.create", key)
            return key

        return await self._database.write(work)

    def list_page(
        self, unit: Unit, actor: Actor, project_id: str | None, cursor: str | None, limit: int
    ) -> Page[ProviderKey]:
        """Keys of the projects this actor may read the keys of, newest first."""
        before = id_in(cursor)
        projects: Sequence[str] | None = readable(actor, Action.PROVIDER_KEYS_READ)
        if project_id is not None:
            is_seen = projects is None or project_id in projects
            projects = [project_id] if is_seen else []
        rows = store_keys.page(unit, actor.tenant, projects, before, limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def get(self, unit: Unit, actor: Actor, key_id: str) -> ProviderKey:
        """A key; NotFound for none, or one of projects out of the actor's sight."""
        key = store_keys.find(unit, actor.tenant, key_id) if is_id(key_id) else None
        seen = readable(actor, Action.PROVIDER_KEYS_READ)
        if key is None or (seen is not None and not set(seen) & set(key.projects)):
            raise NotFound("there is no such provider key")
        return key

    def change(self, unit: Unit, actor: Actor, key_id: str, wanted: KeyChange) -> ProviderKey:
        """Change whose it is, who holds it, or whether it is handed out at all."""
        store.lock(unit, actor.tenant)
        before = self._writable(unit, actor, key_id)
        after = replace(
            before,
            state=wanted.state or before.state,
            projects=before.projects if wanted.projects is None else _several(wanted.projects),
            holders=before.holders if wanted.holders is None else _several(wanted.holders),
        )
        if after == before:
            return before
        self._check_lists(unit, actor, after)
        after = replace(after, changed_at_ms=self._clock.now_ms())
        store_keys.save(unit, after)
        action = "provider_keys.change"
        if after.state is not before.state:
            is_off = after.state is KeyState.DISABLED
            action = "provider_keys.disable" if is_off else "provider_keys.enable"
        self._tell(unit, actor, action, after)
        return after

    async def rotate(self, actor: Actor, key_id: str, value: Secret) -> ProviderKey:
        """Another value from now on; attempts that run keep the one they were given."""
        _check(keys_rules.value_trouble(value), "bad_value")
        for _ in range(TRIES):
            cells = await self._database.read(lambda unit: self._own_cells(unit, actor, key_id))
            old = await self._sealer.unseal(place_of(cells.tenant, key_id, "cell"), cells.cell)

            def work(unit: Unit, cells: Cells = cells, old: bytes = old) -> ProviderKey | None:
                store.lock(unit, actor.tenant)
                key = self._writable(unit, actor, key_id)
                if store_keys.cells_of(unit, key_id) != cells:
                    return None
                now_ms = self._clock.now_ms()
                after = replace(
                    key,
                    ends_with=keys_rules.ends_with(value),
                    changed_at_ms=now_ms,
                    rotated_at_ms=now_ms,
                )
                previous = self._sealer.seal(place_of(key.tenant, key_id, "previous"), old)
                store_keys.exchange(unit, after, self._sealed(key, value, "cell"), previous)
                self._tell(unit, actor, "provider_keys.rotate", after)
                return after

            if (done := await self._database.write(work)) is not None:
                return done
        raise Conflict("the key was changed meanwhile; read it again")

    def delete(self, unit: Unit, actor: Actor, key_id: str) -> ProviderKey:
        """Delete a key with its values; what it was."""
        store.lock(unit, actor.tenant)
        key = self._writable(unit, actor, key_id)
        store_keys.remove(unit, key.id)
        self._tell(unit, actor, "provider_keys.delete", key)
        return key

    # --- inside ---

    def _own_cells(self, unit: Unit, actor: Actor, key_id: str) -> Cells:
        cells = store_keys.cells_of(unit, self._writable(unit, actor, key_id).id)
        if cells is None:
            raise NotFound("there is no such provider key")
        return cells

    def _writable(self, unit: Unit, actor: Actor, key_id: str) -> ProviderKey:
        key = self.get(unit, actor, key_id)
        self._check_may_write(actor, key.projects)
        return key

    def _check_may_write(self, actor: Actor, projects: Sequence[str]) -> None:
        for project_id in projects:
            scope = Scope.of_project(project_id, actor.tenant)
            decision = authorize(actor, Action.PROVIDER_KEYS_WRITE, scope)
            if not decision.allowed:
                raise Forbidden(f"{decision.reason}, over {scope}")

    def _check_lists(self, unit: Unit, actor: Actor, key: ProviderKey) -> None:
        """Projects that are there, that the actor may change, and where the name is free."""
        _check(keys_rules.holders_trouble(key.holders), "bad_holder")
        if not 1 <= len(key.projects) <= keys_rules.MOST_PROJECTS:
            raise Invalid(f"a key belongs to 1 to {keys_rules.MOST_PROJECTS} projects")
        self._check_may_write(actor, key.projects)
        there = {p.id for p in store.of_ids(unit, key.projects) if p.tenant == actor.tenant}
        if set(key.projects) - there:
            raise Invalid("there is no such project", code="bad_project")
        taken = store_keys.named_in(unit, key.projects, key.name)
        if any(other != key.id for other in taken.values()):
            raise Conflict(f"a project has a key named {key.name} already", code="name_taken")

    def _sealed(self, key: ProviderKey, value: Secret, column: str) -> bytes:
        return self._sealer.seal(place_of(key.tenant, key.id, column), value.reveal().encode())

    def _tell(self, unit: Unit, actor: Actor, action: str, key: ProviderKey) -> None:
        detail: JsonObject = {
            "name": key.name,
            "provider": key.provider,
            "projects": list(key.projects),
            "holders": list(key.holders),
        }
        target = f"provider_key:{key.id}"
        entry = AuditEntry(actor.label, action, target, detail=detail, tenant=key.tenant)
        self._audit.record(unit, entry, self._clock.now_ms())


def place_of(tenant: str, key_id: str, column: str) -> Place:
    """Where a value stands: in `cell`, or once it is replaced in `previous`."""
    return Place(tenant, TABLE, column, key_id)


def _several(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _check(trouble: str | None, code: str) -> None:
    if trouble is not None:
        raise Invalid(trouble, code=code)
