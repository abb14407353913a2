"""What a workload of GitHub Actions may do, by the claims GitHub signed for it. Pure.

# spec: docs.github.com, "OpenID Connect reference" (the claims), "Security hardening with OpenID
# Connect" (why a rule must name the repository).
"""

import re

from hookyard.adapters.oidc.port import Claims
from hookyard.core.identity.budgets import of_repository
from hookyard.core.identity.issuers import WorkloadRule, WorkloadTerms
from hookyard.core.identity.model import (
    Actor,
    ActorKind,
    Authenticated,
    Grant,
    Refused,
    Scope,
)
from hookyard.kit.globs import fits
from hookyard.kit.names import is_repository

# What a rule may ask about; all of these are texts in GitHub's tokens.
CONDITIONS = frozenset(
    {
        "repository", "repository_id", "repository_owner", "repository_owner_id",
        "repository_visibility", "ref", "ref_type", "ref_protected", "sha", "head_ref", "base_ref",
        "event_name", "workflow_ref", "job_workflow_ref", "environment", "runner_environment",
        "actor", "actor_id", "enterprise",
    }
)  # fmt: skip
# One of these says whose workload it is; without one a rule would let all of GitHub in.
OWNERS = ("repository_id", "repository", "repository_owner_id", "repository_owner")
# why: of a rule that names no event, these run only what somebody with write access merged or
# pushed. Others, as pull_request_target or issue_comment, start on a stranger's word.
SAFE_EVENTS = ("push", "pull_request", "merge_group", "schedule", "workflow_dispatch", "release")
_WITHOUT_CASE = frozenset({"repository", "repository_owner"})
# What of a run is kept with the actor, for whatever the run uploads.
FACTS = (
    "iss", "sub", "repository", "repository_id", "repository_owner", "ref", "sha", "event_name",
    "head_ref", "base_ref", "run_id", "run_attempt", "job_workflow_ref", "workflow_ref",
    "environment", "actor",
)  # fmt: skip
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_MAX_FACT = 500


def workload_actor(issuer_id: str, terms: WorkloadTerms, claims: Claims) -> Authenticated:
    """The workload as an actor with the grants of every rule it fits, or why it gets none."""
    repository, number = claims.text("repository"), claims.text("repository_id")
    run = claims.text("run_id")
    if not (is_repository(repository) and _NUMBER.fullmatch(number)):
        return Refused("no_repository", "the token names no repository and repository_id")
    if not _NUMBER.fullmatch(run):
        return Refused("no_run", "the token names no run_id")
    own = Scope.of_repository(repository, terms.tenant, int(number))
    grants = tuple(
        Grant(rule.role, rule.scope or own, source=f"issuer:{issuer_id}/{rule.name}")
        for rule in terms.rules
        if unmet(rule, claims) is None
    )
    if not grants:
        return Refused(
            "no_rule", "no rule of the issuers file fits this repository, ref, event and workflow"
        )
    return Actor(
        kind=ActorKind.WORKLOAD,
        id=f"{number}/{run}",
        tenant=terms.tenant,
        grants=grants,
        name=repository,
        budget=of_repository(number, terms.calls),
        facts=tuple((name, value) for name in FACTS if (value := fact(claims, name))),
    )


def unmet(rule: WorkloadRule, claims: Claims) -> str | None:
    """The first claim that a rule asks about and that does not fit; None when all do."""
    for name, patterns in rule.conditions:
        if not any(_fits(name, pattern, claims.text(name)) for pattern in patterns):
            return name
    return None


def _fits(name: str, pattern: str, text: str) -> bool:
    if name in _WITHOUT_CASE:
        return fits(pattern.lower(), text.lower())
    return fits(pattern, text)


def fact(claims: Claims, name: str) -> str:
    """A claim to keep: short, on one line; "" for any other."""
    text = claims.text(name)
    return text if len(text) <= _MAX_FACT and text.isprintable() else ""
