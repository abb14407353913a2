"""The product's own parts, put together as each role of a process has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hookyard import registry
from hookyard.adapters.queues.backends.memory import MemoryBroker
from hookyard.bootstrap.engine import READY, connect_waker, hear_ready
from hookyard.bootstrap.listeners import Waker
from hookyard.core.audit.service import Audit
from hookyard.core.ingress import jobs as routing
from hookyard.core.ingress import upkeep
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import OwnApp
from hookyard.core.ingress.glue import AuditedRefusals, EventInventory
from hookyard.core.ingress.jobs import RouteDelivery
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.service import Deliveries
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.cron import Cron, CronSpec
from hookyard.core.jobs.election import Election, Fence
from hookyard.core.jobs.model import JobHandler, JobKind
from hookyard.core.jobs.pointers import PointerReader
from hookyard.core.jobs.relay import Relay
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.scheduler import Duty, Scheduler
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing import upkeep as effects_upkeep
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.model import AppIdentity
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.features.checklists import jobs as checklists
from hookyard.features.checklists.issues import GitHubIssues
from hookyard.features.checklists.service import Checklists
from tests.simulation.book import Book
from tests.simulation.broker import SimBroker
from tests.simulation.chores import KINDS, TICK, chores
from tests.simulation.database import Sea, SimDatabase
from tests.simulation.github import APP_ID, SLUG, GitHubCalls, SimGitHub
from tests.simulation.world import Process, World

CAPACITY = 4
SECRET = b"a secret of the simulation"
SOURCE = SourceConfig("github", "github", (SECRET,), {"app_slug": SLUG})
ENDPOINT = Endpoint(SOURCE, registry.PROVIDERS_BY_NAME["github"])
KNOWN: tuple[JobKind, ...] = (
    *KINDS,
    routing.KIND,
    upkeep.BURY,
    effects_upkeep.BURY_EFFECTS,
    LandEffect.kind,
    checklists.KIND,
)
CALENDAR = (*effects_upkeep.CRON, CronSpec("tick", "* * * * *", TICK.name))


@dataclass(slots=True)
class Shared:
    """What all processes of a simulation reach."""

    world: World
    sea: Sea
    github: SimGitHub
    broker: MemoryBroker | None
    book: Book


class Parts:
    """What every role stands on, of one life of a process."""

    def __init__(self, shared: Shared, process: Process) -> None:
        self.shared = shared
        self.process = process
        self.clock = process.clock
        self.database: Any = SimDatabase(shared.sea, process)
        self.waker = Waker()
        self.ledger = Ledger(self.clock, process.ids, KNOWN, process.random, self.waker)
        self.deliveries = Deliveries(self.ledger)
        self.receiver: Receiver | None = None


def start_gateway(shared: Shared, process: Process, gateways: dict[str, Parts]) -> None:
    """Takes in deliveries and what people ask for."""
    parts = Parts(shared, process)
    parts.waker.announce = lambda: parts.database.announce(READY)
    parts.receiver = Receiver(
        parts.database, parts.ledger, parts.deliveries, parts.clock, process.ids
    )
    gateways[process.name] = parts


def start_worker(shared: Shared, process: Process) -> None:
    """Works on jobs, told of them by the database's wake-ups or by the broker."""
    parts = Parts(shared, process)
    world = shared.world
    freed: list[Any] = []
    runner = Runner(
        parts.database,
        parts.ledger,
        _handlers(parts),
        parts.clock,
        f"{process.host}/worker",
        capacity=CAPACITY,
        lease_s=world.plan.lease_s,
        poll_s=world.plan.poll_s * process.random.uniform(0.8, 1.2),
        breakers=Breakers(parts.clock),
        observe=lambda _job, _step: [heard() for heard in freed] and None,
    )
    connect_waker(parts.waker, runner, parts.database)
    process.spawn(runner.run())
    if shared.broker is None:
        hear_ready(parts.database, runner)
        return

    def look() -> Any:
        over = runner.rounds.ask()
        runner.wake()
        return over

    reader = PointerReader(
        SimBroker(shared.broker, process),
        look,
        lambda: CAPACITY - runner.running,
        parts.clock,
        process.random,
    )
    freed.append(reader.freed)
    process.spawn(reader.run())


def start_relay(shared: Shared, process: Process) -> None:
    """Tells the broker of jobs that became ready."""
    parts = Parts(shared, process)
    assert shared.broker is not None
    broker = SimBroker(shared.broker, process)
    relay = Relay(parts.database, parts.ledger, broker, parts.clock, process.random)
    parts.waker.announce = lambda: parts.database.announce(READY)
    parts.database.listen(READY, relay.wake)
    process.spawn(relay.run())


def start_scheduler(shared: Shared, process: Process) -> None:
    """Stands for the calendar; its own duty notes under which term it wrote."""
    parts = Parts(shared, process)
    parts.waker.announce = lambda: parts.database.announce(READY)
    election = Election("scheduler", str(process.host), parts.clock)
    cron = Cron(parts.ledger, CALENDAR, parts.clock)

    async def sign(fence: Fence) -> None:
        number = fence.term.number
        await fence.write(lambda unit: shared.sea.sign(unit, number, str(process.host)))

    duties = (Duty("cron", 5.0, cron.turn), Duty("sign", 3.0, sign))
    process.spawn(Scheduler(parts.database, election, duties, (cron.sync,)).run())


def _handlers(parts: Parts) -> Sequence[JobHandler]:
    shared, clock, ledger = parts.shared, parts.clock, parts.ledger
    ids = parts.process.ids
    publisher = Publisher(ledger, clock, ids)
    calls = GitHubCalls(shared.github, parts.process)
    issues = GitHubIssues(calls, calls.installation_of)
    lists = Checklists(ids, publisher, publisher.get)
    return (
        RouteDelivery(
            parts.database,
            registry.PROVIDERS_BY_NAME,
            {SOURCE.id: SOURCE},
            registry.REACTIONS,
            ContextReader(None, calls, RepositoryConfig()),
            ledger,
            publisher,
            EventInventory(clock, None, None),
            AuditedRefusals(Audit(ids), clock),
            OwnApp(str(APP_ID), SLUG),
        ),
        upkeep.Bury(ledger),
        effects_upkeep.BuryEffects(publisher),
        LandEffect(calls, calls.installation_of, AppIdentity(APP_ID, SLUG)),
        checklists.ExtractCriteria(lists, issues),
        *chores(publisher, parts.process, shared.book),
    )
