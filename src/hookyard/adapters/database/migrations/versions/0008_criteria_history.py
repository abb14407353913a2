"""The past of criteria: every revision of their words, what it means, and waivers."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables and columns; what is kept so far becomes each criterion's first revision."""
    _columns()
    _revisions()
    _waivers()
    op.execute("UPDATE criteria SET meaning = revision, evidence_from = revision")
    op.execute(
        "INSERT INTO criterion_revisions (checklist_id, criterion_id, revision, text, group_text,"
        " detail, meaning, change, reason, seen_at_ms, issue_updated_at_ms)"
        " SELECT criteria.checklist_id, criteria.id, criteria.revision, criteria.text,"
        " criteria.group_text, '', criteria.revision, 'first', 'kept before revisions were',"
        " checklists.updated_at_ms, checklists.issue_updated_at_ms"
        " FROM criteria JOIN checklists ON checklists.id = criteria.checklist_id"
    )


def _columns() -> None:
    empty, zero, one = sa.text("''"), sa.text("0"), sa.text("1")
    for column in (
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("author", sa.Text(), server_default=empty, nullable=False),
        sa.Column("url", sa.Text(), server_default=empty, nullable=False),
        sa.Column("cut", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("gone", sa.Text(), nullable=True),
    ):
        op.add_column("checklists", column)
    for column in (
        sa.Column("detail", sa.Text(), server_default=empty, nullable=False),
        sa.Column("depth", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("meaning", sa.Integer(), server_default=one, nullable=False),
        sa.Column("evidence_from", sa.Integer(), server_default=one, nullable=False),
    ):
        op.add_column("criteria", column)


def _revisions() -> None:
    op.create_table(
        "criterion_revisions",
        sa.Column("checklist_id", sa.Text(), nullable=False),
        sa.Column("criterion_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("group_text", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Integer(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("issue_updated_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["checklist_id"],
            ["checklists.id"],
            name=op.f("fk_criterion_revisions_checklist_id_checklists"),
        ),
        sa.PrimaryKeyConstraint(
            "checklist_id", "criterion_id", "revision", name=op.f("pk_criterion_revisions")
        ),
    )


def _waivers() -> None:
    op.create_table(
        "criterion_waivers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("checklist_id", sa.Text(), nullable=False),
        sa.Column("criterion_id", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Integer(), nullable=False),
        sa.Column("by_actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["checklist_id"],
            ["checklists.id"],
            name=op.f("fk_criterion_waivers_checklist_id_checklists"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion_waivers")),
    )
    op.create_index(
        "ix_criterion_waivers_checklist_id_criterion_id",
        "criterion_waivers",
        ["checklist_id", "criterion_id"],
    )
