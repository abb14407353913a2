"""The way in up to its jobs, on each engine: receiver, routing and upkeep over a real ledger."""

import asyncio
import itertools
from collections.abc import Sequence
from random import Random

import pytest

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.port import GitHubError
from hookyard.core.audit.model import AuditFilter, AuditRecord
from hookyard.core.audit.service import Audit
from hookyard.core.ingress import store, upkeep
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.dictionary import Compressor
from hookyard.core.ingress.glue import AuditedRefusals, EventInventory
from hookyard.core.ingress.jobs import RouteDelivery
from hookyard.core.ingress.model import (
    Delivery,
    Identity,
    InboundRequest,
    Provider,
    Receipt,
    SourceConfig,
)
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import (
    ClaimRequest,
    Job,
    JobFilter,
    JobHandler,
    JobKind,
    JobState,
    NewJob,
    Outcome,
    WaitingFor,
)
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.model import EffectFilter, EffectRecord
from hookyard.core.publishing.service import LAND, Publisher
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig
from hookyard.features.agents.jobs import KIND as AGENT
from hookyard.features.checklists.jobs import KIND as CRITERIA
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject
from hookyard_sandbox.senders import SignedRequest, signed_request
from hookyard_sandbox.senders_github import GitHubScene

SECRET = "hush-hush-hush"
ALLOW = ("U061F7AUR", "alerts")


class Hub:
    """What GitHub would say of configuration and permission; `trouble` is raised instead."""

    def __init__(self) -> None:
        self.config: RepositoryConfig | ConfigInvalid = RepositoryConfig()
        self.have = "write"
        self.trouble: GitHubError | None = None
        self.asked = 0

    async def read_config(
        self, installation_id: int, repository: str, ref: str
    ) -> RepositoryConfig | ConfigInvalid:
        self._ask()
        return self.config

    async def permission_of(self, installation_id: int, repository: str, login: str) -> str:
        self._ask()
        return self.have

    def _ask(self) -> None:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble


