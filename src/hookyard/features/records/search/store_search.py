"""The statements of a search; every one names the tenant first.

How far a record is from the vector is computed by the engine: on Postgres by pgvector, or from
plain arrays where the extension is not at hand; on SQLite by `vec_distance_*`, see
`adapters/database/backends/sqlite_vectors`.
"""

from hookyard.adapters.database.port import RawParam, RawSql, Row, Unit
from hookyard.features.records.query.builder import TENANT
from hookyard.features.records.query.plan import BASE
from hookyard.features.records.schema.ddl import quoted
from hookyard.features.records.schema.model import Metric
from hookyard.features.records.search.request import Search

EF_SEARCH_LEAST, EF_SEARCH_MOST = 400, 1_000
SCAN_AT_MOST = 200_000
_OPERATORS = {Metric.COSINE: "<=>", Metric.L2: "<->", Metric.IP: "<#>"}
# spec: pgvector, Iterative Index Scans: relaxed order finds more, and is put in order afterwards.
# why: a plan that sorts, or reads the table, would not go through the index of vectors.
_THROUGH_INDEX = RawSql.same(
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    " set_config('hnsw.ef_search', $1, true), set_config('hnsw.max_scan_tuples', $2, true),"
    " set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_sort', 'off', true)"
)
_ROWS_ABOUT = RawSql.same("SELECT reltuples::bigint FROM pg_class WHERE oid = $1::text::regclass")
_AS_EVER = RawSql.same(
    "SELECT set_config('enable_seqscan', 'on', true),"
    " set_config('enable_bitmapscan', 'on', true), set_config('enable_sort', 'on', true)"
)


def rows_about(unit: Unit, search: Search) -> int:
    """How many rows of all tenants the table has, as Postgres last counted."""
    found = unit.fetch_raw(_ROWS_ABOUT, search.shape.entity.table)
    return int(str(found[0][0])) if found else 0


def at_least(unit: Unit, tenant: str, search: Search, count: int) -> bool:
    """Whether the filter leaves so many records; it looks at no more than that fit."""
    text = (
        f"SELECT count(*) FROM (SELECT 1 FROM {search.shape.entity.table} AS {BASE}"
        f" WHERE {_base(search)} LIMIT {count}) AS slice"
    )
    found = unit.fetch_raw(RawSql.same(text), tenant, *search.params)[0][0]
    return found == count


def exact(unit: Unit, tenant: str, search: Search) -> list[Row]:
    """The ids of the nearest `k` and how far they are; every record is measured. Who is as far
    stands in the order of ids."""
    sqlite, postgresql = _far(search)
    order = f"ORDER BY _far NULLS LAST, _id LIMIT {search.k}"
    head = f"FROM {search.shape.entity.table} AS {BASE} WHERE {_base(search)} {order}"
    text = f"SELECT {BASE}._id AS _id, %s AS _far {head}"
    # why: with a term added it is not the expression of the index, which must not be used here.
    return unit.fetch_raw(
        RawSql(text % sqlite, text % f"({postgresql}) + 0.0::float8"),
        tenant, *_bound(unit, search),
    )  # fmt: skip


def through_index(unit: Unit, tenant: str, search: Search) -> list[Row]:
    """The same through the index of vectors, which may miss some: Postgres with pgvector only."""
    ef_search = min(EF_SEARCH_MOST, max(EF_SEARCH_LEAST, 2 * search.k))
    unit.fetch_raw(_THROUGH_INDEX, str(ef_search), str(SCAN_AT_MOST))
    far = _far(search)[1]
    # why: the scan ends with the last row asked for, and the nearest may come after others.
    text = (
        f"SELECT _id, _far FROM (SELECT {BASE}._id AS _id, {far} AS _far"
        f" FROM {search.shape.entity.table} AS {BASE} WHERE {_base(search)}"
        f" ORDER BY {far} LIMIT {4 * search.k + 40}) AS near ORDER BY _far, _id LIMIT {search.k}"
    )
    found = unit.fetch_raw(RawSql.same(text), tenant, *_bound(unit, search))
    unit.fetch_raw(_AS_EVER)
    return found


def _base(search: Search) -> str:
    column = f"{BASE}.{quoted(search.field.column)}"
    fits = f" AND ({search.fits})" if search.fits else ""
    return f"{BASE}._tenant = {TENANT}{search.shape.alive} AND {column} IS NOT NULL{fits}"


def _bound(unit: Unit, search: Search) -> tuple[RawParam, ...]:
    if unit.dialect == "sqlite":
        zeros = bytes(4 * len(search.vector)) if search.metric is Metric.IP else None
        more: tuple[RawParam, ...] = (search.raw,) if zeros is None else (search.raw, zeros)
        return (*search.params, *more)
    text = search.text if search.shape.pgvector else "{" + search.text[1:-1] + "}"
    return (*search.params, text)


def _far(search: Search) -> tuple[str, str]:
    """How far a record is, as SQL of each engine: small is near."""
    column = f"{BASE}.{quoted(search.field.column)}"
    first = len(search.params) + 2
    place = f"${first}"
    # why: in a select of its own the vector is read once; a plan for any vector would read it from
    # its text for every row.
    native = f"{column} {_OPERATORS[search.metric]} (SELECT {place}::text::vector)"
    postgresql = native if search.shape.pgvector else _of_arrays(column, place, search.metric)
    cosine = f"vec_distance_cosine({column}, {place})"
    euclidean = f"vec_distance_L2({column}, {place})"
    if search.metric is Metric.COSINE:
        return cosine, postgresql
    if search.metric is Metric.L2:
        return euclidean, postgresql
    length = f"vec_distance_L2({column}, ${first + 1})"
    own = f"vec_distance_L2({place}, ${first + 1})"
    # spec: a product is the cosine times both lengths.
    return f"coalesce(({cosine} - 1) * {length} * {own}, 0.0)", postgresql


def _of_arrays(column: str, place: str, metric: Metric) -> str:
    match metric:
        case Metric.COSINE:
            sums = "1 - sum(a * b) / nullif(sqrt(sum(a * a)) * sqrt(sum(b * b)), 0)"
        case Metric.L2:
            sums = "sqrt(sum((a - b) * (a - b)))"
        case Metric.IP:
            sums = "-sum(a * b)"
    listed = f"unnest({column}::float8[], (SELECT {place}::text::float8[])) AS pair (a, b)"
    return f"(SELECT {sums} FROM {listed})"
