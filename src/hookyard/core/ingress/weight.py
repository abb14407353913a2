"""What stored deliveries weigh, by repository: their bodies as they were received."""

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.blobs.model import Weighed

PORTION = 5_000
_PORTION = RawSql.same(
    "SELECT coalesce(repository, ''), sum(payload_size), max(id), count(*) FROM (SELECT id,"
    " repository, payload_size FROM deliveries WHERE id > $1 ORDER BY id LIMIT $2) AS portion"
    " GROUP BY coalesce(repository, '')"
)


def weigh_deliveries(unit: Unit, after: str) -> Weighed:
    """A portion of the deliveries, from the one after this id."""
    sizes: dict[str, int] = {}
    last, seen = after, 0
    for repository, size, newest, count in unit.fetch_raw(_PORTION, after, PORTION):
        name = str(repository).lower()
        sizes[name] = sizes.get(name, 0) + int(str(size))
        last, seen = max(last, str(newest)), seen + int(str(count))
    return Weighed(sizes, last if seen == PORTION else None)
