"""What one process at a time does for all: the calendar, and whatever else is a `Duty`."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hookyard import registry
from hookyard.adapters.database.port import Database, Unit
from hookyard.bootstrap.recovering import Recovering
from hookyard.core.audit.keeping import EVERY_S, Keeper
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey
from hookyard.core.jobs.cron import TICK_S, Cron
from hookyard.core.jobs.election import LEASE_S, Election
from hookyard.core.jobs.scheduler import Duty, Scheduler
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import Clock
from hookyard.settings import Settings

OFFICE = "scheduler"


@dataclass(frozen=True, slots=True)
class Office:
    """What whoever holds the office does; `opening` units run first in every term."""

    duties: tuple[Duty, ...]
    opening: tuple[Callable[[Unit], object], ...]

    def candidate(
        self, database: Database, clock: Clock, boot_id: str, lease_s: float
    ) -> Scheduler:
        """A candidate of this process. A term lasts as long as an attempt's lease, `LEASE_S` at
        most."""
        # why: one process owns a SQLite file, so whoever held the office before is dead.
        alone = database.dialect == "sqlite"
        holder = f"{socket.gethostname()}/{os.getpid()}/{boot_id}"
        election = Election(OFFICE, holder, clock, min(LEASE_S, lease_s), alone=alone)
        return Scheduler(database, election, self.duties, self.opening)


def office_of(
    cron: Cron, ledger: Ledger, recovering: Recovering, *duties: Duty, has_github: bool
) -> Office:
    """The office, with the calendar as its first duty.

    Whenever a term begins, the inventory of a GitHub App is brought up to date and deliveries that
    never arrived are looked for.
    """

    def sync_inventory(unit: Unit) -> None:
        if has_github:
            ledger.enqueue(unit, registry.SYNC_AT_START)

    return Office(
        (Duty("cron", TICK_S, cron.turn), *duties),
        (cron.sync, sync_inventory, partial(recovering.ask, ledger)),
    )


def keeping(settings: Settings, key: AuditKey, audit: Audit, clock: Clock) -> Duty:
    """The duty that seals the audit trail and lets old entries of it go."""
    keeper = Keeper(key, audit, clock, settings.access.audit_keep_days)
    return Duty("audit", EVERY_S, keeper.turn)
