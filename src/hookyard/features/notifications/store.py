"""Tables `notifications`, `inboxes`, `notification_rules` and `held_messages`, with their SQL.

An inbox's `seq` is given out under its lock, which lasts until the commit: whoever reads up to a
number has seen everything below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.notifications.model import Entry, Recipient, Rule

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("fold_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("repository", Text),
    Column("repository_id", BigInteger),
    Column("number", Integer),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("url", Text),
    Column("count", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("read_at_ms", BigInteger),
    Index("uq_notifications_user_id_fold_key", "user_id", "fold_key", unique=True),
    Index("ix_notifications_user_id_seq", "user_id", "seq"),
    Index("ix_notifications_updated_at_ms", "updated_at_ms"),
)

INBOXES = Table(
    "inboxes",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

RULES = Table(
    "notification_rules",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

HELD = Table(
    "held_messages",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("slack", Text, nullable=False),
    Column("digest_hour", Integer, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("repository", Text),
    Column("held_at_ms", BigInteger, nullable=False),
    Index("ix_held_messages_group", "user_id", "slack", "digest_hour", "time_zone"),
)
_RULES = msgspec.json.Decoder(tuple[Rule, ...])


@dataclass(frozen=True, slots=True)
class Held:
    """A line that waits for its day's summary."""

    id: str
    user_id: str
    slack: str
    digest_hour: int
    time_zone: str
    title: str
    url: str | None
    repository: str | None
    held_at_ms: int


def lock(unit: Unit, user_id: str) -> None:
    """Be alone with an inbox until the transaction ends."""
    unit.lock(f"inbox:{user_id}")


def next_seq(unit: Unit, user_id: str) -> int:
    """The next number of an inbox. Call under its lock."""
    head = head_of(unit, user_id)
    if head:
        unit.run(update(INBOXES).where(INBOXES.c.user_id == user_id).values(seq=head + 1))
    else:
        unit.run(insert(INBOXES).values(user_id=user_id, seq=1))
    return head + 1


def head_of(unit: Unit, user_id: str) -> int:
    """The last number an inbox gave out, 0 for an empty one."""
    row = unit.first(select(INBOXES.c.seq).where(INBOXES.c.user_id == user_id))
    return 0 if row is None else int(row["seq"])


def by_key(unit: Unit, user_id: str, fold_key: str) -> Entry | None:
    """The line of an inbox that a notice folds into."""
    table = NOTIFICATIONS.c
    where = (table.user_id == user_id, table.fold_key == fold_key)
    row = unit.first(select(NOTIFICATIONS).where(*where))
    return None if row is None else _entry(row)


def add(unit: Unit, entry: Entry, fold_key: str) -> None:
    """Store a new line."""
    unit.run(
        insert(NOTIFICATIONS).values(
            id=entry.id,
            user_id=entry.user_id,
            fold_key=fold_key,
            created_at_ms=entry.created_at_ms,
            **_changing(entry),
        )
    )


def save(unit: Unit, entry: Entry) -> None:
    """Store what changed of a line."""
    unit.run(update(NOTIFICATIONS).where(NOTIFICATIONS.c.id == entry.id).values(**_changing(entry)))


def find(unit: Unit, user_id: str, entry_id: str) -> Entry | None:
    """A line of this person's inbox."""
    table = NOTIFICATIONS.c
    row = unit.first(select(NOTIFICATIONS).where(table.id == entry_id, table.user_id == user_id))
    return None if row is None else _entry(row)


def page(unit: Unit, user_id: str, before: int | None, limit: int, *, unread: bool) -> list[Entry]:
    """Lines of an inbox, newest first, below `before`."""
    table = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(table.user_id == user_id)
    if before is not None:
        query = query.where(table.seq < before)
    if unread:
        query = query.where(table.read_at_ms.is_(None))
    return [_entry(row) for row in unit.fetch(query.order_by(table.seq.desc()).limit(limit))]


def after(unit: Unit, user_id: str, seq: int, limit: int) -> list[Entry]:
    """Lines of an inbox that changed past a number, oldest first."""
    table = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(table.user_id == user_id, table.seq > seq)
    return [_entry(row) for row in unit.fetch(query.order_by(table.seq).limit(limit))]


def mark_read(unit: Unit, user_id: str, entry_id: str | None, up_to: int, now_ms: int) -> int:
    """Mark one line read, or (None) all up to a number; how many were unread."""
    table = NOTIFICATIONS.c
    wanted = [table.user_id == user_id, table.read_at_ms.is_(None)]
    wanted.append(table.seq <= up_to if entry_id is None else table.id == entry_id)
    return unit.run(update(NOTIFICATIONS).where(*wanted).values(read_at_ms=now_ms))


