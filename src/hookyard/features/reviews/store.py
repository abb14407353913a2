"""Tables of pull requests, their links, flags and marks by hand, and every statement on them.

Verdicts are in `store_verdicts`. Repositories are compared in lower case, as GitHub does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    and_,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.reviews.model import Flag, Link, Mark, Policy, Pull

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("repository_key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("draft", Integer, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("head_repository", Text, nullable=False),
    Column("base_ref", Text, nullable=False),
    Column("base_sha", Text, nullable=False),
    Column("body_sha", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    Column("verdict_id", Text),
    Column("effect_id", Text),
    Column("judged_at_ms", BigInteger),
    Index("uq_reviews_repository_number", "repository_key", "number", unique=True),
    Index("ix_reviews_repository_key_head_sha", "repository_key", "head_sha"),
)

LINKS = Table(
    "review_links",
    METADATA,
    Column("review_id", Text, ForeignKey("reviews.id"), primary_key=True),
    Column("repository_key", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("confidence", Text, nullable=False),
    Column("found_at_ms", BigInteger, nullable=False),
    Column("removed_at_ms", BigInteger),
    Column("released_by", Text),
    Index("ix_review_links_repository_key_number", "repository_key", "number"),
)

MARKS = Table(
    "review_marks",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository_key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("criterion_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at_ms", BigInteger),
    Index("ix_review_marks_repository_key_number", "repository_key", "number"),
)

FLAGS = Table(
    "review_flags",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("review_id", Text, ForeignKey("reviews.id"), nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("forced", Integer, nullable=False),
    Column("verdict_id", Text),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_review_flags_review_id_id", "review_id", "id"),
)

POLICIES = msgspec.json.Decoder(Policy)


@dataclass(frozen=True, slots=True)
class Review:
    """A pull request as kept: GitHub's word, the policy, and the newest verdict and check."""

    id: str
    pull: Pull
    body_sha: str
    policy: Policy
    recorded_at_ms: int
    verdict_id: str | None = None
    effect_id: str | None = None
    judged_at_ms: int | None = None


def lock(unit: Unit, repository: str, number: int) -> None:
    """Let no other unit change this review until this one ends."""
    unit.lock(f"review:{repository.lower()}#{number}")


def find(unit: Unit, repository: str, number: int) -> Review | None:
    """A pull request by its number."""
    row = unit.first(
        select(REVIEWS).where(
            REVIEWS.c.repository_key == repository.lower(), REVIEWS.c.number == number
        )
    )
    return None if row is None else _review(row)


def by_head(unit: Unit, repository: str, head_sha: str) -> Sequence[Review]:
    """Pull requests of a repository whose head is this commit, by number."""
    rows = unit.fetch(
        select(REVIEWS)
        .where(REVIEWS.c.repository_key == repository.lower(), REVIEWS.c.head_sha == head_sha)
        .order_by(REVIEWS.c.number)
    )
    return [_review(row) for row in rows]


def by_issue(unit: Unit, repository: str, number: int, limit: int) -> Sequence[Review]:
    """Open pull requests that are linked to an issue, or were until their link was removed."""
    rows = unit.fetch(
        select(REVIEWS)
        .join(LINKS, LINKS.c.review_id == REVIEWS.c.id)
        .where(
            LINKS.c.repository_key == repository.lower(),
            LINKS.c.number == number,
            REVIEWS.c.state == "open",
        )
        .order_by(REVIEWS.c.id)
        .limit(limit)
    )
    return [_review(row) for row in rows]


