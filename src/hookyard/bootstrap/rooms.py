"""The rooms, built on what was opened, with what they are told by one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.oauth import site_of
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.queues.changes import ChangeSink
from hookyard.adapters.queues.port import Broker
from hookyard.adapters.telemetry.traces import Traces
from hookyard.bootstrap.agents import agent_argv
from hookyard.bootstrap.attempts import Around
from hookyard.bootstrap.billing import Billing, open_billing
from hookyard.bootstrap.feeding import Feeding, FeedingBase, open_feeding
from hookyard.bootstrap.listeners import BatchListeners, CallListeners, EndListeners, Waker
from hookyard.bootstrap.minting import TokenService, token_service
from hookyard.bootstrap.noticing import Noticing, open_noticing
from hookyard.bootstrap.opening import GitHubApp, spreading_random
from hookyard.bootstrap.people import People, PeopleBase, open_people
from hookyard.bootstrap.recording import Records, open_records
from hookyard.bootstrap.recovering import Recovering, recovering
from hookyard.bootstrap.reviewing import Reviewing, reviewing
from hookyard.bootstrap.storing import Storage
from hookyard.bootstrap.telling import budget_notices, verdict_notices
from hookyard.core.audit.service import Audit
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_memory import GrantMemory
from hookyard.core.identity.teams_rules import Rule
from hookyard.core.ingress.bodies import Bodies
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.pace import Pace
from hookyard.core.ingress.receive import Receiver
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories.service import find_repository
from hookyard.core.sealing.service import Sealer
from hookyard.features.agents.jobs import RunAgent
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every room stands on."""

    settings: Settings
    clock: Clock
    ids: IdMaker
    database: Database
    sources: dict[str, SourceConfig]
    github: GitHubApp | None
    traces: Traces | None
    files: JobLogFiles
    broker: Broker | None
    storage: Storage
    around: Around
    rules: tuple[Rule, ...]
    outbound: GuardedHttp
    sealer: Sealer
    apps: Sequence[GitHubApp]
    sinks: Mapping[str, ChangeSink]


@dataclass(frozen=True, slots=True)
class Ears:
    """Whoever is told of something while the process runs."""

    calls: CallListeners
    waker: Waker = field(default_factory=Waker)
    pace: Pace = field(default_factory=Pace)
    endings: EndListeners = field(default_factory=EndListeners)
    batches: BatchListeners = field(default_factory=BatchListeners)


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms that handlers and routes are made of."""

    ledger: Ledger
    publisher: Publisher
    reviewing: Reviewing
    audit: Audit
    deliveries: Deliveries
    receiver: Receiver
    recovering: Recovering
    people: People
    grants: Grants
    held: GrantMemory
    tokens: TokenService
    billing: Billing
    noticing: Noticing
    records: Records
    feeding: Feeding


def open_rooms(base: Foundation, ears: Ears) -> Rooms:
    """Every room, on what was opened."""
    ledger = ledger_of(base, ears.waker)
    publisher = Publisher(ledger, base.clock, base.ids)
    bodies = Bodies(base.storage.blobs)
    deliveries = Deliveries(ledger, bodies)
    receiver = Receiver(
        base.database, ledger, deliveries, base.clock, base.ids, ears.batches, ears.pace, bodies
    )
    audit = Audit(base.ids)
    noticing = open_noticing(base.settings, base.database, publisher, base.clock, base.ids)
    held = GrantMemory(base.database, base.clock)
    grants = Grants(base.ids, audit, held.tell, find_repository)
    known = PeopleBase(
        base.settings, base.database, base.clock, base.ids, audit, base.github, grants,
        base.outbound,
    )  # fmt: skip
    tokens = token_service(
        base.settings, base.apps, base.database, base.sealer, audit, base.ids, base.clock
    )
    verdicts = verdict_notices(
        noticing.notifications.notify, site_of(base.settings.github.api_base_url)
    )
    records = open_records(base.database, audit, base.ids, base.clock)
    feeding = FeedingBase(
        base.settings, base.database, records, ledger, audit, base.sealer, base.ids, base.clock
    )
    known_sources = (base.settings, base.sources, base.github, base.clock)
    return Rooms(
        ledger,
        publisher,
        reviewing(ledger, publisher, audit, base.ids, verdicts),
        audit,
        deliveries,
        receiver,
        recovering(*known_sources, receiver, ledger, noticing.silent),
        open_people(known, base.rules),
        grants,
        held,
        tokens,
        open_billing(
            base.database,
            ledger,
            tokens.record,
            ears.calls,
            audit,
            base.ids,
            base.sealer,
            budget_notices(noticing.notifications.notify),
        ),
        noticing,
        records,
        open_feeding(feeding, base.sinks),
    )


def ledger_of(base: Foundation, waker: Waker) -> Ledger:
    """The ledger, with the kinds this process works on."""
    of_agents = RunAgent.kind_for(base.settings.worker.agent_timeout_s)
    agent = of_agents if agent_argv(base.settings) else None
    has_slack = base.settings.slack.bot_token is not None
    kinds = registry.kinds(has_github=base.github is not None, agent=agent, has_slack=has_slack)
    ledger = Ledger(base.clock, base.ids, kinds, spreading_random(), waker)
    ledger.outside[of_agents.name] = of_agents
    return ledger
