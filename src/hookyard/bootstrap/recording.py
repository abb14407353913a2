"""The data gateway: its rooms put together, and the built-in entities applied at start."""

from dataclasses import dataclass

from hookyard.adapters.database.port import Database
from hookyard.core.audit.service import Audit
from hookyard.core.idempotency.service import Idempotency
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.feed import Feed
from hookyard.features.records.feeding.consumers import Consumers
from hookyard.features.records.gateway import Gateway
from hookyard.features.records.query.service import Reads
from hookyard.features.records.schema.service import Schemas
from hookyard.features.records.writing.service import Writes
from hookyard.features.records.writing.transact import Transact
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker


@dataclass(frozen=True, slots=True)
class Records:
    """What a process needs to serve records."""

    gateway: Gateway
    catalog: Catalog
    schemas: Schemas
    writes: Writes
    reads: Reads
    feed: Feed


def open_records(database: Database, audit: Audit, ids: IdMaker, clock: Clock) -> Records:
    """The gateway over a database; nothing is read yet."""
    catalog = Catalog(database, clock)
    reads = Reads(database, catalog)
    writes = Writes(database, Idempotency(), audit, ids, clock)
    feed = Feed(database, catalog, clock)
    gateway = Gateway(catalog, reads, writes, Transact(writes, catalog), feed)
    gateway.desks["_consumers"] = Consumers(database, feed, audit, clock)
    return Records(gateway, catalog, Schemas(audit), writes, reads, feed)


async def apply_built_in(database: Database, ids: IdMaker, clock: Clock) -> bool:
    """Make the tables of the built-in entities, or bring them up to date; whether anything
    changed. ConfigurationError when Postgres cannot keep tenants apart."""
    schemas = Schemas(Audit(ids))
    return await database.write(lambda unit: schemas.apply_built_in(unit, clock.now_ms()))
