"""A workload's token, good for minutes, exchanged for a key that is good for an hour at most.

The key has one of the grants the workload holds, and ends by itself. It is a row like any other
key's, so it is listed and can be revoked.
"""

import secrets
from collections.abc import Callable, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store
from hookyard.core.identity.keys import SECRET_BYTES, digest, make_token
from hookyard.core.identity.model import Actor, ActorKind, ApiKey, CreatedKey, Grant, Role, Scope
from hookyard.core.identity.scopes import FindRepository, nowhere, settled
from hookyard.kit.errors import Forbidden, Invalid
from hookyard.kit.ids import IdMaker

LIFETIME_S = 3_600
KEPT_MS = 86_400_000
SWEPT_AT_ONCE = 50


class Exchange:
    """Makes short-lived keys for workloads."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        find_repository: FindRepository = nowhere,
    ) -> None:
        self._ids = ids
        self._audit = audit
        self._find_repository = find_repository
        self._random_bytes = random_bytes

    def exchange(self, unit: Unit, actor: Actor, role: Role | None, now_ms: int) -> CreatedKey:
        """A key with the grant that the workload holds in this role; its token is shown once.

        Forbidden for anybody but a workload, and for a role it does not hold; Invalid when it
        holds several and names none. Keys of this kind that ended a day ago are removed.
        """
        if actor.kind is not ActorKind.WORKLOAD:
            raise Forbidden("only a workload's token can be exchanged", code="not_a_workload")
        grant = chosen(actor.grants, role)
        scope = self._bound(unit, grant.scope)
        key_id = self._ids.new(now_ms)
        token = make_token(key_id, self._random_bytes(SECRET_BYTES))
        key = ApiKey(
            id=key_id,
            tenant=actor.tenant,
            name=f"run {actor.id} of {actor.name}"[:100],
            token_sha256=digest(token),
            role=grant.role,
            scope=scope,
            created_at_ms=now_ms,
            created_by=actor.label,
            expires_at_ms=now_ms + LIFETIME_S * 1000,
            last_used_at_ms=None,
            revoked_at_ms=None,
            calls=None if actor.budget is None else actor.budget.rate,
        )
        store.sweep_made_by(unit, f"{ActorKind.WORKLOAD}:", now_ms - KEPT_MS, SWEPT_AT_ONCE)
        store.add(unit, key)
        entry = AuditEntry(
            actor.label,
            "keys.exchange",
            f"api_key:{key_id}",
            detail={"role": grant.role.value, "scope": str(scope), **dict(actor.facts)},
            tenant=actor.tenant,
        )
        self._audit.record(unit, entry, now_ms)
        return CreatedKey(key, token)

    def _bound(self, unit: Unit, scope: Scope) -> Scope:
        """The scope with the id of its repository, where that is known.

        # why: the id that GitHub signed goes before the name, which may be another's by now.
        """
        return scope if scope.id is not None else settled(unit, scope, self._find_repository)


def chosen(grants: Sequence[Grant], role: Role | None) -> Grant:
    """The one grant a key is made of."""
    fitting = [grant for grant in grants if role in (None, grant.role)]
    if not fitting:
        raise Forbidden("the workload does not hold this role")
    if len({grant.role for grant in fitting}) > 1:
        held = ", ".join(sorted({grant.role.value for grant in fitting}))
        raise Invalid(f"the workload holds several roles, name one: {held}", code="which_role")
    return fitting[0]
