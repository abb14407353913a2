"""The mint policy: who may be given which tokens; types and decisions, pure.

A policy is a list of rules. A rule applies to whoever fits one of its `who` entries, in the
installations it names, and gives at most its permissions on its repositories. One rule that allows
is enough; what no rule allows is refused. A rule never gives what the caller's role does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hookyard.core.tokens.model import LEVELS, Place, Scope, Who, normal_permissions
from hookyard.kit import globs


@dataclass(frozen=True, slots=True)
class Whom:
    """One description of a caller; every part that is set must fit, each as a whole.

    `kind` is always set. `id`, `name` and the values of `claims` are patterns of `kit.globs`.
    """

    kind: str
    id: str | None = None
    name: str | None = None
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What some callers may have. `repositories` None: all of the installation's.

    `permissions` are the most that is given. `mints_per_hour` caps how many tokens one caller
    gets by this rule; None is no cap.
    """

    name: str
    whom: tuple[Whom, ...]
    installations: frozenset[int]
    owners: tuple[str, ...]
    repositories: tuple[str, ...] | None
    permissions: Mapping[str, str]
    mints_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Every rule, in the order of the file. `digest` tells one policy from another."""

    rules: tuple[Rule, ...]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of a request. `fits_caller` is False where `who` already did not fit."""

    rule: str
    allowed: bool
    condition: str = ""
    reason: str = "every condition holds"
    fits_caller: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says. `scope` is what is given: as asked, or narrowed to the rule where the
    request left something out."""

    allowed: bool
    reason: str
    scope: Scope
    rule: str = ""
    mints_per_hour: int | None = None
    findings: tuple[Finding, ...] = ()


def decide(policy: Policy, who: Who, place: Place, asked: Scope) -> Verdict:
    """The first rule that allows the request, or why none does."""
    findings: list[Finding] = []
    for rule in policy.rules:
        finding, scope = judge(rule, who, place, asked)
        findings.append(finding)
        if finding.allowed:
            reason = f"the rule {rule.name} allows it"
            return Verdict(
                allowed=True,
                reason=reason,
                scope=scope,
                rule=rule.name,
                mints_per_hour=rule.mints_per_hour,
                findings=tuple(findings),
            )
    return Verdict(allowed=False, reason=_why_not(findings), scope=asked, findings=tuple(findings))


def judge(rule: Rule, who: Who, place: Place, asked: Scope) -> tuple[Finding, Scope]:
    """What one rule says: the first condition that fails, or the scope it gives."""

    def no(condition: str, reason: str, *, fits: bool = True) -> tuple[Finding, Scope]:
        return Finding(
            rule.name, allowed=False, condition=condition, reason=reason, fits_caller=fits
        ), asked

    misfits = [misfit(whom, who) for whom in rule.whom]
    if all(misfits):
        return no("who", min(misfits, key=_nearness), fits=False)
    if rule.installations and place.installation_id not in rule.installations:
        return no("installations", f"installation {place.installation_id} is not in the rule")
    if rule.owners and not any(globs.fits(owner, place.account.lower()) for owner in rule.owners):
        return no("owners", f"the account {place.account} is not in the rule")
    names, reason = _repositories(rule, place, asked)
    if reason:
        return no("repositories", reason)
    pairs, reason = _permissions(rule, place, asked)
    if reason:
        return no("permissions", reason)
    return Finding(rule.name, allowed=True), Scope(names, pairs)


def misfit(whom: Whom, who: Who) -> str:
    """The first part of a description that a caller does not fit; "" when all fit."""
    if whom.kind != who.kind:
        return f"kind: the caller is {who.kind}, the rule is for {whom.kind}"
    if whom.id is not None and not globs.fits(whom.id, who.id):
        return "id: the caller's id is another"
    if whom.name is not None and not globs.fits(whom.name, who.name):
        return "name: the caller's name is another"
    for claim, patterns in whom.claims.items():
        held = who.claims.get(claim)
        if held is None:
            return f"claims: the caller's token has no claim {claim}"
        if not any(globs.fits(pattern, held) for pattern in patterns):
            return f"claims: the caller's {claim} is another"
    return ""


def _nearness(reason: str) -> int:
    """The further a description fitted, the more its misfit says."""
    order = ("claims: the caller's", "claims", "name", "id")
    return next((n for n, start in enumerate(order) if reason.startswith(start)), len(order))


def _repositories(rule: Rule, place: Place, asked: Scope) -> tuple[tuple[str, ...] | None, str]:
    if rule.repositories is None:
        return asked.repositories, ""
    owner = place.account.lower()
    if asked.repositories is None:
        plain = [name for name in rule.repositories if "*" not in name]
        ours = sorted({n.partition("/")[2] for n in plain if n.partition("/")[0] == owner})
        if len(plain) < len(rule.repositories) or not ours:
            return None, "the request names no repositories, and the rule only has some"
        return tuple(ours), ""
    for name in asked.repositories:
        if not any(globs.fits(pattern, f"{owner}/{name}") for pattern in rule.repositories):
            return None, f"{place.account}/{name} is not in the rule"
    return asked.repositories, ""


def _permissions(
    rule: Rule, place: Place, asked: Scope
) -> tuple[tuple[tuple[str, str], ...] | None, str]:
    if asked.permissions is None:
        held = {
            name: min((access, place.granted[name]), key=LEVELS.__getitem__)
            for name, access in rule.permissions.items()
            if place.granted.get(name) in LEVELS
        }
        if not held:
            return None, "the installation has none of the rule's permissions"
        return normal_permissions(held), ""
    for name, access in asked.permissions:
        at_most = rule.permissions.get(name)
        if at_most is None and (name, access) == ("metadata", "read"):
            continue
        if at_most is None:
            return None, f"{name} is not in the rule"
        if LEVELS[access] > LEVELS[at_most]:
            return None, f"{name}: {access} is more than the rule's {at_most}"
    return asked.permissions, ""


def _why_not(findings: list[Finding]) -> str:
    near = next((f for f in findings if f.fits_caller), None)
    if near is None:
        return "no rule of the mint policy is for this caller"
    return f"the rule {near.rule} does not allow it: {near.condition}: {near.reason}"
