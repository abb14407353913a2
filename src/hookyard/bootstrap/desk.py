"""The desk of outside agents, put together from the rooms it serves."""

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.bootstrap.engine import READY
from hookyard.bootstrap.listeners import EndListeners, Waker
from hookyard.core.jobs.leases import Leases
from hookyard.core.jobs.leases_desk import LeaseDesk, MaskOf
from hookyard.core.jobs.leases_model import LeaseLimits
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.service import Publisher
from hookyard.settings import Settings


def lease_desk(
    settings: Settings,
    database: Database,
    ledger: Ledger,
    publisher: Publisher,
    endings: EndListeners,
    files: JobLogFiles,
    waker: Waker,
    mask: MaskOf,
) -> LeaseDesk:
    """A desk that hears of work made ready in any process."""
    work = settings.worker
    limits = LeaseLimits(work.leases_per_key, work.leases_per_owner, work.lease_s)
    leases = Leases(
        ledger,
        limits,
        reserved=registry.SERVER_KINDS,
        finishers=registry.finishers(publisher),
        wake=waker,
    )
    desk = LeaseDesk(database, leases, ledger.clock, observe=endings, files=files, mask=mask)
    database.listen(READY, desk.ring)
    return desk
