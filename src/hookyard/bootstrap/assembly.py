"""Opens every adapter, builds the rooms on them, and puts both together as a `Yard`."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.queues.changes import ChangeSink
from hookyard.adapters.queues.port import Broker
from hookyard.adapters.telemetry.traces import Traces
from hookyard.bootstrap.attempts import Around, TracedEndings, as_they_are, surround
from hookyard.bootstrap.desk import lease_desk
from hookyard.bootstrap.engine import connect_waker, migrate_as_set
from hookyard.bootstrap.feeding import Feeding, FeedingBase, open_feeding, open_sinks
from hookyard.bootstrap.keeping import open_keeper
from hookyard.bootstrap.listeners import BatchListeners, CallListeners, EndListeners, Waker
from hookyard.bootstrap.minting import TokenService, token_service
from hookyard.bootstrap.offices import keeping
from hookyard.bootstrap.opening import (
    GitHubApp,
    load_admin_key,
    open_database,
    open_github,
    open_logs,
    open_more_apps,
    open_traces,
    read_sources,
    spreading_random,
)
from hookyard.bootstrap.people import People, PeopleBase, access_rules, open_people
from hookyard.bootstrap.pointers import join, open_broker, runner_poll_s
from hookyard.bootstrap.recording import Records, apply_built_in, open_records
from hookyard.bootstrap.recovering import Recovering, recovering
from hookyard.bootstrap.renewing import renew_in_place
from hookyard.bootstrap.sealing import open_sealer
from hookyard.bootstrap.storing import Storage, artifacts_of, open_storage
from hookyard.bootstrap.trusting import open_outbound, open_trust, read_issuers
from hookyard.bootstrap.yard import Yard
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import audit_key
from hookyard.core.identity.admin_key import AdminKey
from hookyard.core.identity.authenticate import Authenticator
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_memory import GrantMemory
from hookyard.core.identity.service import ApiKeys
from hookyard.core.identity.teams_rules import Rule
from hookyard.core.identity.token_trail import TokenTrail
from hookyard.core.ingress.bodies import Bodies
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.glue import AuditedRefusals, ConfigAtRef, EventInventory
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.pace import Pace
from hookyard.core.ingress.receive import Receiver
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.cron import Cron
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.budget import BudgetLimits
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.repositories.service import find_repository, installation_of
from hookyard.core.sealing.service import Sealer
from hookyard.features.agents.jobs import RunAgent
from hookyard.features.checklists.service import Checklists
from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings, read_environment


async def open_yard(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    *,
    around: Around = as_they_are,
    joins: bool = False,
) -> Yard:
    """Open everything and migrate; nothing runs yet.

    `around` wraps the handlers. One that `joins` finds settings checked and the schema made.
    ConfigurationError names the setting that is wrong; what was opened before is closed again.
    """
    clock = clock or SystemClock()
    if environ is None:
        environ = read_environment(Path.cwd(), os.environ)
    sources = read_sources(settings, environ)
    rules = access_rules(settings)
    issuers = read_issuers(settings, environ)
    admin_hash, admin_key = load_admin_key(settings)
    calls = CallListeners()
    async with AsyncExitStack() as opened:
        github = open_github(settings, clock, calls, checked=joins)
        if github is not None:
            opened.push_async_callback(github.client.close)
        apps = [] if github is None else [github]
        for app in open_more_apps(settings, environ, clock, calls, checked=joins):
            opened.push_async_callback(app.client.close)
            apps.append(app)
        traces = open_traces(settings, clock)
        if traces is not None:
            opened.callback(traces.close)
        broker = open_broker(settings, environ, clock, IdMaker().new(clock.now_ms()))
        if broker is not None:
            opened.push_async_callback(broker.close)
        database = await open_database(settings)
        opened.push_async_callback(database.close)
        if not joins:
            await migrate_as_set(settings, database)
            await apply_built_in(database, IdMaker(), clock)
        files = open_logs(settings)
        opened.callback(files.close)
        storage = open_storage(settings, environ, clock)
        outbound = open_outbound(settings)
        opened.push_async_callback(outbound.close)
        ids = IdMaker()
        sealer = open_sealer(settings, database, environ, clock, ids)
        opened.push_async_callback(sealer.close)
        sinks = open_sinks(settings, environ)
        base = _Foundation(
            settings, clock, ids, database, sources, github, traces, files, broker, storage,
            around, rules, outbound, sealer, apps, sinks,
        )  # fmt: skip
        trust = open_trust(issuers, outbound, TokenTrail(database, Audit(base.ids)))
        yard = _assemble(base, _Ears(calls), Authenticator(database, admin_hash, trust), admin_key)
        yard.keeper = None if joins else open_keeper(settings, environ, clock)
        if yard.keeper is not None:
            renew_in_place(yard, yard.keeper)
        opened.pop_all()
        return yard


@dataclass(frozen=True, slots=True)
class _Foundation:
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
class _Ears:
    """Whoever is told of something while the process runs."""

    calls: CallListeners
    waker: Waker = field(default_factory=Waker)
    pace: Pace = field(default_factory=Pace)
    endings: EndListeners = field(default_factory=EndListeners)
    batches: BatchListeners = field(default_factory=BatchListeners)


@dataclass(frozen=True, slots=True)
class _Rooms:
    """The rooms that handlers and routes are made of."""

    ledger: Ledger
    publisher: Publisher
    checklists: Checklists
    audit: Audit
    deliveries: Deliveries
    receiver: Receiver
    recovering: Recovering
    people: People
    grants: Grants
    held: GrantMemory
    tokens: TokenService
    records: Records
    feeding: Feeding


def _rooms(base: _Foundation, ears: _Ears) -> _Rooms:
    ledger = _ledger(base, ears.waker)
    publisher = Publisher(ledger, base.clock, base.ids)
    bodies = Bodies(base.storage.blobs)
    deliveries = Deliveries(ledger, bodies)
    receiver = Receiver(
        base.database, ledger, deliveries, base.clock, base.ids, ears.batches, ears.pace, bodies
    )
    audit = Audit(base.ids)
    held = GrantMemory(base.database, base.clock)
    grants = Grants(base.ids, audit, held.tell, find_repository)
    known = PeopleBase(
        base.settings, base.database, base.clock, base.ids, audit, base.github, grants,
        base.outbound,
    )  # fmt: skip
    records = open_records(base.database, audit, base.ids, base.clock)
    feeding_base = FeedingBase(
        base.settings, base.database, records, ledger, audit, base.sealer, base.ids, base.clock
    )
    return _Rooms(
        ledger,
        publisher,
        Checklists(base.ids, publisher, publisher.get),
        audit,
        deliveries,
        receiver,
        recovering(base.settings, base.sources, base.github, base.clock, receiver, ledger),
        open_people(known, base.rules),
        grants,
        held,
        token_service(
            base.settings, base.apps, base.database, base.sealer, audit, base.ids, base.clock
        ),
        records,
        open_feeding(feeding_base, base.sinks),
    )


def _runner(
    base: _Foundation, rooms: _Rooms, ears: _Ears, breakers: Breakers, boot_id: str
) -> Runner:
    work = base.settings.worker
    handlers = surround(registry.job_handlers(_ports(base, rooms)), base.traces)
    runner = Runner(
        base.database,
        rooms.ledger,
        base.around(handlers),
        base.clock,
        f"{boot_id}/worker",
        lanes=[Lane(name) for name in work.lanes] or list(Lane),
        capacity=work.concurrency,
        lease_s=work.lease_s,
        poll_s=runner_poll_s(base.settings, base.database),
        breakers=breakers,
        files=base.files,
        pace=ears.pace,
        observe=ears.endings,
    )
    connect_waker(ears.waker, runner, base.database)
    return runner


def _cron(base: _Foundation, rooms: _Rooms) -> Cron:
    specs = (*registry.cron(has_github=base.github is not None), *rooms.recovering.calendar())
    return Cron(rooms.ledger, specs, base.clock)


def _assemble(
    base: _Foundation, ears: _Ears, authenticator: Authenticator, admin_key: AdminKey | None
) -> Yard:
    settings, database = base.settings, base.database
    if base.traces is not None:
        ears.calls.listeners.append(base.traces.called)
        ears.endings.listeners.append(TracedEndings(base.traces))
    breakers, boot_id = Breakers(base.clock), base.ids.new(base.clock.now_ms())
    rooms = _rooms(base, ears)
    ledger = rooms.ledger
    runner = _runner(base, rooms, ears, breakers, boot_id)
    key = audit_key(settings.access.audit_key, settings.data_dir / "audit.key")
    return Yard(
        settings=settings,
        clock=base.clock,
        ids=base.ids,
        database=database,
        sources=base.sources,
        ledger=ledger,
        runner=runner,
        cron=_cron(base, rooms),
        breakers=breakers,
        publisher=rooms.publisher,
        deliveries=rooms.deliveries,
        receiver=rooms.receiver,
        checklists=rooms.checklists,
        audit=rooms.audit,
        audit_key=key,
        authenticator=authenticator,
        keys=ApiKeys(base.ids, rooms.audit, authenticator.forget, find_repository=find_repository),
        grants=rooms.grants,
        held=rooms.held,
        exchange=Exchange(base.ids, rooms.audit),
        admin_key=admin_key,
        github=base.github,
        files=base.files,
        boot_id=boot_id,
        calls=ears.calls,
        endings=ears.endings,
        batches=ears.batches,
        storage=base.storage,
        artifacts=artifacts_of(settings, base.storage, database, ledger, base.ids),
        recovering=rooms.recovering,
        outbound=base.outbound,
        desk=lease_desk(
            settings, database, ledger, rooms.publisher, ears.endings, base.files, ears.waker
        ),
        people=rooms.people,
        sealer=base.sealer,
        apps=base.apps,
        tokens=rooms.tokens,
        records=rooms.records,
        feeding=rooms.feeding,
        traces=base.traces,
        pointers=join(base.broker, settings, database, ledger, runner, ears.endings),
        duties=[keeping(settings, key, rooms.audit, base.clock)],
    )


def _agent_argv(settings: Settings) -> list[str]:
    return shlex.split(settings.worker.agent_command or "")


def _ledger(base: _Foundation, waker: Waker) -> Ledger:
    timeout_s = base.settings.worker.agent_timeout_s
    agent = RunAgent.kind_for(timeout_s) if _agent_argv(base.settings) else None
    kinds = registry.kinds(has_github=base.github is not None, agent=agent)
    ledger = Ledger(base.clock, base.ids, kinds, spreading_random(), waker)
    ledger.outside[RunAgent.kind_for(timeout_s).name] = RunAgent.kind_for(timeout_s)
    return ledger


def _ports(base: _Foundation, rooms: _Rooms) -> registry.Ports:
    settings, github = base.settings, base.github
    argv, timeout_s = _agent_argv(settings), settings.worker.agent_timeout_s
    return registry.Ports(
        database=base.database,
        ledger=rooms.ledger,
        publisher=rooms.publisher,
        checklists=rooms.checklists,
        sources=base.sources,
        context=_context(base.database, github, base.clock),
        inventory=EventInventory(
            base.clock,
            rooms.tokens.apps.forget if base.apps else None,
            _forget_people(github, rooms.people),
        ),
        refusals=AuditedRefusals(rooms.audit, base.clock),
        own=OwnApp(settings.github.app_id, settings.github.app_slug),
        github=_github_ports(settings, base.database, github),
        agent=RunAgent(argv, rooms.publisher, RunAgent.kind_for(timeout_s)) if argv else None,
        retention_days=settings.worker.retention_days,
        files=base.files,
        blobs=base.storage.blobs,
        ids=base.ids,
        recovery=rooms.recovering.ports,
        sources_watched=rooms.recovering.source_ports(),
        send_changes=rooms.feeding.handler,
    )


def _forget_people(github: GitHubApp | None, people: People) -> Callable[[str], None]:
    """What is told of "owner/" or "owner/name" when somebody's rights there may have changed."""

    def forget(scope: str) -> None:
        if github is not None:
            github.permissions.forget(scope)
        people.memberships_changed(scope)

    return forget


def _context(database: Database, github: GitHubApp | None, clock: Clock) -> ContextReader:
    defaults = RepositoryConfig()
    if github is None:
        return ContextReader(None, None, defaults)
    reader = ConfigReader(database, github.client, clock, defaults)
    return ContextReader(ConfigAtRef(reader), github.permissions, defaults)


def _github_ports(
    settings: Settings, database: Database, github: GitHubApp | None
) -> registry.GitHubPorts | None:
    if github is None:
        return None

    async def find(repository: str) -> int | None:
        return await database.read(lambda unit: installation_of(unit, repository))

    limits = BudgetLimits(
        content_per_minute=settings.github.writes_per_minute,
        content_per_hour=settings.github.writes_per_hour,
    )
    return registry.GitHubPorts(github.client, find, github.identity, LandingOptions(limits=limits))
