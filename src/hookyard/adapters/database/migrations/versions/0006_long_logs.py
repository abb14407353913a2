"""An index of long job logs, whose lines move to the blob store."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Index one row in a thousand of each log."""
    op.create_index(
        "ix_job_logs_long",
        "job_logs",
        ["job_id"],
        sqlite_where=sa.text("seq % 1000 = 0"),
        postgresql_where=sa.text("seq % 1000 = 0"),
    )
