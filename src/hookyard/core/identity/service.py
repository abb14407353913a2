"""Use cases of API keys: create, list and revoke, each with its line in the audit trail."""

import secrets
from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store
from hookyard.core.identity.keys import SECRET_BYTES, digest, make_token
from hookyard.core.identity.model import Action, Actor, ApiKey, CreatedKey, NewKey, Scope, ScopeKind
from hookyard.core.identity.rules import authorize, may_grant
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.json import Json
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

MAX_NAME = 100


class ApiKeys:
    """Keeps API keys. `forget` is told which key must no longer be taken from memory."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        forget: Callable[[str], None],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._ids = ids
        self._audit = audit
        self._forget = forget
        self._random_bytes = random_bytes

    def create(self, unit: Unit, wanted: NewKey, actor: Actor, now_ms: int) -> CreatedKey:
        """A new key and its token, shown this once. Forbidden when the actor does not hold what
        the key would; Invalid for a bad name, scope or expiry."""
        name = _checked_name(wanted.name)
        scope = _checked_scope(wanted.scope)
        if wanted.expires_at_ms is not None and not now_ms < wanted.expires_at_ms < 2**53:
            raise Invalid("the expiry must lie in the future", code="bad_expiry")
        decision = may_grant(actor, wanted.role, scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
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
        )
        store.add(unit, key)
        detail: dict[str, Json] = {"name": name, "role": key.role.value, "scope": str(scope)}
        for limit in ("kinds", "lanes", "max_leases"):
            if getattr(wanted, limit):
                detail[limit] = getattr(wanted, limit)
        entry = AuditEntry(actor.label, "keys.create", f"api_key:{key_id}", detail=detail)
        self._audit.record(unit, entry, now_ms)
        return CreatedKey(key, token)

    def list_page(self, unit: Unit, actor: Actor, cursor: str | None, limit: int) -> Page[ApiKey]:
        """The keys of the actor's tenant, newest first. Forbidden without `keys.read`."""
        decision = authorize(actor, Action.KEYS_READ, Scope(tenant=actor.tenant))
        if not decision.allowed:
            raise Forbidden(decision.reason)
        before = str(decode_cursor(cursor, (str,))[0]) if cursor else None
        if before is not None and not is_id(before):
            raise Invalid("the cursor is not one this list gave out", code="bad_cursor")
        rows = store.page(unit, actor.tenant, before, limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(tuple(rows[:limit]), more)

    def revoke(self, unit: Unit, key_id: str, actor: Actor, now_ms: int) -> ApiKey:
        """End a key for good; a second time changes nothing. NotFound for a key of another
        tenant or none; Forbidden without `keys.write` where the key reaches."""
        key = store.find(unit, key_id) if is_id(key_id) else None
        if key is None or key.tenant != actor.tenant:
            raise NotFound("there is no such key")
        decision = authorize(actor, Action.KEYS_WRITE, key.scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        if store.revoke(unit, key_id, now_ms):
            entry = AuditEntry(actor.label, "keys.revoke", f"api_key:{key_id}")
            self._audit.record(unit, entry, now_ms)
        unit.after_commit(lambda: self._forget(key_id))
        return store.find(unit, key_id) or key


def _checked_name(name: str) -> str:
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= MAX_NAME or not trimmed.isprintable():
        raise Invalid(f"a key's name has 1 to {MAX_NAME} printable characters", code="bad_name")
    return trimmed


def _checked_scope(scope: Scope) -> Scope:
    slashes = 1 if scope.kind is ScopeKind.REPOSITORY else 0
    parts = scope.name.split("/")
    is_named = all(part.isascii() and part.isprintable() and part for part in parts)
    is_tenant = scope.kind is ScopeKind.TENANT
    if (is_tenant and scope.name) or (not is_tenant and not is_named) or len(scope.name) > 200:
        raise Invalid("the scope names no owner or repository", code="bad_scope")
    if len(parts) != slashes + 1 or scope.name != scope.name.lower():
        raise Invalid("the scope must be lower case: `owner`, `owner/name`, id", code="bad_scope")
    return scope
