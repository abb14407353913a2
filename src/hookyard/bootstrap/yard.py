"""What a running process is made of, started and closed as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.secrets.keeper import Keeper
from hookyard.adapters.telemetry.traces import Traces
from hookyard.bootstrap.billing import Billing
from hookyard.bootstrap.engine import hear_ready
from hookyard.bootstrap.feeding import Feeding
from hookyard.bootstrap.listeners import BatchListeners, CallListeners, EndListeners
from hookyard.bootstrap.minting import TokenService
from hookyard.bootstrap.noticing import Noticing
from hookyard.bootstrap.offices import Office
from hookyard.bootstrap.opening import GitHubApp
from hookyard.bootstrap.people import People
from hookyard.bootstrap.pointers import Pointers
from hookyard.bootstrap.recording import Records
from hookyard.bootstrap.recovering import Recovering
from hookyard.bootstrap.storing import Storage
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey
from hookyard.core.identity.admin_key import AdminKey
from hookyard.core.identity.authenticate import Authenticator
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_memory import GrantMemory
from hookyard.core.identity.model import Authorizer
from hookyard.core.identity.service import ApiKeys
from hookyard.core.ingress.learning import Follower
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.artifacts import Artifacts
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.leases_desk import LeaseDesk
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.scheduler import Scheduler
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.service import Publisher
from hookyard.core.sealing.service import Sealer
from hookyard.features.checklists.service import Checklists
from hookyard.features.manifests.service import Manifests
from hookyard.features.notifications.stream import Streams
from hookyard.features.reviews.service import Reviews
from hookyard.features.testruns.service import TestRuns
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings

log = structlog.get_logger("hookyard")


@dataclass(slots=True)
class Yard:
    """Everything a running process is made of."""

    settings: Settings
    clock: Clock
    ids: IdMaker
    database: Database
    sources: dict[str, SourceConfig]
    ledger: Ledger
    runner: Runner
    office: Office
    breakers: Breakers
    publisher: Publisher
    deliveries: Deliveries
    receiver: Receiver
    checklists: Checklists
    reviews: Reviews
    test_runs: TestRuns
    manifests: Manifests
    audit: Audit
    audit_key: AuditKey
    authenticator: Authenticator
    keys: ApiKeys
    grants: Grants
    held: GrantMemory
    exchange: Exchange
    admin_key: AdminKey | None
    github: GitHubApp | None
    files: JobLogFiles | None
    boot_id: str
    calls: CallListeners
    endings: EndListeners
    batches: BatchListeners
    storage: Storage
    artifacts: Artifacts
    recovering: Recovering
    outbound: GuardedHttp
    desk: LeaseDesk
    people: People
    sealer: Sealer
    apps: Sequence[GitHubApp]
    tokens: TokenService
    noticing: Noticing
    streams: Streams
    billing: Billing
    records: Records
    feeding: Feeding
    traces: Traces | None = None
    authorizer: Authorizer | None = None
    pointers: Pointers | None = None
    keeper: Keeper | None = None
    served: dict[str, Endpoint] = field(default_factory=dict)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    scheduler: Scheduler | None = None
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    def endpoints(self) -> dict[str, Endpoint]:
        """The path of every source; the one named after its provider answers at the short path."""
        if self.served:
            return self.served
        found = self.served
        for source in self.sources.values():
            endpoint = Endpoint(source, registry.PROVIDERS_BY_NAME[source.provider])
            found[f"/webhooks/{source.provider}/{source.id}"] = endpoint
            if source.id == source.provider:
                found[f"/webhooks/{source.provider}"] = endpoint
        return found

    def use_source(self, source: SourceConfig) -> None:
        """Let a source go on with other secrets, wherever its deliveries are taken in or routed."""
        self.sources[source.id] = source
        for path, endpoint in self.served.items():
            if endpoint.source.id == source.id:
                self.served[path] = Endpoint(source, endpoint.provider)

    def add_source(self, source: SourceConfig) -> None:
        """Take deliveries of one more source from now on."""
        self.sources[source.id] = source
        endpoint = Endpoint(source, registry.PROVIDERS_BY_NAME[source.provider])
        self.served[f"/webhooks/{source.provider}/{source.id}"] = endpoint
        if source.id == source.provider:
            self.served[f"/webhooks/{source.provider}"] = endpoint

    def start_keeping(self) -> None:
        """Keep secrets fresh, where they come from sources, and write down what is counted."""
        counting = self.billing.metering.run(self.database)
        self.tasks.append(asyncio.create_task(counting, name="metering"))
        if self.keeper is not None:
            self.tasks.append(asyncio.create_task(self.keeper.run(), name="keeper"))

    def start_following(self) -> None:
        """Pack what comes in with the dictionary in use."""
        receiver = self.receiver
        follower = Follower(
            self.database, self.ledger, receiver.compressor, self.clock, lambda: receiver.accepted
        )
        self.tasks.append(asyncio.create_task(follower.run(), name="dictionary"))

    async def start_working(self) -> None:
        """Run jobs and the calendar, and tell a broker of jobs where there is one."""
        await self.start_worker()
        await self.start_scheduler()
        await self.start_relay()

    async def start_worker(self) -> None:
        """Take back what a dead process left running, then run jobs."""
        lost = await self.database.write(
            lambda unit: self.ledger.recover_worker_loss(unit, self.boot_id)
        )
        if lost:
            log.warning(
                "jobs_recovered", count=len(lost), reason="the process before this one died"
            )
        self.tasks.append(asyncio.create_task(self.runner.run(), name="runner"))
        self.tasks.append(asyncio.create_task(self.feeding.pump.run(), name="pump"))
        if self.pointers is None:
            hear_ready(self.database, self.runner)
        else:
            self.tasks.append(self.pointers.start_reader())

    async def start_relay(self) -> None:
        """Tell the broker of jobs that become ready; nothing to do without one."""
        if self.pointers is not None:
            self.tasks.append(self.pointers.start_relay(self.database))

    async def start_scheduler(self) -> None:
        """Stand for the office: the calendar, and what else one process at a time does."""
        lease_s = self.settings.worker.lease_s
        self.scheduler = self.office.candidate(self.database, self.clock, self.boot_id, lease_s)
        self.tasks.append(asyncio.create_task(self.scheduler.run(), name="scheduler"))

    async def drain(self) -> None:
        """Begin nothing more, hand the calendar over, let running jobs end within the limit.

        What still runs then is handed back. `draining` is set from the first moment.
        """
        self.draining.set()
        self.desk.close()
        self.streams.close()
        self.records.feed.bell.close()
        ends = [self.runner.drain(self.settings.worker.drain_s)]
        if self.scheduler is not None:
            ends.append(self.scheduler.stop())
        if self.pointers is not None:
            ends.append(self.pointers.stop_reading())
        await asyncio.gather(*ends)

    async def close(self) -> None:
        """Drain, then close every adapter."""
        await self.drain()
        if self.pointers is not None:
            await self.pointers.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.billing.metering.flush(self.database)
        await self.recovering.close()
        await self.people.close()
        await self.outbound.close()
        await self.noticing.close()
        await self.feeding.close()
        await self.sealer.close()
        if self.keeper is not None:
            await self.keeper.close()
        for app in self.apps:
            await app.close()
        await self.storage.blobs.close()
        await self.database.close()
        if self.files is not None:
            self.files.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)
