"""Billing put together: what hears of use, what holds work, and the use cases on top."""

from dataclasses import dataclass

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.bootstrap.listeners import CallListeners
from hookyard.core.audit.service import Audit
from hookyard.core.jobs.scheduler import Duty
from hookyard.core.jobs.service import Ledger
from hookyard.core.repositories.service import find_repository
from hookyard.core.sealing.service import Sealer
from hookyard.core.tokens.recording import MintRecord
from hookyard.features.billing.api import BillingPorts
from hookyard.features.billing.handing import Handing
from hookyard.features.billing.keys import ProviderKeys
from hookyard.features.billing.memory import Bookkeeper
from hookyard.features.billing.metering import Metering
from hookyard.features.billing.service import Projects
from hookyard.features.billing.stops import Notify, Stops
from hookyard.features.billing.upkeep import EVERY_S, Upkeep
from hookyard.features.billing.usage import Usage
from hookyard.kit.ids import IdMaker


@dataclass(frozen=True, slots=True)
class Billing:
    """The parts of billing that a process has."""

    metering: Metering
    upkeep: Duty
    ports: BillingPorts


def open_billing(
    database: Database,
    ledger: Ledger,
    record: MintRecord,
    calls: CallListeners,
    audit: Audit,
    ids: IdMaker,
    sealer: Sealer,
    notify: Notify,
) -> Billing:
    """Everything wired: the ledger, mints and calls tell of use from here on."""
    clock = ledger.clock
    books = Bookkeeper(database, clock, find_repository)
    stops = Stops(ledger.pauses, audit, clock, notify)
    metering = Metering(books, stops, clock, registry.WORK_CLASSES)
    ledger.told = metering.attempt_ended
    ledger.pauses.draws_on = metering.draws_on
    record.told = metering.minted
    calls.listeners.append(metering.called)
    projects = Projects(ids, audit, clock, stops, find_repository, books.tell)
    upkeep = Upkeep(books, stops, clock, registry.WEIGHED)
    duty = Duty("billing", EVERY_S, upkeep.turn)
    keys = ProviderKeys(database, sealer, ids, audit, clock)
    handing = Handing(database, ledger, sealer, audit, find_repository)
    ports = BillingPorts(database, projects, Usage(clock), keys, handing)
    return Billing(metering, duty, ports)
