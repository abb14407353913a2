"""Declared entities, idempotency keys and the feed of changes; on Postgres behind policies."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

ROLE = "hookyard_records"


def upgrade() -> None:
    """Make the tables that every entity's records stand on."""
    op.create_table(
        "records_entities",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("applied_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_records_entities"),
    )
    op.create_table(
        "records_schema",
        sa.Column("only", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("pgvector", sa.BigInteger(), nullable=False),
        sa.Column("cursor_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("only", name="pk_records_schema"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at_ms", "idempotency_keys", ["expires_at_ms"])
    op.create_table(
        "records_changes",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("aggregatetype", sa.Text(), nullable=False),
        sa.Column("aggregateid", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq", name="pk_records_changes"),
    )
    op.create_index("ix_records_changes_at_ms", "records_changes", ["at_ms"])
    op.create_table(
        "records_heads",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("purged", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_records_heads"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _walls()


def _walls() -> None:
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN"
        f" CREATE ROLE {ROLE} NOLOGIN; END IF;"
        " EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;"
        " END $$"
    )
    op.execute(
        f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN"
        f" EXECUTE format('GRANT {ROLE} TO %I', current_user); END IF;"
        " EXCEPTION WHEN undefined_object OR insufficient_privilege THEN NULL; END $$"
    )
    mine = "tenant = (SELECT current_setting('hookyard.tenant', true))"
    for table, rights in (
        ("idempotency_keys", "SELECT, INSERT, UPDATE, DELETE"),
        ("records_changes", "SELECT, INSERT"),
        ("records_heads", "SELECT, INSERT, UPDATE"),
    ):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
        op.execute(
            f"DO $$ BEGIN GRANT {rights} ON {table} TO {ROLE};"
            " EXCEPTION WHEN undefined_object THEN NULL; END $$"
        )
