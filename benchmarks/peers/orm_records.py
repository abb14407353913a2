"""The stack one would assemble for records: FastAPI, Pydantic, SQLAlchemy's asyncio ORM.

`DATABASE_URL` chooses the database: a SQLite file (WAL, synchronous=FULL) or Postgres. One table of
the same columns as the built-in `artifacts`, a predicate for the tenant, no authentication, no
idempotency, no change feed and no audit trail.
"""

import os
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, DateTime, String, Text, event, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TENANT = "default"


class Base(DeclarativeBase):
    """Tables."""


class Artifact(Base):
    """One record."""

    __tablename__ = "artifacts"

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    artifact_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str | None] = mapped_column(String(64))
    agent_id: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(500))
    media_type: Mapped[str | None] = mapped_column(String(200))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    uri: Mapped[str | None] = mapped_column(String(2000))
    content: Mapped[str | None] = mapped_column(Text)
    meta: Mapped[dict[str, Any] | None] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ArtifactIn(BaseModel):
    """What a client sends."""

    artifact_id: str | None = None
    conversation_id: str | None = None
    agent_id: str | None = None
    name: str
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    uri: str | None = None
    content: str | None = None
    meta: dict[str, Any] | None = None


class ArtifactOut(ArtifactIn):
    """What it gets."""

    model_config = ConfigDict(from_attributes=True)

    tenant_id: str
    created_at: datetime
    updated_at: datetime


def engine_for(url: str) -> AsyncEngine:
    """An engine with the settings that served each database best."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_size=8, max_overflow=8)
    engine = create_async_engine(url, pool_size=2, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine.sync_engine, "connect")
    def pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


ENGINE = engine_for(os.environ["DATABASE_URL"])
SESSIONS = async_sessionmaker(ENGINE, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    async with ENGINE.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await ENGINE.dispose()


app = FastAPI(lifespan=lifespan)


async def session() -> AsyncIterator[AsyncSession]:
    """A session for a request."""
    async with SESSIONS() as made:
        yield made


Session = Annotated[AsyncSession, Depends(session)]


@app.get("/health")
async def health() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


@app.get("/v1/artifacts/{artifact_id}")
async def get_one(artifact_id: str, db: Session) -> ArtifactOut:
    """One record."""
    found = await db.scalar(
        select(Artifact).where(Artifact.tenant_id == TENANT, Artifact.artifact_id == artifact_id)
    )
    if found is None:
        raise HTTPException(404)
    return ArtifactOut.model_validate(found)


@app.get("/v1/artifacts")
async def get_page(db: Session, limit: int = 50) -> Sequence[ArtifactOut]:
    """A page of records."""
    found = await db.scalars(
        select(Artifact)
        .where(Artifact.tenant_id == TENANT)
        .order_by(Artifact.artifact_id)
        .limit(limit)
    )
    return [ArtifactOut.model_validate(one) for one in found]


@app.post("/v1/artifacts", status_code=201)
async def create(body: ArtifactIn, db: Session) -> ArtifactOut:
    """A new record."""
    now = datetime.now(UTC)
    made = Artifact(
        **body.model_dump(exclude={"artifact_id"}),
        artifact_id=body.artifact_id or str(uuid.uuid4()),
        tenant_id=TENANT,
        created_at=now,
        updated_at=now,
    )
    db.add(made)
    await db.commit()
    return ArtifactOut.model_validate(made)
