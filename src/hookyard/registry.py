"""The one page of names: providers, reactions, kinds of jobs, their handlers, what runs by cron.

To add one, write its module and list it here; nothing registers itself by being imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.port import GitHub
from hookyard.core.audit import api as audit_api
from hookyard.core.audit.service import Audit
from hookyard.core.blobs.sweep import Sweep
from hookyard.core.idempotency import store as _idempotency_keys
from hookyard.core.identity import api as identity_api
from hookyard.core.identity import exchange_api, grants_api, me_api, users_api
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.gate import Gate
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.model import DEFAULT_TENANT, Action
from hookyard.core.identity.service import ApiKeys
from hookyard.core.identity.sessions import Sessions
from hookyard.core.ingress import api as deliveries_api
from hookyard.core.ingress import jobs as routing
from hookyard.core.ingress import recovery_api, recovery_jobs, silence_jobs, upkeep
from hookyard.core.ingress.bodies import Bodies
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.jobs import Inventory, Refusals, RouteDelivery
from hookyard.core.ingress.model import Provider, SourceConfig
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
from hookyard.core.ingress.reactions import Reaction
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs import api as jobs_api
from hookyard.core.jobs import artifacts_api, leases_api, log_archive, pauses_api
from hookyard.core.jobs.artifacts import Artifacts
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.leases_desk import LeaseDesk
from hookyard.core.jobs.leases_model import Finisher
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.log_archive import ArchiveLogs, JobLogs
from hookyard.core.jobs.model import JobHandler, JobKind
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing import api as effects_api
from hookyard.core.publishing import upkeep as effects_upkeep
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.model import AppIdentity
from hookyard.core.publishing.port import InstallationOf
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories import api as repositories_api
from hookyard.core.repositories import jobs as inventory
from hookyard.core.repositories.service import find_repository
from hookyard.core.sealing import store as _data_keys
from hookyard.core.sealing.model import SealedColumn
from hookyard.core.tokens import api as tokens_api
from hookyard.core.tokens import upkeep as tokens_upkeep
from hookyard.features.agents import jobs as agents
from hookyard.features.agents.answers import Answers
from hookyard.features.checklists import api as checklists_api
from hookyard.features.checklists import jobs as checklists
from hookyard.features.checklists.issues import GitHubIssues
from hookyard.features.checklists.reactions import REACTIONS as CHECKLIST_REACTIONS
from hookyard.features.checklists.service import Checklists
from hookyard.features.records import store_changes as _record_changes
from hookyard.features.records import upkeep as records_upkeep
from hookyard.features.records.feeding import store_consumers as _record_consumers
from hookyard.features.records.feeding import store_subscriptions as _record_subscriptions
from hookyard.features.records.feeding.jobs import SendChanges
from hookyard.features.records.schema import store_schema as _record_schema
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker

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

REACTIONS: tuple[Reaction, ...] = CHECKLIST_REACTIONS

NARROW_KINDS = frozenset({AGENT_TASK})

SEALED: tuple[SealedColumn, ...] = (
    SealedColumn("token_cells", "cell", ("mint_id",), only_tenant=DEFAULT_TENANT),
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
    *effects_upkeep.CRON,
    *log_archive.CRON,
    *tokens_upkeep.CRON,
    *records_upkeep.CRON,
)
SYNC_AT_START = inventory.AT_START


@dataclass(frozen=True, slots=True)
class GitHubPorts:
    """What handlers need of a configured GitHub App."""

    github: GitHub
    installation_of: InstallationOf
    app: AppIdentity
    landing: LandingOptions


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything handlers are made of. `github` is None where no App is configured."""

    database: Database
    ledger: Ledger
    publisher: Publisher
    checklists: Checklists
    sources: Mapping[str, SourceConfig]
    context: ContextReader
    inventory: Inventory
    refusals: Refusals
    own: OwnApp
    github: GitHubPorts | None
    agent: agents.RunAgent | None
    retention_days: int
    files: JobLogFiles | None
    blobs: Blobs
    ids: IdMaker
    recovery: recovery_jobs.RecoveryPorts
    sources_watched: recovery_api.SourcePorts
    send_changes: SendChanges


def kinds(*, has_github: bool, agent: JobKind | None) -> tuple[JobKind, ...]:
    """The kinds this process can work on; jobs of any other kind wait and say so."""
    always = (
        routing.KIND,
        upkeep.PURGE,
        upkeep.BURY,
        upkeep.SWEEP,
        log_archive.KIND,
        effects_upkeep.BURY_EFFECTS,
        tokens_upkeep.TIDY,
        records_upkeep.TIDY,
        SendChanges.kind,
        recovery_jobs.KIND,
        silence_jobs.KIND,
    )
    with_github = (LandEffect.kind, checklists.KIND, inventory.KIND) if has_github else ()
    return (*always, *with_github, *((agent,) if agent is not None else ()))


SERVER_KINDS = frozenset(kind.name for kind in kinds(has_github=True, agent=None))
"""Kinds that only this server does, set up for them or not: they are never leased out."""


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
        ),
        upkeep.Purge(ports.ledger, ports.retention_days, ports.files, ports.blobs),
        upkeep.SweepBlobs(Sweep(ports.blobs, ports.ids)),
        ArchiveLogs(ports.blobs, ports.ids),
        upkeep.Bury(ports.ledger),
        effects_upkeep.BuryEffects(ports.publisher),
        tokens_upkeep.TidyTokens(ports.retention_days),
        records_upkeep.TidyRecords(ports.retention_days),
        ports.send_changes,
        recovery_jobs.RecoverDeliveries(ports.recovery),
        silence_jobs.WatchSources(ports.sources_watched.pulses, ports.sources_watched.recovery),
    ]
    if ports.github is not None:
        gh = ports.github
        found.append(LandEffect(gh.github, gh.installation_of, gh.app, gh.landing))
        found.append(inventory.SyncRepositories(ports.database, gh.github))
        issues = GitHubIssues(gh.github, gh.installation_of)
        found.append(checklists.ExtractCriteria(ports.checklists, issues))
    if ports.agent is not None:
        found.append(ports.agent)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ApiPorts:
    """Everything routes are made of."""

    database: Database
    clock: Clock
    ledger: Ledger
    publisher: Publisher
    deliveries: Deliveries
    checklists: Checklists
    audit: Audit
    keys: ApiKeys
    grants: Grants
    audit_keys: Sequence[str]
    exchange: Exchange
    desk: LeaseDesk
    artifacts: Artifacts
    logs: JobLogs
    sources: recovery_api.SourcePorts
    sessions: Sessions
    app_pages: repositories_api.AppPages
    tokens: tokens_api.TokenPorts


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
        leases_api.router(ports.desk, ports.artifacts, ports.clock, gate.require),
        effects_api.router(database, ports.publisher, gate.require),
        repositories_api.router(database, gate.require, ports.app_pages),
        tokens_api.router(ports.tokens, gate),
        checklists_api.router(database, ports.checklists, ports.ledger, gate.require),
        me_api.router(database, ports.sessions, ports.clock, gate, repositories_api.managed),
        users_api.router(database, ports.sessions, ports.clock, gate),
        identity_api.router(database, ports.keys, ports.clock, gate),
        exchange_api.router(database, ports.exchange, ports.clock, gate),
        grants_api.router(granting, gate),
        audit_api.router(database, ports.audit, auditor, ports.audit_keys),
    )
