"""The one page of names: providers, reactions, kinds of jobs, their handlers, what runs by cron.

To add one, write its module and list it here; nothing registers itself by being imported.
"""

from collections.abc import Mapping

from fastapi import APIRouter

from hookyard.core.audit import api as audit_api
from hookyard.core.blobs.sweep import Sweep
from hookyard.core.idempotency import store as _idempotency_keys
from hookyard.core.identity import api as identity_api
from hookyard.core.identity import exchange_api, grants_api, me_api, users_api
from hookyard.core.identity.gate import Gate
from hookyard.core.identity.model import DEFAULT_TENANT, Action
from hookyard.core.ingress import api as deliveries_api
from hookyard.core.ingress import jobs as routing
from hookyard.core.ingress import learning, recovery_api, recovery_jobs, silence_jobs, upkeep
from hookyard.core.ingress.bodies import Bodies
from hookyard.core.ingress.glue import ConfigAtRef
from hookyard.core.ingress.jobs import RouteDelivery
from hookyard.core.ingress.model import Provider
from hookyard.core.ingress.providers.generic import (
    BITBUCKET,
    GITLAB,
    LINEAR,
    PAGERDUTY,
    STANDARD,
)
from hookyard.core.ingress.providers.github import GITHUB
from hookyard.core.ingress.providers.jira import JIRA
from hookyard.core.ingress.providers.sentry import SENTRY
from hookyard.core.ingress.providers.slack import SLACK
from hookyard.core.ingress.reactions import CommandReaction, Reaction
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.ingress.weight import weigh_deliveries
from hookyard.core.jobs import api as jobs_api
from hookyard.core.jobs import artifacts_api, leases_api, log_archive, pauses_api
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.leases_model import Finisher
from hookyard.core.jobs.log_archive import ArchiveLogs
from hookyard.core.jobs.model import JobHandler, JobKind
from hookyard.core.jobs.weight import weigh_files
from hookyard.core.publishing import api as effects_api
from hookyard.core.publishing import upkeep as effects_upkeep
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.messages import LandMessage
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories import api as repositories_api
from hookyard.core.repositories import jobs as inventory
from hookyard.core.repositories.service import find_repository
from hookyard.core.sealing import store as _data_keys
from hookyard.core.sealing.model import SealedColumn
from hookyard.core.tokens import api as tokens_api
from hookyard.core.tokens import upkeep as tokens_upkeep
from hookyard.features.agents.answers import Answers
from hookyard.features.billing import api as billing_api
from hookyard.features.billing import keys_api as provider_keys_api
from hookyard.features.billing import usage_api
from hookyard.features.billing.model import WorkClass
from hookyard.features.billing.upkeep import Weigh
from hookyard.features.checklists import api as checklists_api
from hookyard.features.checklists import jobs as checklists
from hookyard.features.checklists import waivers_api
from hookyard.features.checklists.issues import GitHubIssues
from hookyard.features.checklists.reactions import REACTIONS as CHECKLIST_REACTIONS
from hookyard.features.codehealth import api as health_api
from hookyard.features.codehealth import jobs as health
from hookyard.features.codehealth.policies import ConfiguredPolicies
from hookyard.features.codehealth.pulls import GitHubPulls as HealthPulls
from hookyard.features.manifests import api as manifests_api
from hookyard.features.manifests import jobs as manifests
from hookyard.features.notifications import api as notifications_api
from hookyard.features.notifications import jobs as notices
from hookyard.features.records import store_changes as _record_changes
from hookyard.features.records import upkeep as records_upkeep
from hookyard.features.records.feeding import store_consumers as _record_consumers
from hookyard.features.records.feeding import store_subscriptions as _record_subscriptions
from hookyard.features.records.feeding.jobs import SendChanges
from hookyard.features.records.schema import store_schema as _record_schema
from hookyard.features.reviews import api as reviews_api
from hookyard.features.reviews import jobs as reviews
from hookyard.features.reviews import newjobs as review_jobs
from hookyard.features.reviews.pulls import ConfigsAt, GitHubPulls
from hookyard.features.reviews.reactions import COMMANDS
from hookyard.features.reviews.reactions import REACTIONS as REVIEW_REACTIONS
from hookyard.features.reviews.suggesting import Suggesting
from hookyard.features.testruns import api as testruns_api
from hookyard.features.testruns import jobs as testruns
from hookyard.features.testruns import upkeep as testruns_upkeep
from hookyard.features.testruns.obtain import Obtain
from hookyard.features.testruns.reactions import REACTIONS as TEST_RUN_REACTIONS
from hookyard.features.testruns.trees import GitHubTrees
from hookyard.registry.ports import ApiPorts, GitHubPorts, Ports, ReviewPorts

