"""Test runs: attempts, reports, packed and notable cases, claims, and the history of failures."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables of the room `testruns`."""
    _runs()
    _reports()
    _cases()
    _history()


def _runs() -> None:
    op.create_table(
        "ci_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("repository_key", sa.Text, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("conclusion", sa.Text, nullable=False),
        sa.Column("head_sha", sa.Text, nullable=False),
        sa.Column("head_branch", sa.Text, nullable=False),
        sa.Column("head_repository", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("pull_requests", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger),
    )
    op.create_index(
        "uq_ci_runs_attempt", "ci_runs", ["repository_key", "run_id", "attempt"], unique=True
    )
    op.create_index("ix_ci_runs_head_sha", "ci_runs", ["repository_key", "head_sha"])
    op.create_index("ix_ci_runs_created", "ci_runs", ["created_at_ms"])


def _reports() -> None:
    op.create_table(
        "ci_reports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("test_run_id", sa.Text, sa.ForeignKey("ci_runs.id"), nullable=False),
        sa.Column("artifact_id", sa.BigInteger, nullable=False),
        sa.Column("artifact_name", sa.Text, nullable=False),
        sa.Column("artifact_digest", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("dialect", sa.Text, nullable=False),
        sa.Column("tests", sa.Integer, nullable=False),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
        sa.Column("flaky", sa.Integer, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("truncated", sa.Integer, nullable=False),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "uq_ci_reports_member",
        "ci_reports",
        ["test_run_id", "artifact_id", "member"],
        unique=True,
    )
    op.create_table(
        "ci_blocks",
        sa.Column("report_id", sa.Text, sa.ForeignKey("ci_reports.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("blob_key", sa.Text),
    )


def _cases() -> None:
    op.create_table(
        "ci_cases",
        sa.Column("report_id", sa.Text, sa.ForeignKey("ci_reports.id"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("case_key", sa.Text, nullable=False),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("classname", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("flaky", sa.Integer, nullable=False),
        sa.Column("reruns", sa.Integer, nullable=False),
        sa.Column("time_ms", sa.BigInteger),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("ids", sa.Text, nullable=False),
    )
    op.create_table(
        "ci_claims",
        sa.Column("report_id", sa.Text, primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("criterion_id", sa.Text, primary_key=True),
        sa.Column("issue", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(
            ["report_id", "ordinal"],
            ["ci_cases.report_id", "ci_cases.ordinal"],
            name="fk_ci_claims_case",
        ),
    )


def _history() -> None:
    op.create_table(
        "ci_history",
        sa.Column("repository_key", sa.Text, primary_key=True),
        sa.Column("case_key", sa.Text, primary_key=True),
        sa.Column("head_sha", sa.Text, primary_key=True),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("classname", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("marks", sa.Integer, nullable=False),
        sa.Column("last_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_ci_history_last", "ci_history", ["repository_key", "last_at_ms"])
    op.create_index(
        "ix_ci_history_configuration", "ci_history", ["repository_key", "configuration"]
    )
    op.create_index("ix_ci_history_age", "ci_history", ["last_at_ms"])