class Bench:
    """Receives signed requests and works routing jobs off one at a time."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database, self.clock, self.hub = database, clock, Hub()
        self.scene = GitHubScene()
        self._numbers = itertools.count(1)
        self.providers: dict[str, Provider] = dict(registry.PROVIDERS_BY_NAME)
        self.sources = {
            name: SourceConfig(name, name, (SECRET.encode(),), {"app_slug": "hookyard"}, ALLOW)
            for name in ("github", "slack", "jira", "sentry", "gitlab")
        }
        kinds = (RouteDelivery.kind, upkeep.PURGE, upkeep.BURY, AGENT, CRITERIA, JobKind(LAND))
        self.ledger = Ledger(clock, ids, kinds, Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.deliveries = Deliveries(self.ledger)
        self.audit = Audit(ids)
        self.receiver = Receiver(database, self.ledger, self.deliveries, clock, ids)
        self.route = self._router()

    def _router(self) -> RouteDelivery:
        return RouteDelivery(
            self.database,
            self.providers,
            self.sources,
            registry.REACTIONS,
            ContextReader(self.hub, self.hub, RepositoryConfig()),
            self.ledger,
            self.publisher,
            EventInventory(self.clock, None, None),
            AuditedRefusals(self.audit, self.clock),
            OwnApp("90210", "hookyard"),
        )

    # --- receiving ---

    def signed(
        self, provider: str, body: bytes | JsonObject, *, event: str = "", **options: str
    ) -> SignedRequest:
        """A request with a fresh delivery id unless one is given."""
        name = options.pop("delivery_id", f"delivery-{next(self._numbers)}")
        return signed_request(
            provider, body, options.pop("secret", SECRET), event=event, delivery_id=name,
            now_ms=self.clock.now_ms(), **options,
        )  # fmt: skip

    async def take(self, provider: str, request: SignedRequest) -> Receipt:
        """Verify and store a request that must verify."""
        endpoint = Endpoint(self.sources[provider], self.providers[provider])
        headers = {k.encode(): v.encode("latin-1") for k, v in request.headers.items()}
        inbound = InboundRequest("POST", headers, request.body)
        identity = self.receiver.examine(endpoint, inbound)
        assert isinstance(identity, Identity), identity
        payload = Compressor()(request.body)
        return await self.receiver.accept(
            self.receiver.prepare(endpoint, inbound, identity, payload)
        )

    async def takes(self, provider: str, requests: Sequence[SignedRequest]) -> list[Receipt]:
        """Store requests that arrive at the same instant."""
        return await asyncio.gather(*(self.take(provider, request) for request in requests))

    async def issue(self, number: int = 1, title: str = "A title", **options: str) -> Receipt:
        payload = self.scene.issue_opened(number, title, "- [ ] It works")
        return await self.take("github", self.signed("github", payload, event="issues", **options))

    async def comment(self, text: str, number: int = 1, login: str = "mona") -> Receipt:
        payload = self.scene.comment_created(number, next(self._numbers) + 7_000, text, login)
        return await self.take("github", self.signed("github", payload, event="issue_comment"))

    # --- working ---

    async def work(self, handler: JobHandler | None = None) -> list[Outcome]:
        """Run every ready routing job (or job of another handler) once."""
        handler = handler or self.route
        outcomes: list[Outcome] = []
        for job in await self._claim(handler.kind.name):
            outcome = await handler(Run(job, self.database, self.ledger, None))
            await self.database.write(
                lambda unit, j=job, o=outcome: self.ledger.finish(unit, j, o)  # type: ignore[misc]
            )
            outcomes.append(outcome)
        return outcomes

    async def _claim(self, kind: str) -> list[Job]:
        def only(found: JobKind) -> WaitingFor | None:
            return None if found.name == kind else WaitingFor("pause", "the test")

        request = ClaimRequest("boot/w", 64, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request, only))
        return list(claimed.jobs)

    async def run(self, handler: JobHandler) -> Outcome:
        """Enqueue one job of a handler and run it."""
        job = NewJob(handler.kind.name, {})
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        return (await self.work(handler))[0]

    # --- looking ---

    async def delivery(self, receipt: Receipt) -> Delivery:
        return await self.database.read(lambda unit: self.deliveries.get(unit, receipt.delivery_id))

    async def jobs(self, **wanted: object) -> list[Job]:
        """Jobs oldest first."""
        filters = JobFilter(**wanted)  # type: ignore[arg-type]
        page = await self.database.read(lambda unit: self.ledger.list(unit, filters, limit=200))
        return list(reversed(page.items))

    async def effects(self) -> list[EffectRecord]:
        page = await self.database.read(
            lambda unit: self.publisher.list(unit, EffectFilter(), limit=200)
        )
        return list(reversed(page.items))

    async def trail(self) -> Sequence[AuditRecord]:
        page = await self.database.read(
            lambda unit: self.audit.list_page(unit, AuditFilter(), None, 50)
        )
        return page.items

    async def count(self) -> int:
        page = await self.database.read(lambda unit: store.list_page(unit, {}, 200, None))
        return len(page.items)

    async def kill(self, receipt: Receipt, state: JobState = JobState.DEAD) -> None:
        """The delivery's routing job dies (or is cancelled) without a word."""
        job = (await self.jobs(delivery_id=receipt.delivery_id))[0]
        if state is JobState.CANCELLED:
            await self.database.write(lambda unit: self.ledger.cancel(unit, job.id))
            return
        for _ in range(job.max_attempts):
            await self._claim(RouteDelivery.kind.name)
            self.clock.advance(3_600)
            await self.database.write(self.ledger.sweep_expired)
        assert (await self.jobs(delivery_id=receipt.delivery_id))[0].state is JobState.DEAD


@pytest.fixture
def bench(database: Database, clock: ManualClock, ids: IdMaker) -> Bench:
    return Bench(database, clock, ids)