__all__ = ["ApiPorts", "GitHubPorts", "Ports", "ReviewPorts"]

PROVIDERS: tuple[Provider, ...] = (
    GITHUB,
    JIRA,
    SLACK,
    SENTRY,
    GITLAB,
    BITBUCKET,
    LINEAR,
    PAGERDUTY,
    STANDARD,
)
PROVIDERS_BY_NAME: Mapping[str, Provider] = {provider.name: provider for provider in PROVIDERS}

REACTIONS: tuple[Reaction, ...] = (
    *CHECKLIST_REACTIONS,
    *TEST_RUN_REACTIONS,
    *REVIEW_REACTIONS,
)
TAKERS: tuple[CommandReaction, ...] = COMMANDS

NARROW_KINDS = frozenset({AGENT_TASK})

SEALED: tuple[SealedColumn, ...] = (
    SealedColumn("token_cells", "cell", ("mint_id",), only_tenant=DEFAULT_TENANT),
    SealedColumn("provider_keys", "cell", ("id",), "tenant"),
    SealedColumn("provider_keys", "previous", ("id",), "tenant"),
    SealedColumn("records_subscriptions", "secret", ("tenant", "id"), tenant="tenant"),
    SealedColumn("records_subscriptions", "former", ("tenant", "id"), tenant="tenant"),
)
"""Columns of sealed cells; re-encryption walks them, so one that is not here keeps its old keys."""

# why: named here so that their tables are on the MetaData that migrations are held to.
DATA_KEYS = _data_keys.DATA_KEYS
IDEMPOTENCY_KEYS = _idempotency_keys.KEYS
RECORD_CHANGES = _record_changes.CHANGES
RECORD_CONSUMERS = _record_consumers.CONSUMERS
RECORD_SUBSCRIPTIONS = _record_subscriptions.SUBSCRIPTIONS
RECORD_ENTITIES = _record_schema.ENTITIES

CRON: tuple[CronSpec, ...] = (
    *upkeep.CRON,
    *learning.CRON,
    *effects_upkeep.CRON,
    *log_archive.CRON,
    *tokens_upkeep.CRON,
    *testruns_upkeep.CRON,
    *health.CRON,
    *notices.CRON,
    *records_upkeep.CRON,
)
SYNC_AT_START = inventory.AT_START


def kinds(
    *, has_github: bool, agent: JobKind | None, has_slack: bool = False
) -> tuple[JobKind, ...]:
    """The kinds this process can work on; jobs of any other kind wait and say so."""
    always = (
        routing.KIND,
        upkeep.PURGE,
        upkeep.BURY,
        upkeep.SWEEP,
        learning.KIND,
        log_archive.KIND,
        effects_upkeep.BURY_EFFECTS,
        tokens_upkeep.TIDY,
        testruns_upkeep.TIDY,
        records_upkeep.TIDY,
        SendChanges.kind,
        recovery_jobs.KIND,
        silence_jobs.KIND,
        health.TIDY,
        notices.DIGEST,
        notices.TIDY,
    )
    of_github = (
        LandEffect.kind,
        checklists.KIND,
        checklists.FOLLOW,
        testruns.KIND,
        manifests.KIND,
        health.KIND,
        inventory.KIND,
        *review_jobs.KINDS,
    )
    return (
        *always,
        *(of_github if has_github else ()),
        *((LandMessage.kind,) if has_slack else ()),
        *((agent,) if agent is not None else ()),
    )


