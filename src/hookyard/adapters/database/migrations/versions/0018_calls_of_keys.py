"""How many calls an API key may make, where it has a limit of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("api_keys", sa.Column("calls_per_s", sa.Float))
    op.add_column("api_keys", sa.Column("calls_at_once", sa.Integer))
