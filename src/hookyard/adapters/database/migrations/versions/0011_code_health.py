"""Code health: reports of linters by commit, and what they came to."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables."""
    _reports()
    _assessments()


def _reports() -> None:
    op.create_table(
        "health_reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("repository_key", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.BigInteger(), nullable=False),
        sa.Column("artifact_digest", sa.Text(), nullable=False),
        sa.Column("artifact_name", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("from_fork", sa.Integer(), nullable=False),
        sa.Column("problem_code", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("findings", sa.LargeBinary(), nullable=True),
        sa.Column("stored_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_reports")),
    )
    op.create_index("ix_health_reports_commit", "health_reports", ["repository_key", "head_sha"])
    op.create_index("ix_health_reports_stored_at_ms", "health_reports", ["stored_at_ms"])


def _assessments() -> None:
    op.create_table(
        "health_assessments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("repository_key", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("base_how", sa.Text(), nullable=False),
        sa.Column("base_sha", sa.Text(), nullable=True),
        sa.Column("base_asked", sa.Text(), nullable=True),
        sa.Column("base_away", sa.Integer(), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("fixed", sa.Integer(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("notes", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("arithmetic", sa.Text(), nullable=False),
        sa.Column("changed_lines", sa.Integer(), nullable=True),
        sa.Column("from_fork", sa.Integer(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("assessed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_assessments")),
    )
    op.create_index(
        "uq_health_assessments_commit",
        "health_assessments",
        ["repository_key", "number", "head_sha"],
        unique=True,
    )
    op.create_index("ix_health_assessments_history", "health_assessments", ["repository_key", "id"])
    op.create_index(
        "ix_health_assessments_base", "health_assessments", ["repository_key", "base_asked"]
    )
    op.create_index(
        "ix_health_assessments_assessed_at_ms", "health_assessments", ["assessed_at_ms"]
    )
