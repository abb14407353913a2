"""Use cases of API keys: create, list and revoke, each with its line in the audit trail."""

import secrets
from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store
from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.keys import SECRET_BYTES, digest, make_token
from hookyard.core.identity.model import Action, Actor, ApiKey, CreatedKey, NewKey, Scope
from hookyard.core.identity.rules import authorize, may_grant
from hookyard.core.identity.scopes import FindRepository, checked_scope, nowhere, settled
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.json import Json
from hookyard.kit.pages import Page, id_in, page_of

MAX_NAME = 100


class ApiKeys:
    """Keeps API keys. `forget` is told which key must no longer be taken from memory."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        forget: Callable[[str], None],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        find_repository: FindRepository = nowhere,
    ) -> None:
        self._ids = ids
        self._audit = audit
        self._forget = forget
        self._random_bytes = random_bytes
        self._find_repository = find_repository

    def create(self, unit: Unit, wanted: NewKey, actor: Actor, now_ms: int) -> CreatedKey:
        """A new key and its token, shown this once. Forbidden when the actor does not hold what
        the key would; Invalid for a bad name, scope or expiry."""
        name = _checked_name(wanted.name)
        scope = settled(unit, checked_scope(wanted.scope), self._find_repository)
        if wanted.expires_at_ms is not None and not now_ms < wanted.expires_at_ms < 2**53:
            raise Invalid("the expiry must lie in the future", code="bad_expiry")
        decision = may_grant(actor, wanted.role, scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        _check_restrictions(wanted, actor)
        key_id = self._ids.new(now_ms)
        token = make_token(key_id, self._random_bytes(SECRET_BYTES))
        key = ApiKey(
            id=key_id,
            tenant=actor.tenant,
            name=name,
            token_sha256=digest(token),
            role=wanted.role,
            scope=scope,
            created_at_ms=now_ms,
            created_by=actor.label,
            expires_at_ms=wanted.expires_at_ms,
            last_used_at_ms=None,
            revoked_at_ms=None,
            kinds=wanted.kinds,
            lanes=wanted.lanes,
            max_leases=wanted.max_leases,
            calls=wanted.calls,
        )
        store.add(unit, key)
        detail: dict[str, Json] = {"name": name, "role": key.role.value, "scope": str(scope)}
        for limit in ("kinds", "lanes", "max_leases"):
            if getattr(wanted, limit):
                detail[limit] = getattr(wanted, limit)
        if wanted.calls is not None:
            detail["calls_per_second"] = wanted.calls.per_s
        entry = AuditEntry(
            actor.label, "keys.create", f"api_key:{key_id}", detail=detail, tenant=actor.tenant
        )
        self._audit.record(unit, entry, now_ms)
        return CreatedKey(key, token)

    def list_page(self, unit: Unit, actor: Actor, cursor: str | None, limit: int) -> Page[ApiKey]:
        """The keys of the actor's tenant, newest first. Forbidden without `keys.read`."""
        decision = authorize(actor, Action.KEYS_READ, Scope(tenant=actor.tenant))
        if not decision.allowed:
            raise Forbidden(decision.reason)
        before = id_in(cursor)
        rows = store.page(unit, actor.tenant, before, limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def revoke(self, unit: Unit, key_id: str, actor: Actor, now_ms: int) -> ApiKey:
        """End a key for good; a second time changes nothing. NotFound for a key of another
        tenant, out of the actor's sight, or none; Forbidden without `keys.write` where it
        reaches."""
        key = store.find(unit, key_id) if is_id(key_id) else None
        seen = key is not None and authorize(actor, Action.KEYS_READ, key.scope).allowed
        if key is None or key.tenant != actor.tenant or not seen:
            raise NotFound("there is no such key")
        decision = authorize(actor, Action.KEYS_WRITE, key.scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        if store.revoke(unit, key_id, now_ms):
            target = f"api_key:{key_id}"
            entry = AuditEntry(actor.label, "keys.revoke", target, tenant=actor.tenant)
            self._audit.record(unit, entry, now_ms)
        unit.after_commit(lambda: self._forget(key_id))
        return store.find(unit, key_id) or key


def _checked_name(name: str) -> str:
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= MAX_NAME or not trimmed.isprintable():
        raise Invalid(f"a key's name has 1 to {MAX_NAME} printable characters", code="bad_name")
    return trimmed


def _check_restrictions(wanted: NewKey, actor: Actor) -> None:
    """Forbidden when the key would be freer than the actor that makes it."""
    for name in ("kinds", "lanes"):
        held, asked = getattr(actor, name), getattr(wanted, name)
        if held and not (asked and set(asked) <= set(held)):
            raise Forbidden(
                f"the key must be restricted to the {name} yours has: {', '.join(held)}"
            )
    if actor.max_leases is not None and not 0 < (wanted.max_leases or 0) <= actor.max_leases:
        raise Forbidden(f"the key must be restricted to {actor.max_leases} leases, as yours is")
    held_rate = None if actor.budget is None else actor.budget.rate
    if held_rate is not None and held_rate.per_s and not _is_slower(wanted.calls, held_rate):
        raise Forbidden(
            f"the key must be restricted to {held_rate.per_s:g} calls a second and"
            f" {held_rate.at_once} at once, as you are"
        )


def _is_slower(asked: CallRate | None, held: CallRate) -> bool:
    return asked is not None and 0 < asked.per_s <= held.per_s and asked.at_once <= held.at_once
