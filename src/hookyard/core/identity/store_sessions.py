"""The table of sessions, and every statement on it."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, RowMapping, Table, Text, delete, insert, select

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.identity.users import Held, Identity, Session, User

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("token_sha256", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_sessions_token_sha256", "token_sha256", unique=True),
    Index("ix_sessions_user_id_id", "user_id", "id"),
    Index("ix_sessions_expires_at_ms", "expires_at_ms"),
)

_HELD = RawSql.same(
    "SELECT s.id, s.token_sha256, s.user_id, s.tenant, s.issuer, s.subject, s.mark, s.client,"
    " s.created_at_ms, s.seen_at_ms, s.expires_at_ms,"
    " u.login, u.name, u.email, u.avatar_url, u.created_at_ms, u.signed_in_at_ms, i.login"
    " FROM sessions s JOIN users u ON u.id = s.user_id"
    " JOIN identities i ON i.issuer = s.issuer AND i.subject = s.subject"
    " WHERE s.token_sha256 = $1"
)
_TOUCH = RawSql.same("UPDATE sessions SET seen_at_ms = $1 WHERE id = $2 AND seen_at_ms < $3")


def add(unit: Unit, session: Session) -> None:
    """Store a new session."""
    unit.run(
        insert(SESSIONS).values(
            id=session.id,
            token_sha256=session.token_sha256,
            user_id=session.user_id,
            tenant=session.tenant,
            issuer=session.issuer,
            subject=session.subject,
            mark=session.mark,
            client=session.client,
            created_at_ms=session.created_at_ms,
            seen_at_ms=session.seen_at_ms,
            expires_at_ms=session.expires_at_ms,
        )
    )


def held(unit: Unit, token_sha256: str) -> Held | None:
    """The session of a cookie, with its user and identity, whatever its age."""
    rows = unit.fetch_raw(_HELD, token_sha256)
    if not rows:
        return None
    row = rows[0]
    session = Session(*row[:11])  # type: ignore[arg-type]
    user = User(session.user_id, session.tenant, *row[11:17])  # type: ignore[arg-type]
    identity = Identity(session.issuer, session.subject, session.user_id, str(row[17]))
    return Held(session, user, identity)


def find(unit: Unit, session_id: str) -> Session | None:
    """A session by its public id."""
    row = unit.first(select(SESSIONS).where(SESSIONS.c.id == session_id))
    return None if row is None else _session(row)


def page(unit: Unit, user_id: str, before: str | None, limit: int) -> Sequence[Session]:
    """Sessions of a user, newest first, below `before`."""
    query = select(SESSIONS).where(SESSIONS.c.user_id == user_id)
    if before is not None:
        query = query.where(SESSIONS.c.id < before)
    return [_session(row) for row in unit.fetch(query.order_by(SESSIONS.c.id.desc()).limit(limit))]


def touch(unit: Unit, session_id: str, now_ms: int, older_than_ms: int) -> bool:
    """Note that a session was used, unless that was noted since `older_than_ms`."""
    return bool(unit.run_raw(_TOUCH, now_ms, session_id, older_than_ms))


def remove(unit: Unit, session_id: str) -> bool:
    """Delete a session; False when it was gone already."""
    return bool(unit.run(delete(SESSIONS).where(SESSIONS.c.id == session_id)))


def remove_all(unit: Unit, user_id: str, but: str | None) -> int:
    """Delete every session of a user but one; how many went."""
    query = delete(SESSIONS).where(SESSIONS.c.user_id == user_id)
    if but is not None:
        query = query.where(SESSIONS.c.id != but)
    return unit.run(query)


def remove_expired(unit: Unit, now_ms: int, idle_before_ms: int) -> int:
    """Delete sessions that are over; how many went."""
    table = SESSIONS.c
    ended = (table.expires_at_ms <= now_ms) | (table.seen_at_ms <= idle_before_ms)
    return unit.run(delete(SESSIONS).where(ended))


def _session(row: RowMapping) -> Session:
    return Session(
        id=row["id"],
        token_sha256=row["token_sha256"],
        user_id=row["user_id"],
        tenant=row["tenant"],
        issuer=row["issuer"],
        subject=row["subject"],
        mark=row["mark"],
        client=row["client"],
        created_at_ms=row["created_at_ms"],
        seen_at_ms=row["seen_at_ms"],
        expires_at_ms=row["expires_at_ms"],
    )
