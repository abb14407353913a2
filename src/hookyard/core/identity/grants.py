"""Use cases of grants: give, list, take away, and keep those of a source in step.

Each leaves its line in the audit trail, and tells at once that memories of grants are stale.
"""

from collections.abc import Callable, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_grants
from hookyard.core.identity.grants_model import (
    SUBJECT_KINDS,
    Given,
    GrantFilter,
    GrantSource,
    KeptGrant,
    NewGrant,
    Subject,
)
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize, may_grant
from hookyard.core.identity.scopes import FindRepository, checked_scope, nowhere, settled
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.pages import Page, id_in, page_of

MAX_SUBJECT = 200
SYSTEM = "system:grants"


class Grants:
    """Keeps grants. `changed` is called, after the commit, whenever some changed."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        changed: Callable[[], None],
        find_repository: FindRepository = nowhere,
    ) -> None:
        self._ids = ids
        self._audit = audit
        self._changed = changed
        self._find_repository = find_repository

    def create(self, unit: Unit, wanted: NewGrant, actor: Actor, now_ms: int) -> KeptGrant:
        """Give a grant; one that is there already only gets the new expiry.

        Forbidden when the actor does not hold what it gives; Invalid for a bad subject, scope or
        expiry.
        """
        subject = checked_subject(wanted.subject)
        if subject.tenant != actor.tenant:
            raise Forbidden("the subject belongs to another tenant")
        if wanted.expires_at_ms is not None and not now_ms < wanted.expires_at_ms < 2**53:
            raise Invalid("the expiry must lie in the future", code="bad_expiry")
        scope = settled(unit, checked_scope(wanted.scope), self._find_repository)
        decision = may_grant(actor, wanted.role, scope, Action.GRANTS_WRITE)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        store_grants.lock_subject(unit, subject)
        given = store_grants.of_source(unit, subject, GrantSource.MANUAL, "")
        kept = next((k for k in given if (k.role, k.scope) == (wanted.role, scope)), None)
        if kept is None:
            kept = self._kept(wanted, scope, GrantSource.MANUAL, "", actor.label, now_ms)
            store_grants.add(unit, kept)
        elif kept.expires_at_ms != wanted.expires_at_ms:
            store_grants.set_expiry(unit, kept.id, wanted.expires_at_ms)
            kept = store_grants.find(unit, subject.tenant, kept.id) or kept
        else:
            return kept
        self._tell(unit, actor.label, "grants.create", kept, now_ms)
        return kept

    def list_page(
        self, unit: Unit, actor: Actor, wanted: GrantFilter, cursor: str | None, limit: int
    ) -> Page[KeptGrant]:
        """Grants of the actor's tenant, newest first. Forbidden without `grants.read` where the
        filter's scope is, or everywhere."""
        scope = wanted.scope or Scope(tenant=actor.tenant)
        decision = authorize(actor, Action.GRANTS_READ, scope)
        if not decision.allowed:
            hint = "" if wanted.scope else "; name the `scope` you hold it in"
            raise Forbidden(decision.reason + hint)
        before = id_in(cursor)
        rows = store_grants.page(unit, actor.tenant, wanted, before, limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def revoke(self, unit: Unit, grant_id: str, actor: Actor, now_ms: int) -> KeptGrant:
        """Take a grant away; what it was.

        NotFound for one of another tenant, none, or out of the actor's sight; Forbidden without
        `grants.write` where it reaches.
        """
        kept = store_grants.find(unit, actor.tenant, grant_id) if is_id(grant_id) else None
        if kept is None or not authorize(actor, Action.GRANTS_READ, kept.scope).allowed:
            raise NotFound("there is no such grant")
        decision = authorize(actor, Action.GRANTS_WRITE, kept.scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        store_grants.lock_subject(unit, kept.subject)
        if store_grants.remove(unit, grant_id):
            self._tell(unit, actor.label, "grants.revoke", kept, now_ms)
        return kept

    def keep_in_step(
        self,
        unit: Unit,
        subject: Subject,
        source: GrantSource,
        via: str,
        wanted: Sequence[Given],
        now_ms: int,
    ) -> bool:
        """Make what one source gives a subject exactly this; whether anything changed.

        For sources whose rules somebody with the right to has written: nobody's rights are asked.
        """
        subject = checked_subject(subject)
        store_grants.lock_subject(unit, subject)
        goal = {
            (role, settled(unit, checked_scope(scope), self._find_repository))
            for role, scope in wanted
        }
        there = store_grants.of_source(unit, subject, source, via)
        gone = [kept for kept in there if (kept.role, kept.scope) not in goal]
        new = goal - {(kept.role, kept.scope) for kept in there}
        for kept in gone:
            store_grants.remove(unit, kept.id)
            self._tell(unit, SYSTEM, "grants.revoke", kept, now_ms)
        for role, scope in sorted(new, key=str):
            asked = NewGrant(subject, role, scope)
            kept = self._kept(asked, scope, source, via, SYSTEM, now_ms)
            store_grants.add(unit, kept)
            self._tell(unit, SYSTEM, "grants.create", kept, now_ms)
        return bool(gone or new)

    def _kept(
        self, wanted: NewGrant, scope: Scope, source: GrantSource, via: str, by: str, now_ms: int
    ) -> KeptGrant:
        return KeptGrant(
            id=self._ids.new(now_ms),
            subject=wanted.subject,
            role=wanted.role,
            scope=scope,
            source=source,
            via=via[:MAX_SUBJECT],
            created_at_ms=now_ms,
            created_by=by,
            expires_at_ms=wanted.expires_at_ms,
        )

    def _tell(self, unit: Unit, by: str, action: str, kept: KeptGrant, now_ms: int) -> None:
        detail = {
            "grant": kept.id,
            "role": kept.role.value,
            "scope": str(kept.scope),
            "source": kept.grant.source,
            "expires_at_ms": kept.expires_at_ms,
        }
        subject = kept.subject
        entry = AuditEntry(by, action, subject.label, detail=detail, tenant=subject.tenant)
        self._audit.record(unit, entry, now_ms)
        unit.after_commit(self._changed)


def checked_subject(subject: Subject) -> Subject:
    """The subject; Invalid (`bad_subject`) when no grant can be for it."""
    named = 1 <= len(subject.id) <= MAX_SUBJECT and subject.id.isprintable()
    if subject.kind not in SUBJECT_KINDS or not named or " " in subject.id:
        kinds = ", ".join(kind.value for kind in SUBJECT_KINDS)
        raise Invalid(f"a grant is for {kinds}, as user:ID", code="bad_subject")
    return subject
