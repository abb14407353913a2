"""Whether a caller's role reaches an installation, and what of it; pure."""

from collections.abc import Sequence

from hookyard.core.identity.model import DEFAULT_TENANT, Action, Actor, Decision
from hookyard.core.identity.model import Scope as Reach
from hookyard.core.identity.rules import authorize, scopes_for
from hookyard.core.tokens.model import Place, Scope, Who

CLAIMS_AT_MOST = 64
CLAIM_CHARS = 500


def who_of(actor: Actor) -> Who:
    """A caller as the mint policy sees them. Claims are what a verified token said of a run."""
    claims = {name[:100]: value[:CLAIM_CHARS] for name, value in actor.facts[:CLAIMS_AT_MOST]}
    return Who(actor.kind.value, actor.id, actor.name, actor.tenant, claims)


def is_reached(actor: Actor, place: Place) -> bool:
    """Whether the caller may have any token of this account at all.

    # why: Apps belong to the default tenant; to everyone else their installations do not exist.
    """
    if actor.tenant != DEFAULT_TENANT:
        return False
    owner = place.account.lower()
    return any(
        not reach.name or reach.name.partition("/")[0] == owner
        for reach in scopes_for(actor, Action.TOKENS_MINT)
    )


def may_have(actor: Actor, place: Place, scope: Scope) -> Decision:
    """Whether the caller's grants cover a scope: the account, or each of its repositories."""
    whole = authorize(actor, Action.TOKENS_MINT, Reach.of_org(place.account, actor.tenant))
    if whole.allowed or scope.repositories is None:
        if whole.allowed:
            return whole
        hint = "; a key for some repositories must name them"
        return Decision(allowed=False, reason=whole.reason + hint)
    decision = whole
    for name in scope.repositories:
        reach = Reach.of_repository(f"{place.account}/{name}", actor.tenant)
        decision = authorize(actor, Action.TOKENS_MINT, reach)
        if not decision.allowed:
            reason = f"{decision.reason} on {place.account}/{name}"
            return Decision(allowed=False, reason=reason)
    return decision


def foreign_owner(owners: Sequence[str], place: Place) -> str:
    """An owner that repositories were named with and that is not the account; "" for none.

    # why: GitHub takes names without their owner, so `evil/shop` would become `acme/shop`.
    """
    return next((owner for owner in owners if owner.lower() != place.account.lower()), "")
