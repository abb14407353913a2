"""The table of idempotency keys: claimed first, completed last, in one transaction.

On Postgres a claim takes an advisory lock without waiting for it, so that a batch never stands
still for a twin that another process has under way; the row alone would make it wait. SQLite has
one writer, so there a twin is always finished.
"""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.adapters.database.walls import wall
from hookyard.core.idempotency.model import (
    BUSY,
    FRESH,
    MISMATCH,
    Claim,
    KeptAnswer,
    Replay,
    Verdict,
)

KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_idempotency_keys_expires_at_ms", "expires_at_ms"),
)
wall(KEYS, "tenant", rights="SELECT, INSERT, UPDATE, DELETE")

PENDING = KeptAnswer(0)
_FIND = RawSql.same(
    "SELECT fingerprint, status, headers, body, expires_at_ms FROM idempotency_keys"
    " WHERE tenant = $1 AND digest = $2 AND expires_at_ms > $3"
)
_PUT = RawSql.same("INSERT OR REPLACE INTO idempotency_keys VALUES ($1, $2, $3, $4, $5, $6, $7)")
_CLAIM = RawSql.same(
    "WITH asked AS (SELECT * FROM unnest($2::text[], $3::text[], $4::int8[], $5::text[],"
    " $6::bytea[], $7::int8[]) AS a (digest, fingerprint, status, headers, body, lock)),"
    " locked AS MATERIALIZED (SELECT asked.*, pg_try_advisory_xact_lock(lock) AS got FROM asked),"
    " put AS (INSERT INTO idempotency_keys AS k"
    " SELECT $1, digest, fingerprint, status, headers, body, $8 FROM locked WHERE got"
    " ON CONFLICT (tenant, digest) DO UPDATE SET fingerprint = excluded.fingerprint,"
    " status = excluded.status, headers = excluded.headers, body = excluded.body,"
    " expires_at_ms = excluded.expires_at_ms WHERE k.expires_at_ms <= $9 RETURNING digest)"
    " SELECT locked.digest, put.digest IS NOT NULL, kept.fingerprint, kept.status, kept.headers,"
    " kept.body, kept.expires_at_ms FROM locked LEFT JOIN put USING (digest)"
    # why: of a table it has not counted the planner may read all, to join it at once.
    " LEFT JOIN LATERAL (SELECT fingerprint, status, headers, body, expires_at_ms"
    " FROM idempotency_keys WHERE tenant = $1 AND digest = locked.digest LIMIT 1) AS kept ON true"
    " AND kept.expires_at_ms > $9"
)
_COMPLETE = RawSql.same(
    "UPDATE idempotency_keys SET status = $3, headers = $4, body = $5"
    " WHERE tenant = $1 AND digest = $2"
)
_DROP = RawSql.same("DELETE FROM idempotency_keys WHERE tenant = $1 AND digest = $2")
_PURGE = RawSql.same(
    "DELETE FROM idempotency_keys WHERE (tenant, digest) IN (SELECT tenant, digest"
    " FROM idempotency_keys WHERE expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2)"
)


def claim(
    unit: Unit, tenant: str, claims: Sequence[Claim], now_ms: int, until_ms: int
) -> Mapping[str, Verdict]:
    """What becomes of each claim, by digest; the digests differ. A fresh one is noted, to be kept
    until `until_ms` if the unit commits."""
    if unit.dialect == "sqlite":
        return {c.digest: _claim_here(unit, tenant, c, now_ms, until_ms) for c in claims}
    ordered = sorted(claims, key=lambda one: one.digest)
    answers = [one.answer or PENDING for one in ordered]
    rows = unit.fetch_raw(
        _CLAIM,
        tenant,
        [one.digest for one in ordered],
        [one.fingerprint for one in ordered],
        [answer.status for answer in answers],
        [_headers(answer) for answer in answers],
        [answer.body for answer in answers],
        [_lock(tenant, one.digest) for one in ordered],
        until_ms,
        now_ms,
    )
    wanted = {one.digest: one.fingerprint for one in ordered}
    return {
        str(digest): FRESH if fresh else _judged(wanted[str(digest)], kept)
        for digest, fresh, *kept in rows
    }


def complete(unit: Unit, tenant: str, digest: str, answer: KeptAnswer) -> None:
    """Keep the answer of a fresh claim."""
    unit.run_raw(_COMPLETE, tenant, digest, answer.status, _headers(answer), answer.body)


def drop(unit: Unit, tenant: str, digest: str) -> None:
    """Let a fresh claim go: its work was refused, and the key may be used again."""
    unit.run_raw(_DROP, tenant, digest)


def purge(unit: Unit, now_ms: int, limit: int) -> int:
    """Remove what is over, `limit` rows at most; how many."""
    return unit.run_raw(_PURGE, now_ms, limit)


def _claim_here(unit: Unit, tenant: str, asked: Claim, now_ms: int, until_ms: int) -> Verdict:
    rows = unit.fetch_raw(_FIND, tenant, asked.digest, now_ms)
    if rows:
        return _judged(asked.fingerprint, rows[0])
    answer = asked.answer or PENDING
    unit.run_raw(
        _PUT, tenant, asked.digest, asked.fingerprint, answer.status, _headers(answer),
        answer.body, until_ms,
    )  # fmt: skip
    return FRESH


def _judged(fingerprint: str, kept: Row | Sequence[object]) -> Verdict:
    found, status, headers, body, until_ms = kept
    if found is None:
        return BUSY
    if found != fingerprint:
        return MISMATCH
    pairs = tuple((str(name), str(value)) for name, value in json.loads(str(headers)))
    assert isinstance(status, int) and isinstance(body, bytes) and isinstance(until_ms, int)  # noqa: S101
    return Replay(KeptAnswer(status, pairs, body), until_ms)


def _headers(answer: KeptAnswer) -> str:
    return json.dumps(answer.headers) if answer.headers else "[]"


def _lock(tenant: str, digest: str) -> int:
    """A number for the advisory lock: digests are hashes already, the tenant is mixed in."""
    mixed = int(digest[:16], 16) ^ int.from_bytes(tenant.encode()[-8:], "big")
    return mixed - (1 << 64) if mixed >= 1 << 63 else mixed
