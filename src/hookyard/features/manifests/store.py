"""The table of manifests: one row for each pull request and commit, the document compressed.

Repositories are compared in lower case, as GitHub does. Of one pull request the newest KEPT
commits stay; older ones are taken out when a newer one comes.
"""

from dataclasses import dataclass

import zstandard
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit

KEPT = 20
MAX_DOCUMENT = 64 * 1024 * 1024

MANIFESTS = Table(
    "manifests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("repository_key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("base_sha", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("measured", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    Column("suggestions", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("uq_manifests_head", "repository_key", "number", "head_sha", unique=True),
    Index("ix_manifests_newest", "repository_key", "number", "created_at_ms"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored manifest: what it is about, its JSON, and its counts. `digest` is its SHA-256."""

    id: str
    repository: str
    number: int
    head_sha: str
    base_sha: str
    document: bytes
    digest: str
    files: int
    measured: int
    gaps: int
    suggestions: int
    created_at_ms: int


def save(unit: Unit, kept: Kept) -> None:
    """Store a manifest in place of an earlier one of the same commit; drop what is too old."""
    own = (MANIFESTS.c.repository_key == kept.repository.lower()) & (
        MANIFESTS.c.number == kept.number
    )
    values = {
        "repository": kept.repository,
        "repository_key": kept.repository.lower(),
        "number": kept.number,
        "head_sha": kept.head_sha,
        "base_sha": kept.base_sha,
        "document": zstandard.ZstdCompressor(level=3).compress(kept.document),
        "digest": kept.digest,
        "files": kept.files,
        "measured": kept.measured,
        "gaps": kept.gaps,
        "suggestions": kept.suggestions,
        "created_at_ms": kept.created_at_ms,
    }
    same = own & (MANIFESTS.c.head_sha == kept.head_sha)
    if not unit.run(update(MANIFESTS).where(same).values(values)):
        unit.run(insert(MANIFESTS).values({"id": kept.id, **values}))
    newest = (
        select(MANIFESTS.c.id)
        .where(own)
        .order_by(MANIFESTS.c.created_at_ms.desc(), MANIFESTS.c.id.desc())
    )
    old = [row["id"] for row in unit.fetch(newest.offset(KEPT).limit(1000))]
    if old:
        unit.run(delete(MANIFESTS).where(MANIFESTS.c.id.in_(old)))


def lock(unit: Unit, repository: str, number: int) -> None:
    """Let no other unit change the manifests of this pull request until this one ends."""
    unit.lock(f"manifest:{repository.lower()}#{number}")


def find(unit: Unit, repository: str, number: int, head_sha: str | None) -> Kept | None:
    """The manifest of a commit, or the newest one; None when there is none."""
    query = select(MANIFESTS).where(
        MANIFESTS.c.repository_key == repository.lower(), MANIFESTS.c.number == number
    )
    if head_sha is not None:
        query = query.where(MANIFESTS.c.head_sha == head_sha)
    newest = query.order_by(MANIFESTS.c.created_at_ms.desc(), MANIFESTS.c.id.desc()).limit(1)
    row = unit.first(newest)
    if row is None:
        return None
    return Kept(
        id=row["id"],
        repository=row["repository"],
        number=row["number"],
        head_sha=row["head_sha"],
        base_sha=row["base_sha"],
        document=_unpack(row["document"]),
        digest=row["digest"],
        files=row["files"],
        measured=row["measured"],
        gaps=row["gaps"],
        suggestions=row["suggestions"],
        created_at_ms=row["created_at_ms"],
    )


def _unpack(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_DOCUMENT)
