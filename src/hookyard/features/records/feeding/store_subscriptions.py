"""Subscriptions, and the changes they gave up on."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Row, SqlValue, Unit
from hookyard.adapters.database.walls import wall
from hookyard.core.identity.model import Role
from hookyard.features.records.feeding.model import Subscription, SubscriptionState, Undelivered

SUBSCRIPTIONS = Table(
    "records_subscriptions",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sink", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("acked", BigInteger, nullable=False),
    Column("replay_next", BigInteger),
    Column("replay_to", BigInteger),
    Column("job_id", Text),
    Column("in_a_row", BigInteger, nullable=False),
    Column("secret", LargeBinary),
    Column("former", LargeBinary),
    Column("former_until_ms", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("sent_at_ms", BigInteger),
    Column("last_error", Text, nullable=False),
)
UNDELIVERED = Table(
    "records_undelivered",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("subscription", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
for _table in (SUBSCRIPTIONS, UNDELIVERED):
    wall(_table, "tenant", rights="SELECT, INSERT, UPDATE, DELETE")

_NAMES = tuple(column.name for column in SUBSCRIPTIONS.columns)
_COLUMNS = ", ".join(_NAMES)
_PLACES = ", ".join(f"${n}" for n in range(1, len(_NAMES) + 1))
_ADD = RawSql.same(f"INSERT INTO records_subscriptions ({_COLUMNS}) VALUES ({_PLACES})")
_ONE = f"SELECT {_COLUMNS} FROM records_subscriptions WHERE tenant = $1 AND id = $2"
_GET = RawSql.same(_ONE)
_LOCK = RawSql(_ONE, f"{_ONE} FOR UPDATE")
_LIST = RawSql.same(f"SELECT {_COLUMNS} FROM records_subscriptions WHERE tenant = $1 ORDER BY id")
_COUNT = RawSql.same("SELECT count(*) FROM records_subscriptions WHERE tenant = $1")
_DROP = RawSql.same("DELETE FROM records_subscriptions WHERE tenant = $1 AND id = $2")
_DUE = RawSql.same(
    "SELECT s.tenant, s.id FROM records_subscriptions s"
    " LEFT JOIN records_heads h ON h.tenant = s.tenant"
    " WHERE s.state = 'active' AND s.job_id IS NULL"
    " AND (s.acked < coalesce(h.seq, 0) OR s.replay_next IS NOT NULL)"
    " ORDER BY s.tenant, s.id LIMIT $1"
)
_WORKED_ON = RawSql.same(
    "SELECT tenant, id, job_id FROM records_subscriptions WHERE job_id IS NOT NULL"
    " ORDER BY tenant, id"
)
_PUT_ASIDE = RawSql.same(
    "INSERT INTO records_undelivered (tenant, subscription, seq, reason, tries, at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, subscription, seq)"
    " DO UPDATE SET reason = excluded.reason, tries = excluded.tries, at_ms = excluded.at_ms"
)
_SENT_AFTER_ALL = RawSql.same(
    "DELETE FROM records_undelivered WHERE tenant = $1 AND subscription = $2"
    " AND seq >= $3 AND seq <= $4"
)
_ASIDE = RawSql.same(
    "SELECT seq, reason, tries, at_ms FROM records_undelivered"
    " WHERE tenant = $1 AND subscription = $2 AND seq > $3 ORDER BY seq LIMIT $4"
)
_ASIDE_COUNT = RawSql.same(
    "SELECT subscription, count(*) FROM records_undelivered WHERE tenant = $1 GROUP BY subscription"
)
_DROP_ASIDE = RawSql.same("DELETE FROM records_undelivered WHERE tenant = $1 AND subscription = $2")
_FORGET_ASIDE = RawSql.same("DELETE FROM records_undelivered WHERE at_ms < $1")


def add(unit: Unit, subscription: Subscription) -> None:
    """Store a new one."""
    s = subscription
    unit.run_raw(
        _ADD, s.tenant, s.id, s.name, s.sink, s.url, json.dumps(s.entities), s.role.value,
        s.state.value, s.reason, s.acked, s.replay_next, s.replay_to, s.job_id, s.in_a_row,
        s.secret, s.former, s.former_until_ms, s.created_at_ms, s.created_by, s.changed_at_ms,
        s.sent_at_ms, s.last_error,
    )  # fmt: skip


def get(
    unit: Unit, tenant: str, subscription_id: str, *, lock: bool = False
) -> Subscription | None:
    """The one of this id; with `lock` nobody else changes it until the unit ends."""
    rows = unit.fetch_raw(_LOCK if lock else _GET, tenant, subscription_id)
    return _subscription(rows[0]) if rows else None


def all_of(unit: Unit, tenant: str) -> Sequence[Subscription]:
    """Every one of a tenant, oldest first."""
    return [_subscription(row) for row in unit.fetch_raw(_LIST, tenant)]


def count(unit: Unit, tenant: str) -> int:
    """How many a tenant has."""
    return int(str(unit.fetch_raw(_COUNT, tenant)[0][0]))


def change(unit: Unit, tenant: str, subscription_id: str, values: Mapping[str, SqlValue]) -> None:
    """Set columns of one that is locked."""
    unknown = values.keys() - set(_NAMES)
    if unknown:
        raise ValueError(f"no columns: {unknown}")
    pairs = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 3))
    sql = RawSql.same(f"UPDATE records_subscriptions SET {pairs} WHERE tenant = $1 AND id = $2")
    unit.run_raw(sql, tenant, subscription_id, *values.values())


def drop(unit: Unit, tenant: str, subscription_id: str) -> bool:
    """Forget one and what it gave up on; whether it was there."""
    unit.run_raw(_DROP_ASIDE, tenant, subscription_id)
    return unit.run_raw(_DROP, tenant, subscription_id) == 1


def due(unit: Unit, limit: int) -> Sequence[tuple[str, str]]:
    """Tenant and id of active ones that nobody works on and that have something to send."""
    return [(str(tenant), str(one)) for tenant, one in unit.fetch_raw(_DUE, limit)]


def worked_on(unit: Unit) -> Sequence[tuple[str, str, str]]:
    """Tenant, id and job of those that a job was made for."""
    return [(str(t), str(one), str(job)) for t, one, job in unit.fetch_raw(_WORKED_ON)]


def put_aside(unit: Unit, tenant: str, subscription_id: str, gone: Undelivered) -> None:
    """Keep that a change was given up on."""
    unit.run_raw(_PUT_ASIDE, tenant, subscription_id, gone.seq, gone.reason, gone.tries, gone.at_ms)


def sent_after_all(unit: Unit, tenant: str, subscription_id: str, first: int, last: int) -> None:
    """Changes in a range were sent; they are given up on no longer."""
    unit.run_raw(_SENT_AFTER_ALL, tenant, subscription_id, first, last)


def aside(
    unit: Unit, tenant: str, subscription_id: str, after: int, limit: int
) -> Sequence[Undelivered]:
    """What one gave up on, in order."""
    rows = unit.fetch_raw(_ASIDE, tenant, subscription_id, after, limit)
    return [Undelivered(*row) for row in rows]  # type: ignore[arg-type]


def purge(unit: Unit, before_ms: int) -> int:
    """Forget what was given up on before an instant; how many."""
    return unit.run_raw(_FORGET_ASIDE, before_ms)


def aside_counts(unit: Unit, tenant: str) -> Mapping[str, int]:
    """How many changes each gave up on."""
    return {str(one): int(str(n)) for one, n in unit.fetch_raw(_ASIDE_COUNT, tenant)}


def _subscription(row: Row) -> Subscription:
    values = dict(zip(_NAMES, row, strict=True))
    values["entities"] = tuple(json.loads(str(values["entities"])))  # type: ignore[assignment]
    values["role"] = Role(str(values["role"]))
    values["state"] = SubscriptionState(str(values["state"]))
    return Subscription(**values)  # type: ignore[arg-type]