SERVER_KINDS = frozenset(kind.name for kind in kinds(has_github=True, agent=None, has_slack=True))
"""Kinds that only this server does, set up for them or not: they are never leased out."""

_CLASSES: dict[str, WorkClass] = {
    AGENT_TASK: WorkClass.AGENTS,
    routing.KIND.name: WorkClass.ROUTING,
    LandEffect.kind.name: WorkClass.EFFECTS,
    checklists.KIND.name: WorkClass.ANALYSIS,
    testruns.KIND.name: WorkClass.ANALYSIS,
    manifests.KIND.name: WorkClass.ANALYSIS,
    health.KIND.name: WorkClass.ANALYSIS,
    LandMessage.kind.name: WorkClass.EFFECTS,
    **{kind.name: WorkClass.ANALYSIS for kind in review_jobs.KINDS},
}


WEIGHED: tuple[Weigh, ...] = (weigh_deliveries, weigh_files)
"""What rooms keep of repositories, in bytes."""

WORK_CLASSES: Mapping[str, WorkClass] = dict.fromkeys(SERVER_KINDS, WorkClass.UPKEEP) | _CLASSES
"""What each kind is for sums and budgets. A used up budget holds AGENTS only; what is not here is
work of agents elsewhere."""


def finishers(publisher: Publisher) -> Mapping[str, Finisher]:
    """What makes effects of the answers of agents that leased a job, by kind."""
    return {AGENT_TASK: Answers(publisher).of_lease}


def cron(*, has_github: bool) -> tuple[CronSpec, ...]:
    """What runs by the calendar in this process."""
    return (*CRON, *inventory.CRON) if has_github else CRON


def job_handlers(ports: Ports) -> tuple[JobHandler, ...]:
    """One handler for each of `kinds`."""
    found: list[JobHandler] = [
        RouteDelivery(
            ports.database,
            PROVIDERS_BY_NAME,
            ports.sources,
            REACTIONS,
            ports.context,
            ports.ledger,
            ports.publisher,
            ports.inventory,
            ports.refusals,
            ports.own,
            Bodies(ports.blobs),
            TAKERS,
        ),
        upkeep.Purge(ports.ledger, ports.retention_days, ports.files, ports.blobs),
        upkeep.SweepBlobs(Sweep(ports.blobs, ports.ids)),
        learning.LearnDictionary(ports.random, ports.database.announce),
        ArchiveLogs(ports.blobs, ports.ids),
        upkeep.Bury(ports.ledger),
        effects_upkeep.BuryEffects(ports.publisher),
        tokens_upkeep.TidyTokens(ports.retention_days),
        testruns_upkeep.TidyTestRuns(ports.test_runs, ports.blobs, ports.retention_days),
        records_upkeep.TidyRecords(ports.retention_days),
        ports.send_changes,
        recovery_jobs.RecoverDeliveries(ports.recovery),
        silence_jobs.WatchSources(ports.sources_watched.pulses, ports.sources_watched.recovery),
        health.TidyCodeHealth(ports.health),
        notices.SendDigests(ports.notifications),
        notices.TidyNotifications(ports.notifications),
    ]
    if ports.github is not None:
        found.extend(_of_github(ports, ports.github))
    if ports.messages is not None:
        found.append(LandMessage(ports.messages))
    if ports.agent is not None:
        found.append(ports.agent)
    return tuple(found)


