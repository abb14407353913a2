"""Installation tokens: the record of mints, who asked for them, the sealed shared tier."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    _mints()
    _asks()
    _shared_tier()


def _mints() -> None:
    op.create_table(
        "mints",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("minted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mints")),
    )
    op.create_index("ix_mints_tenant_id", "mints", ["tenant", "id"])
    op.create_index("ix_mints_token_sha256", "mints", ["token_sha256"])
    op.create_index("ix_mints_expires_at_ms", "mints", ["expires_at_ms"])


def _asks() -> None:
    op.create_table(
        "token_asks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mint_id", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_asks")),
    )
    op.create_index("ix_token_asks_actor_at_ms", "token_asks", ["actor", "at_ms"])
    op.create_index("ix_token_asks_mint_id", "token_asks", ["mint_id"])
    op.create_index("ix_token_asks_at_ms", "token_asks", ["at_ms"])


def _shared_tier() -> None:
    op.create_table(
        "token_cache",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scope_key", sa.Text(), nullable=False),
        sa.Column("mint_id", sa.Text(), nullable=True),
        sa.Column("expires_at_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failed_until_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("app", "installation_id", "scope_key", name=op.f("pk_token_cache")),
    )
    op.create_index("ix_token_cache_mint_id", "token_cache", ["mint_id"])
    op.create_table(
        "token_cells",
        sa.Column("mint_id", sa.Text(), nullable=False),
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mint_id", name=op.f("pk_token_cells")),
    )
    op.create_index("ix_token_cells_expires_at_ms", "token_cells", ["expires_at_ms"])
    op.create_table(
        "token_revocability",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("can_revoke", sa.Integer(), nullable=False),
        sa.Column("learned_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app", "shape", name=op.f("pk_token_revocability")),
    )
