"""Use case of explaining: what somebody may do and why, and who could change that."""

from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.identity import store, store_grants
from hookyard.core.identity.explain import Explanation, explain, places_above, sentence
from hookyard.core.identity.grants_model import SUBJECT_KINDS, Subject
from hookyard.core.identity.keys import ADMIN_ID
from hookyard.core.identity.model import Action, Actor, ActorKind, Authorizer, Grant, Scope
from hookyard.core.identity.rules import TABLE, authorize
from hookyard.core.identity.scopes import FindRepository, settled
from hookyard.kit.errors import Forbidden, NotFound
from hookyard.kit.ids import is_id

MOST_GRANTERS = 20


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation with who could give what is missing, and both as one sentence."""

    who: str
    found: Explanation
    granters: tuple[str, ...]
    sentence: str


def explain_to(
    unit: Unit, actor: Actor, action: str, scope: Scope, find: FindRepository, now_ms: int
) -> Told:
    """What an actor may do there, and why."""
    scope = settled(unit, scope, find)
    found = explain(actor, action, scope)
    granters = () if found.decision.allowed else who_can_grant(unit, scope, now_ms)
    return Told(actor.label, found, granters, sentence(found, actor.label, granters))


def who_can_grant(unit: Unit, scope: Scope, now_ms: int) -> tuple[str, ...]:
    """Whose grants let them hand out roles over this scope; the admin key always can."""
    roles = [role for role, actions in TABLE.items() if Action.GRANTS_WRITE in actions]
    held = store_grants.holders(
        unit, scope.tenant, roles, places_above(scope), now_ms, MOST_GRANTERS
    )
    labels = dict.fromkeys(kept.subject.label for kept in held)
    return (*labels, f"{ActorKind.ADMIN_KEY.value}:{ADMIN_ID}")


def subject_actor(unit: Unit, asker: Actor, label: str, now_ms: int) -> Actor:
    """The actor a label stands for, with what it holds now.

    `api_key:ID` is looked up among the keys, anybody else among the grants: who holds nothing may
    do nothing. NotFound for a key of another tenant or none.
    """
    kind_name, _, subject_id = label.partition(":")
    kind = ActorKind(kind_name)
    if kind is ActorKind.API_KEY:
        key = store.find(unit, subject_id) if is_id(subject_id) else None
        if key is None or key.tenant != asker.tenant:
            raise NotFound("there is no such key")
        over = key.revoked_at_ms is not None or (key.expires_at_ms or now_ms + 1) <= now_ms
        grants = () if over else (Grant(key.role, key.scope, key.id, "api key"),)
        return Actor(kind, key.id, key.tenant, grants, key.name)
    if kind not in SUBJECT_KINDS:
        raise NotFound("there is no such subject")
    subject = Subject(kind, subject_id, asker.tenant)
    held = store_grants.of_subject(unit, subject, now_ms)
    return Actor(kind, subject_id, asker.tenant, tuple(kept.grant for kept in held))


def check_may_explain(actor: Actor, scope: Scope) -> None:
    """Forbidden unless the actor may look at others' rights there."""
    decision = authorize(actor, Action.ACCESS_EXPLAIN, scope)
    if not decision.allowed:
        raise Forbidden(decision.reason)


async def prepared(actor: Actor, authorizer: Authorizer | None) -> Actor:
    """The actor as the authorizer in use wants it; as it is where the table of roles decides."""
    return actor if authorizer is None else await authorizer.prepare(actor)
