"""Consumers and subscriptions of the feed of changes; on Postgres behind policies."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ROLE = "hookyard_records"


def upgrade() -> None:
    """Make the tables of those who read changes."""
    op.create_table(
        "records_consumers",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("acked", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("acked_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_records_consumers"),
    )
    op.create_table(
        "records_subscriptions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("entities", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("acked", sa.BigInteger(), nullable=False),
        sa.Column("replay_next", sa.BigInteger()),
        sa.Column("replay_to", sa.BigInteger()),
        sa.Column("job_id", sa.Text()),
        sa.Column("in_a_row", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("former", sa.LargeBinary()),
        sa.Column("former_until_ms", sa.BigInteger()),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_ms", sa.BigInteger()),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_records_subscriptions"),
    )
    op.create_table(
        "records_undelivered",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subscription", "seq", name="pk_records_undelivered"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _walls()


def _walls() -> None:
    mine = "tenant = (SELECT current_setting('hookyard.tenant', true))"
    for table in ("records_consumers", "records_subscriptions", "records_undelivered"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
        op.execute(
            f"DO $$ BEGIN GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE};"
            " EXCEPTION WHEN undefined_object THEN NULL; END $$"
        )
