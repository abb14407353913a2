"""Postgres vacuums `jobs` by the number of rows that changed, its indexes too."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Set what the table asks of autovacuum; SQLite has no such thing."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 10000, vacuum_index_cleanup = on)"
        )
