"""What one process at a time does for all: the calendar, and whatever else is a `Duty`."""

import os
import socket
from typing import TYPE_CHECKING

from hookyard import registry
from hookyard.adapters.database.port import Unit
from hookyard.core.audit.keeping import EVERY_S, Keeper
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey
from hookyard.core.jobs.cron import TICK_S
from hookyard.core.jobs.election import LEASE_S, Election
from hookyard.core.jobs.scheduler import Duty, Scheduler
from hookyard.kit.clock import Clock
from hookyard.settings import Settings

if TYPE_CHECKING:
    from hookyard.bootstrap.yard import Yard

OFFICE = "scheduler"


def scheduler_of(yard: "Yard") -> Scheduler:
    """A candidate for the office, with the calendar as its first duty.

    A term lasts as long as an attempt's lease, `LEASE_S` at most. The inventory of a GitHub App is
    brought up to date whenever a term begins.
    """
    # why: one process owns a SQLite file, so whoever held the office before is dead.
    alone = yard.database.dialect == "sqlite"
    holder = f"{socket.gethostname()}/{os.getpid()}/{yard.boot_id}"
    lease_s = min(LEASE_S, yard.settings.worker.lease_s)
    election = Election(OFFICE, holder, yard.clock, lease_s, alone=alone)

    def sync_inventory(unit: Unit) -> None:
        if yard.github is not None:
            yard.ledger.enqueue(unit, registry.SYNC_AT_START)

    def recover_missed(unit: Unit) -> None:
        yard.recovering.ask(yard.ledger, unit)

    duties = (Duty("cron", TICK_S, yard.cron.turn), *yard.duties)
    begin = (yard.cron.sync, sync_inventory, recover_missed)
    return Scheduler(yard.database, election, duties, begin)


def keeping(settings: Settings, key: AuditKey, audit: Audit, clock: Clock) -> Duty:
    """The duty that seals the audit trail and lets old entries of it go."""
    keeper = Keeper(key, audit, clock, settings.access.audit_keep_days)
    return Duty("audit", EVERY_S, keeper.turn)
