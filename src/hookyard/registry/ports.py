"""What handlers and routes are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.port import GitHub
from hookyard.adapters.messaging.port import Messages
from hookyard.core.audit.service import Audit
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.service import ApiKeys
from hookyard.core.identity.sessions import Sessions
from hookyard.core.ingress import recovery_api, recovery_jobs
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.jobs import Inventory, Refusals
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.artifacts import Artifacts
from hookyard.core.jobs.leases_desk import LeaseDesk
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.log_archive import JobLogs
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.model import AppIdentity
from hookyard.core.publishing.port import InstallationOf
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories import api as repositories_api
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.tokens import api as tokens_api
from hookyard.features.agents import jobs as agents
from hookyard.features.billing import api as billing_api
from hookyard.features.checklists.service import Checklists
from hookyard.features.codehealth.service import CodeHealth
from hookyard.features.manifests.jobs import Asking
from hookyard.features.manifests.service import Manifests
from hookyard.features.notifications.service import Notifications
from hookyard.features.notifications.stream import Streams
from hookyard.features.records.feeding.jobs import SendChanges
from hookyard.features.reviews.desk import Desk
from hookyard.features.reviews.service import Reviews
from hookyard.features.reviews.sources import Sources
from hookyard.features.testruns.obtain import ArtifactSource
from hookyard.features.testruns.service import TestRuns
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker


@dataclass(frozen=True, slots=True)
class GitHubPorts:
    """What handlers need of a configured GitHub App."""

    github: GitHub
    installation_of: InstallationOf
    app: AppIdentity
    landing: LandingOptions
    downloads: ArtifactSource
    configs: ConfigReader


@dataclass(frozen=True, slots=True)
class ReviewPorts:
    """What handlers of reviews are made of."""

    reviews: Reviews
    sources: Sources
    desk: Desk


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything handlers are made of. `github` is None where no App is configured."""

    database: Database
    ledger: Ledger
    publisher: Publisher
    checklists: Checklists
    reviewing: ReviewPorts
    test_runs: TestRuns
    manifests: Manifests
    proposals: Asking
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
    random: Random
    health: CodeHealth
    notifications: Notifications
    messages: Messages | None
    send_changes: SendChanges


@dataclass(frozen=True, slots=True)
class ApiPorts:
    """Everything routes are made of."""

    database: Database
    clock: Clock
    ledger: Ledger
    publisher: Publisher
    deliveries: Deliveries
    checklists: Checklists
    reviews: Reviews
    test_runs: TestRuns
    manifests: Manifests
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
    health: CodeHealth
    notifications: Notifications
    streams: Streams
    billing: billing_api.BillingPorts
