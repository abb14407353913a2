"""Billing: projects with budgets and bindings, sums of what they used, provider keys."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the tables."""
    _projects()
    _usage()
    _provider_keys()


def _projects() -> None:
    op.create_table(
        "billing_projects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("archived_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_projects")),
    )
    _partial(
        "uq_billing_projects_name", "billing_projects", ["tenant", "name_key"],
        "archived_at_ms IS NULL",
    )  # fmt: skip
    op.create_table(
        "billing_budgets",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("hard", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "period", "meter", name=op.f("pk_billing_budgets")),
    )
    op.create_table(
        "billing_bindings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_bindings")),
    )
    op.create_index("ix_billing_bindings_project_id_id", "billing_bindings", ["project_id", "id"])
    _partial(
        "uq_billing_bindings_repository", "billing_bindings", ["tenant", "repository_id"],
        "repository_id IS NOT NULL",
    )  # fmt: skip
    _partial(
        "uq_billing_bindings_pattern", "billing_bindings", ["tenant", "pattern"],
        "repository_id IS NULL",
    )  # fmt: skip


def _usage() -> None:
    op.create_table(
        "billing_usage",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "period", "start", "meter", "work", name=op.f("pk_billing_usage")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "billing_marks",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("pause_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id", "period", "start", "meter", "mark", name=op.f("pk_billing_marks")
        ),
        sqlite_with_rowid=False,
    )


def _provider_keys() -> None:
    op.create_table(
        "provider_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("ends_with", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_keys")),
    )
    op.create_index("ix_provider_keys_tenant_id", "provider_keys", ["tenant", "id"])
    op.create_table(
        "provider_key_projects",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "project_id", name=op.f("pk_provider_key_projects")),
    )
    op.create_index(
        "uq_provider_key_projects_name",
        "provider_key_projects",
        ["project_id", "name"],
        unique=True,
    )
    op.create_table(
        "provider_key_holders",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "holder", name=op.f("pk_provider_key_holders")),
    )
    op.create_index("ix_provider_key_holders_holder", "provider_key_holders", ["holder"])
    op.create_table(
        "provider_key_handovers",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id", "lease", "key_id", name=op.f("pk_provider_key_handovers")
        ),
    )
    op.create_index("ix_provider_key_handovers_at_ms", "provider_key_handovers", ["at_ms"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
