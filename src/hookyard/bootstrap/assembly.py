"""Opens every adapter, builds the rooms on them, and puts both together as a `Yard`."""

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from hookyard import registry
from hookyard.bootstrap.agents import local_agent
from hookyard.bootstrap.attempts import Around, TracedEndings, as_they_are, surround
from hookyard.bootstrap.desk import lease_desk
from hookyard.bootstrap.engine import connect_waker, migrate_as_set
from hookyard.bootstrap.feeding import open_sinks
from hookyard.bootstrap.keeping import open_keeper
from hookyard.bootstrap.listeners import CallListeners
from hookyard.bootstrap.noticing import open_streams
from hookyard.bootstrap.offices import Office, keeping, office_of
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
from hookyard.bootstrap.people import People, access_rules
from hookyard.bootstrap.pointers import join, open_broker, runner_poll_s
from hookyard.bootstrap.proposing import asking_of
from hookyard.bootstrap.reaching import context_reader, github_ports
from hookyard.bootstrap.recording import apply_built_in
from hookyard.bootstrap.renewing import renew_in_place
from hookyard.bootstrap.rooms import Ears, Foundation, Rooms, open_rooms
from hookyard.bootstrap.sealing import open_sealer
from hookyard.bootstrap.storing import artifacts_of, open_storage
from hookyard.bootstrap.trusting import open_outbound, open_trust, read_issuers
from hookyard.bootstrap.yard import Yard
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey, audit_key
from hookyard.core.identity.admin_key import AdminKey
from hookyard.core.identity.authenticate import Authenticator
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.service import ApiKeys
from hookyard.core.identity.token_trail import TokenTrail
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.glue import AuditedRefusals, EventInventory
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.cron import Cron
from hookyard.core.jobs.leases_desk import LeaseDesk
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.runner import Runner
from hookyard.core.repositories.service import find_repository
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
        github = open_github(settings, environ, clock, calls, checked=joins)
        if github is not None:
            opened.push_async_callback(github.close)
        apps = [] if github is None else [github]
        for app in open_more_apps(settings, environ, clock, calls, checked=joins):
            opened.push_async_callback(app.close)
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
        sinks = open_sinks(settings, environ, clock)
        base = Foundation(
            settings, clock, ids, database, sources, github, traces, files, broker, storage,
            around, rules, outbound, sealer, apps, sinks,
        )  # fmt: skip
        trust = open_trust(issuers, outbound, TokenTrail(database, Audit(base.ids)))
        yard = _assemble(base, Ears(calls), Authenticator(database, admin_hash, trust), admin_key)
        yard.keeper = None if joins else open_keeper(settings, environ, clock)
        if yard.keeper is not None:
            renew_in_place(yard, yard.keeper)
        opened.pop_all()
        return yard


def _runner(base: Foundation, rooms: Rooms, ears: Ears, breakers: Breakers, boot_id: str) -> Runner:
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


def _cron(base: Foundation, rooms: Rooms) -> Cron:
    specs = (*registry.cron(has_github=base.github is not None), *rooms.recovering.calendar())
    return Cron(rooms.ledger, specs, base.clock)


def _office(base: Foundation, rooms: Rooms, key: AuditKey) -> Office:
    keeper = keeping(base.settings, key, rooms.audit, base.clock)
    duties = (keeper, rooms.billing.upkeep)
    has_github = base.github is not None
    cron = _cron(base, rooms)
    return office_of(cron, rooms.ledger, rooms.recovering, *duties, has_github=has_github)


def _assemble(
    base: Foundation, ears: Ears, authenticator: Authenticator, admin_key: AdminKey | None
) -> Yard:
    settings, database = base.settings, base.database
    _trace(base, ears)
    breakers, boot_id = Breakers(base.clock), base.ids.new(base.clock.now_ms())
    rooms = open_rooms(base, ears)
    ledger, noticing = rooms.ledger, rooms.noticing
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
        office=_office(base, rooms, key),
        breakers=breakers,
        publisher=rooms.publisher,
        deliveries=rooms.deliveries,
        receiver=rooms.receiver,
        checklists=rooms.reviewing.checklists,
        reviews=rooms.reviewing.reviews,
        test_runs=rooms.reviewing.test_runs,
        manifests=rooms.reviewing.manifests,
        audit=rooms.audit,
        audit_key=key,
        authenticator=authenticator,
        keys=_keys(base, rooms, authenticator),
        grants=rooms.grants,
        held=rooms.held,
        exchange=Exchange(base.ids, rooms.audit, find_repository=find_repository),
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
        desk=_desk(base, rooms, ears),
        people=rooms.people,
        sealer=base.sealer,
        apps=base.apps,
        tokens=rooms.tokens,
        noticing=noticing,
        streams=open_streams(database, noticing.notifications, rooms.people.sessions, base.clock),
        billing=rooms.billing,
        records=rooms.records,
        feeding=rooms.feeding,
        traces=base.traces,
        pointers=join(base.broker, settings, database, ledger, runner, ears.endings),
    )


def _trace(base: Foundation, ears: Ears) -> None:
    if base.traces is not None:
        ears.calls.listeners.append(base.traces.called)
        ears.endings.listeners.append(TracedEndings(base.traces))


def _keys(base: Foundation, rooms: Rooms, authenticator: Authenticator) -> ApiKeys:
    return ApiKeys(base.ids, rooms.audit, authenticator.forget, find_repository=find_repository)


def _desk(base: Foundation, rooms: Rooms, ears: Ears) -> LeaseDesk:
    return lease_desk(
        base.settings,
        base.database,
        rooms.ledger,
        rooms.publisher,
        ears.endings,
        base.files,
        ears.waker,
        rooms.billing.ports.handing.mask,
    )


def _ports(base: Foundation, rooms: Rooms) -> registry.Ports:
    settings, github = base.settings, base.github
    return registry.Ports(
        database=base.database,
        ledger=rooms.ledger,
        publisher=rooms.publisher,
        checklists=rooms.reviewing.checklists,
        reviewing=registry.ReviewPorts(
            rooms.reviewing.reviews, rooms.reviewing.sources, rooms.reviewing.desk
        ),
        test_runs=rooms.reviewing.test_runs,
        manifests=rooms.reviewing.manifests,
        proposals=asking_of(settings.proposals, os.environ, base.outbound),
        sources=base.sources,
        context=context_reader(base.database, github, base.clock),
        inventory=EventInventory(
            base.clock,
            rooms.tokens.apps.forget if base.apps else None,
            _forget_people(github, rooms.people),
        ),
        refusals=AuditedRefusals(rooms.audit, base.clock),
        own=OwnApp(settings.github.app_id, settings.github.app_slug),
        github=github_ports(settings, base.database, github, base.clock, base.outbound),
        agent=local_agent(settings, rooms.publisher, rooms.billing.ports.handing.to_local),
        retention_days=settings.worker.retention_days,
        files=base.files,
        blobs=base.storage.blobs,
        ids=base.ids,
        recovery=rooms.recovering.ports,
        sources_watched=rooms.recovering.source_ports(),
        random=spreading_random(),
        health=rooms.noticing.health,
        notifications=rooms.noticing.notifications,
        messages=rooms.noticing.slack,
        send_changes=rooms.feeding.handler,
    )


def _forget_people(github: GitHubApp | None, people: People) -> Callable[[str], None]:
    """What is told of "owner/" or "owner/name" when somebody's rights there may have changed."""

    def forget(scope: str) -> None:
        if github is not None:
            github.permissions.forget(scope)
        people.memberships_changed(scope)

    return forget