def _of_github(ports: Ports, gh: GitHubPorts) -> list[JobHandler]:
    """Handlers that need a GitHub App."""
    found: list[JobHandler] = []
    found.append(LandEffect(gh.github, gh.installation_of, gh.app, gh.landing))
    found.append(inventory.SyncRepositories(ports.database, gh.github))
    issues = GitHubIssues(gh.github, gh.installation_of)
    found.extend(checklists.handlers(ports.checklists, issues))
    found.extend(_reviews(ports, gh))
    trees = GitHubTrees(gh.github)
    obtain = Obtain(ports.test_runs, gh.downloads, trees, ports.blobs, ports.ids)
    found.append(testruns.ProcessWorkflowRun(ports.test_runs, obtain, gh.installation_of))
    found.extend(
        manifests.handlers(ports.manifests, gh.github, gh.installation_of, ports.proposals)
    )
    pulls = HealthPulls(gh.github, gh.installation_of)
    policies = ConfiguredPolicies(ConfigAtRef(gh.configs), gh.installation_of)
    found.append(
        health.RunCodeHealthScan(
            ports.health,
            ports.blobs,
            pulls,
            policies,
            ports.ledger,
            ports.reviewing.reviews.open_at,
        )
    )
    return found


def _reviews(ports: Ports, gh: GitHubPorts) -> tuple[JobHandler, ...]:
    return reviews.handlers(
        reviews.Parts(
            ports.reviewing.reviews,
            ports.reviewing.sources,
            ports.reviewing.desk,
            ports.ledger,
            GitHubPulls(gh.github, gh.installation_of),
            ConfigsAt(gh.configs, gh.installation_of),
            Suggesting(ports.ledger).seen,
        )
    )


def routers(ports: ApiPorts, gate: Gate) -> tuple[APIRouter, ...]:
    """Every route of the API, in the order the documentation shows them."""
    database = ports.database
    trail = deliveries_api.Trail(ports.audit, ports.clock)
    auditor = gate.require_everywhere(Action.AUDIT_READ)
    granting = grants_api.GrantPorts(database, ports.grants, find_repository, ports.clock)
    return (
        deliveries_api.router(database, ports.deliveries, ports.publisher, trail, gate),
        recovery_api.router(database, ports.sources, trail, gate, ports.clock),
        jobs_api.router(
            database, ports.ledger, ports.logs, ports.audit, gate.require, NARROW_KINDS
        ),
        artifacts_api.router(database, ports.ledger, ports.artifacts, gate.require),
        pauses_api.router(database, ports.ledger, ports.audit, gate.require),
        leases_api.router(
            ports.desk, ports.artifacts, ports.clock, gate.require, ports.billing.handing.to_actor
        ),
        effects_api.router(database, ports.publisher, gate.require),
        repositories_api.router(database, gate.require, ports.app_pages),
        tokens_api.router(ports.tokens, gate),
        checklists_api.router(database, ports.checklists, ports.ledger, gate.require),
        waivers_api.router(database, ports.checklists, ports.audit, ports.clock, gate.require),
        reviews_api.router(
            database, ports.reviews, ports.ledger, ports.audit, ports.clock, gate.require
        ),
        testruns_api.router(database, ports.test_runs, ports.clock, gate.require),
        manifests_api.router(database, ports.manifests, gate.require),
        health_api.router(database, ports.health, gate.require),
        notifications_api.router(database, ports.notifications, ports.streams, gate.require),
        me_api.router(database, ports.sessions, ports.clock, gate, repositories_api.managed),
        users_api.router(database, ports.sessions, ports.clock, gate),
        identity_api.router(database, ports.keys, ports.clock, gate),
        exchange_api.router(database, ports.exchange, ports.clock, gate),
        grants_api.router(granting, gate),
        billing_api.router(ports.billing, gate),
        usage_api.router(database, ports.billing.usage, gate),
        provider_keys_api.router(database, ports.billing.keys, gate),
        audit_api.router(database, ports.audit, auditor, ports.audit_keys),
    )
