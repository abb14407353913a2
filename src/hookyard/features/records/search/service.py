"""Use case of searching: nearest records of one tenant, exactly or through an index.

Up to EXACT_ROWS records that the filter leaves, or one in EXACT_SHARE of all there are, every one
is measured, so that nothing is missed.
Above that, on Postgres with pgvector and the metric the field is declared with, the index is asked;
should it give fewer than there are, every record is measured after all.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hookyard.adapters.database.port import Database, Row, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.query import store_query
from hookyard.features.records.schema.model import Metric
from hookyard.features.records.search import store_search
from hookyard.features.records.search.request import Search, search_of
from hookyard.features.records.shape import Shape, encode
from hookyard.features.records.trouble import wrong
from hookyard.kit.json import Json

EXACT_ROWS = 20_000
# why: measured, an index misses one in twenty where the filter leaves a hundredth.
EXACT_SHARE, EXACT_AT_MOST = 20, 200_000
AT_ONCE = 2
TIME_S = 20.0
MAX_ANSWER = 16 * 1024 * 1024
FETCHED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Near:
    """A record found: its id, and its score (of L2 the distance)."""

    id: str
    score: float


class Searches:
    """Finds records by vectors. `exact_rows`: see EXACT_ROWS; 0 is always by the index."""

    def __init__(
        self, database: Database, catalog: Catalog, *, exact_rows: int = EXACT_ROWS
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._exact_rows = exact_rows
        # why: a search may take every reader there is, and lists have to go on beside it.
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def find(self, actor: Actor, shape: Shape, roles: int, body: Json) -> bytes:
        """The nearest records, as they are answered, the nearest first."""
        search = search_of(shape, body, roles, self._catalog.known)

        def work(unit: Unit) -> bytes:
            unit.confine(actor.tenant)
            unit.within(TIME_S)
            near, is_exact = self._near(unit, actor.tenant, search)
            items = _records(unit, actor.tenant, search, near)
            return encode(
                {
                    "items": items,
                    "field": search.field.name,
                    "metric": search.metric.value,
                    "exact": is_exact,
                }
            )

        async with self._turns:
            return await self._database.read(work)

    def _near(self, unit: Unit, tenant: str, search: Search) -> tuple[list[Near], bool]:
        shape = search.shape
        has_index = shape.dialect == "postgresql" and shape.pgvector
        if has_index and search.metric is search.field.metric:
            least = max(self._exact_rows, search.k) + 1
            if self._exact_rows:
                share = store_search.rows_about(unit, search) // EXACT_SHARE
                least = max(least, min(EXACT_AT_MOST, share) + 1)
            if store_search.at_least(unit, tenant, search, least):
                rows = store_search.through_index(unit, tenant, search)
                if len(rows) == search.k:
                    return scored(rows, search), False
        return scored(store_search.exact(unit, tenant, search), search), True


def scored(rows: Sequence[Row], search: Search) -> list[Near]:
    """Rows of ids and distances as scores; without those past the threshold, and without those
    that cannot be compared, as a vector of zeros by its direction."""
    found: list[Near] = []
    for record_id, far in rows:
        if not isinstance(far, int | float) or not math.isfinite(far):
            continue
        score = score_of(far, search.metric)
        if search.threshold is None or _is_within(score, search):
            found.append(Near(str(record_id), score))
    return found


def score_of(far: float, metric: Metric) -> float:
    """A distance as a score."""
    match metric:
        case Metric.COSINE:
            return min(1.0, max(-1.0, 1 - far))
        case Metric.IP:
            return 0.0 if far == 0 else -far
        case Metric.L2:
            return far


def _is_within(score: float, search: Search) -> bool:
    assert search.threshold is not None  # noqa: S101
    if search.metric is Metric.L2:
        return score <= search.threshold
    return score >= search.threshold


def _records(
    unit: Unit, tenant: str, search: Search, near: Sequence[Near]
) -> list[dict[str, object]]:
    """The records found, each with its score; Invalid when they are too much for one answer."""
    named = search.shape.named(search.view)
    items: list[dict[str, object]] = []
    size = 0
    for start in range(0, len(near), FETCHED_AT_ONCE):
        part = near[start : start + FETCHED_AT_ONCE]
        rows = store_query.many(unit, search.shape, named, tenant, [one.id for one in part])
        by_id = {str(row[-1]): encode(search.view.record(row[:-1])) for row in rows}
        for one in part:
            record = by_id[one.id]
            size += len(record)
            items.append({"score": one.score, "record": msgspec.Raw(record)})
        if size > MAX_ANSWER:
            raise wrong(
                "/k", "answer_too_large",
                f"the records found are over {MAX_ANSWER} bytes; ask for fewer, or `select` less",
            )  # fmt: skip
    return items