def trim(unit: Unit, user_id: str, most: int) -> int:
    """Delete the oldest lines of an inbox that has too many; how many went."""
    table = NOTIFICATIONS.c
    mine = table.user_id == user_id
    counted = unit.first(select(func.count().label("n")).where(mine))
    over = (0 if counted is None else int(counted["n"])) - most
    if over <= 0:
        return 0
    oldest = select(table.seq).where(mine).order_by(table.seq).offset(over - 1).limit(1)
    row = unit.first(oldest)
    if row is None:
        return 0
    return unit.run(delete(NOTIFICATIONS).where(mine, table.seq <= row["seq"]))


def purge(unit: Unit, before_ms: int) -> int:
    """Delete lines that did not change since an instant; how many went."""
    return unit.run(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.updated_at_ms < before_ms))


def rules_of(unit: Unit, user_id: str) -> tuple[Rule, ...] | None:
    """A person's own rules; None where they set none."""
    row = unit.first(select(RULES.c.rules).where(RULES.c.user_id == user_id))
    return None if row is None else _RULES.decode(row["rules"])


def save_rules(unit: Unit, who: Recipient, rules: Sequence[Rule] | None, now_ms: int) -> None:
    """Replace a person's rules; None forgets them."""
    unit.run(delete(RULES).where(RULES.c.user_id == who.user_id))
    if rules is not None:
        text = msgspec.json.encode(tuple(rules)).decode()
        unit.run(
            insert(RULES).values(
                user_id=who.user_id, tenant=who.tenant, rules=text, updated_at_ms=now_ms
            )
        )


def with_rules(unit: Unit, limit: int) -> list[tuple[Recipient, tuple[Rule, ...]]]:
    """Everybody who set rules, in a fixed order."""
    rows = unit.fetch(select(RULES).order_by(RULES.c.user_id).limit(limit))
    return [(Recipient(row["user_id"], row["tenant"]), _RULES.decode(row["rules"])) for row in rows]


def hold(unit: Unit, line: Held) -> None:
    """Keep a line for its day's summary."""
    unit.run(
        insert(HELD).values(
            id=line.id,
            user_id=line.user_id,
            slack=line.slack,
            digest_hour=line.digest_hour,
            time_zone=line.time_zone,
            title=line.title,
            url=line.url,
            repository=line.repository,
            held_at_ms=line.held_at_ms,
        )
    )


def held_groups(unit: Unit) -> list[tuple[str, str, int, str]]:
    """Who is owed a summary, and where: (user, Slack id, hour, time zone)."""
    columns = (HELD.c.user_id, HELD.c.slack, HELD.c.digest_hour, HELD.c.time_zone)
    rows = unit.fetch(select(*columns).distinct().order_by(*columns))
    return [(r["user_id"], r["slack"], r["digest_hour"], r["time_zone"]) for r in rows]


def held_before(
    unit: Unit, group: tuple[str, str, int, str], before_ms: int, limit: int
) -> list[Held]:
    """Lines of a group from before an instant, oldest first."""
    query = select(HELD).where(*_group(group), HELD.c.held_at_ms < before_ms)
    return [
        Held(
            row["id"], row["user_id"], row["slack"], row["digest_hour"], row["time_zone"],
            row["title"], row["url"], row["repository"], row["held_at_ms"],
        )
        for row in unit.fetch(query.order_by(HELD.c.id).limit(limit))
    ]  # fmt: skip


def let_go(unit: Unit, group: tuple[str, str, int, str], before_ms: int) -> int:
    """Delete a group's lines from before an instant; how many went."""
    return unit.run(delete(HELD).where(*_group(group), HELD.c.held_at_ms < before_ms))


def _group(group: tuple[str, str, int, str]) -> tuple[ColumnElement[bool], ...]:
    user_id, slack, hour, zone = group
    return (
        HELD.c.user_id == user_id, HELD.c.slack == slack, HELD.c.digest_hour == hour,
        HELD.c.time_zone == zone,
    )  # fmt: skip


def _changing(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "repository": entry.repository,
        "repository_id": entry.repository_id,
        "number": entry.number,
        "title": entry.title,
        "body": entry.body,
        "url": entry.url,
        "count": entry.count,
        "updated_at_ms": entry.updated_at_ms,
        "read_at_ms": entry.read_at_ms,
    }


def _entry(row: RowMapping) -> Entry:
    return Entry(
        id=row["id"],
        user_id=row["user_id"],
        seq=row["seq"],
        kind=row["kind"],
        repository=row["repository"],
        repository_id=row["repository_id"],
        number=row["number"],
        title=row["title"],
        body=row["body"],
        url=row["url"],
        count=row["count"],
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        read_at_ms=row["read_at_ms"],
    )