def page(
    unit: Unit, repository: str, state: str | None, before: int | None, limit: int
) -> Sequence[Review]:
    """Pull requests of a repository, highest number first, below `before`."""
    query = (
        select(REVIEWS)
        .where(REVIEWS.c.repository_key == repository.lower())
        .order_by(REVIEWS.c.number.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(REVIEWS.c.state == state)
    if before is not None:
        query = query.where(REVIEWS.c.number < before)
    return [_review(row) for row in unit.fetch(query)]


def save(unit: Unit, review: Review) -> None:
    """Store a review as it stands now."""
    values = _values(review)
    if not unit.run(update(REVIEWS).where(REVIEWS.c.id == review.id).values(values)):
        unit.run(insert(REVIEWS).values(values))


def links(unit: Unit, review_id: str) -> tuple[Link, ...]:
    """A review's links by number, those that were removed too, unless somebody released them."""
    rows = unit.fetch(
        select(LINKS)
        .where(LINKS.c.review_id == review_id, LINKS.c.released_by.is_(None))
        .order_by(LINKS.c.repository_key, LINKS.c.number)
    )
    return tuple(
        Link(
            row["repository"],
            row["number"],
            row["how"],
            row["confidence"],
            removed=row["removed_at_ms"] is not None,
        )
        for row in rows
    )


def save_links(unit: Unit, review_id: str, found: Sequence[Link], now_ms: int) -> None:
    """Keep what was found, and note on every other link that it was removed."""
    known = {(link.repository.lower(), link.number) for link in links(unit, review_id)}
    standing = {(link.repository.lower(), link.number): link for link in found}
    for key in known - standing.keys():
        unit.run(
            update(LINKS)
            .where(_link(review_id, *key), LINKS.c.removed_at_ms.is_(None))
            .values(removed_at_ms=now_ms)
        )
    for key, link in sorted(standing.items()):
        shown = {"how": link.how, "confidence": link.confidence, "repository": link.repository}
        again = {"removed_at_ms": None, "released_by": None}
        if unit.run(update(LINKS).where(_link(review_id, *key)).values({**shown, **again})):
            continue
        row = {"review_id": review_id, "repository_key": key[0], "number": key[1]}
        unit.run(insert(LINKS).values({**row, **shown, **again, "found_at_ms": now_ms}))


def release_link(unit: Unit, review_id: str, repository: str, number: int, by: str) -> int:
    """Somebody agrees that a removed link is gone; how many links that were."""
    where = _link(review_id, repository.lower(), number)
    removed = and_(where, LINKS.c.removed_at_ms.is_not(None), LINKS.c.released_by.is_(None))
    return unit.run(update(LINKS).where(removed).values(released_by=by))


def add_mark(unit: Unit, mark_id: str, repository: str, mark: Mark) -> None:
    """Keep that somebody checked a criterion by hand."""
    unit.run(
        insert(MARKS).values(
            id=mark_id,
            repository_key=repository.lower(),
            number=mark.issue,
            criterion_id=mark.criterion_id,
            revision=mark.revision,
            by_actor=mark.by,
            reason=mark.reason,
            at_ms=mark.at_ms,
        )
    )


def withdraw_marks(
    unit: Unit, repository: str, number: int, criterion_id: str, by: str, now_ms: int
) -> int:
    """Take back every mark on a criterion; how many there were."""
    where = and_(
        MARKS.c.repository_key == repository.lower(),
        MARKS.c.number == number,
        MARKS.c.criterion_id == criterion_id,
        MARKS.c.withdrawn_at_ms.is_(None),
    )
    return unit.run(update(MARKS).where(where).values(withdrawn_by=by, withdrawn_at_ms=now_ms))


def marks(unit: Unit, repository: str, numbers: Sequence[int]) -> tuple[Mark, ...]:
    """Marks by hand on the criteria of issues that nobody took back, oldest first."""
    rows = unit.fetch(
        select(MARKS)
        .where(
            MARKS.c.repository_key == repository.lower(),
            MARKS.c.number.in_(numbers),
            MARKS.c.withdrawn_at_ms.is_(None),
        )
        .order_by(MARKS.c.id)
    )
    return tuple(
        Mark(
            row["number"],
            row["criterion_id"],
            row["revision"],
            row["by_actor"],
            row["reason"],
            row["at_ms"],
        )
        for row in rows
    )


def add_flag(unit: Unit, review_id: str, flag: Flag) -> None:
    """Keep that somebody flagged a commit for merge."""
    unit.run(
        insert(FLAGS).values(
            id=flag.id,
            review_id=review_id,
            head_sha=flag.head_sha,
            by_actor=flag.by,
            reason=flag.reason,
            forced=int(flag.forced),
            verdict_id=flag.verdict_id,
            at_ms=flag.at_ms,
        )
    )


def flags(unit: Unit, review_id: str, limit: int) -> tuple[Flag, ...]:
    """Flags of a pull request, newest first."""
    rows = unit.fetch(
        select(FLAGS).where(FLAGS.c.review_id == review_id).order_by(FLAGS.c.id.desc()).limit(limit)
    )
    return tuple(
        Flag(
            row["id"],
            row["head_sha"],
            row["by_actor"],
            row["reason"],
            forced=bool(row["forced"]),
            verdict_id=row["verdict_id"],
            at_ms=row["at_ms"],
        )
        for row in rows
    )


def _link(review_id: str, repository_key: str, number: int) -> ColumnElement[bool]:
    return and_(
        LINKS.c.review_id == review_id,
        LINKS.c.repository_key == repository_key,
        LINKS.c.number == number,
    )


def _values(review: Review) -> dict[str, str | int | None]:
    pull = review.pull
    return {
        "id": review.id,
        "repository": pull.repository,
        "repository_key": pull.repository.lower(),
        "number": pull.number,
        "title": pull.title,
        "author": pull.author,
        "state": pull.state,
        "draft": int(pull.draft),
        "head_sha": pull.head_sha,
        "head_ref": pull.head_ref,
        "head_repository": pull.head_repository,
        "base_ref": pull.base_ref,
        "base_sha": pull.base_sha,
        "body_sha": review.body_sha,
        "policy": msgspec.json.encode(review.policy).decode(),
        "updated_at_ms": pull.updated_at_ms,
        "recorded_at_ms": review.recorded_at_ms,
        "verdict_id": review.verdict_id,
        "effect_id": review.effect_id,
        "judged_at_ms": review.judged_at_ms,
    }


def _review(row: RowMapping) -> Review:
    pull = Pull(
        repository=row["repository"],
        number=row["number"],
        title=row["title"],
        author=row["author"],
        state=row["state"],
        draft=bool(row["draft"]),
        head_sha=row["head_sha"],
        head_ref=row["head_ref"],
        head_repository=row["head_repository"],
        base_ref=row["base_ref"],
        base_sha=row["base_sha"],
        body="",
        updated_at_ms=row["updated_at_ms"],
    )
    return Review(
        id=row["id"],
        pull=pull,
        body_sha=row["body_sha"],
        policy=POLICIES.decode(row["policy"]),
        recorded_at_ms=row["recorded_at_ms"],
        verdict_id=row["verdict_id"],
        effect_id=row["effect_id"],
        judged_at_ms=row["judged_at_ms"],
    )
