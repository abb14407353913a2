"""The data gateway: its rooms put together, and the built-in entities applied at start."""

import logging
from dataclasses import dataclass

from hookyard.adapters.database.backends.sqlite_vectors import distances
from hookyard.adapters.database.port import Database
from hookyard.core.audit.service import Audit
from hookyard.core.idempotency.service import Idempotency
from hookyard.features.records.bulk.exporting import Exports
from hookyard.features.records.bulk.importing import Imports
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.documents.service import Documents
from hookyard.features.records.feed import Feed
from hookyard.features.records.feeding.consumers import Consumers
from hookyard.features.records.gateway import Gateway
from hookyard.features.records.query.service import Reads
from hookyard.features.records.schema.applying import Applying
from hookyard.features.records.schema.service import Schemas
from hookyard.features.records.search.service import Searches
from hookyard.features.records.writing.service import Writes
from hookyard.features.records.writing.transact import Transact
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError
from hookyard.kit.ids import IdMaker

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Records:
    """What a process needs to serve records."""

    gateway: Gateway
    catalog: Catalog
    schemas: Schemas
    writes: Writes
    reads: Reads
    feed: Feed

    async def vectors(self) -> str:
        """By what vectors are compared: `sqlite-vec` or `plain` on SQLite, `pgvector` or `arrays`
        on Postgres, `unknown` before any entity is applied."""
        if self.catalog.dialect == "sqlite":
            return distances()
        if self.catalog.version == 0:
            try:
                await self.catalog.look()
            except HookyardError:
                return "unknown"
        return "pgvector" if self.catalog.pgvector else "arrays"


def open_records(database: Database, audit: Audit, ids: IdMaker, clock: Clock) -> Records:
    """The gateway over a database; nothing is read yet."""
    catalog = Catalog(database, clock)
    reads = Reads(database, catalog)
    writes = Writes(database, Idempotency(), audit, ids, clock)
    feed = Feed(database, catalog, clock)
    searches = Searches(database, catalog)
    gateway = Gateway(
        catalog, reads, writes, Transact(writes, catalog), feed, Documents(catalog), searches,
        Imports(writes), Exports(database, catalog),
    )  # fmt: skip
    gateway.desks["_consumers"] = Consumers(database, feed, audit, clock)
    return Records(gateway, catalog, Schemas(audit), writes, reads, feed)


async def apply_built_in(database: Database, ids: IdMaker, clock: Clock) -> bool:
    """Make the tables of the built-in entities, or bring them up to date; whether anything
    changed. ConfigurationError when Postgres cannot keep tenants apart."""
    return await Applying(database, Schemas(Audit(ids)), clock, _LOG.info).apply_built_in()
