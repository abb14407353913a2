"""The first schema: jobs, deliveries, effects, repositories, identity, checklists."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _jobs()
    _job_history()
    _leases()
    _job_parties()
    _job_pauses()
    _deliveries()
    _recovery()
    _effects()
    _repositories()
    _identity()
    _create_blobs()
    _checklists()
    _elections()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("waiting_what", sa.Text(), nullable=True),
        sa.Column("waiting_holder", sa.Text(), nullable=True),
        sa.Column("waiting_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("repository", sa.Text(), nullable=True),
        sa.Column("timeout_ms", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("skippable", sa.Integer(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_jobs_cancel",
        "jobs",
        ["worker"],
        unique=False,
        sqlite_where=sa.text("state = 'running' AND cancel_requested = 1"),
        postgresql_where=sa.text("state = 'running' AND cancel_requested = 1"),
    )
    op.create_index(
        "ix_jobs_cancelled",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'cancelled'"),
        postgresql_where=sa.text("state = 'cancelled'"),
    )
    op.create_index(
        "ix_jobs_dead",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_jobs_delivery",
        "jobs",
        ["delivery_id", "id"],
        unique=False,
        sqlite_where=sa.text("delivery_id IS NOT NULL"),
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["waiting_until_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting' AND waiting_until_ms IS NOT NULL"),
        postgresql_where=sa.text("state = 'waiting' AND waiting_until_ms IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_held",
        "jobs",
        ["waiting_what", "waiting_holder"],
        unique=False,
        sqlite_where=sa.text(
            "state = 'waiting' AND waiting_what <> 'time' AND waiting_what <> 'key'"
        ),
        postgresql_where=sa.text(
            "state = 'waiting' AND waiting_what <> 'time' AND waiting_what <> 'key'"
        ),
    )
    op.create_index(
        "ix_jobs_key",
        "jobs",
        ["key", "id"],
        unique=False,
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_lease",
        "jobs",
        ["leased_until_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_line",
        "jobs",
        ["key", "id"],
        unique=False,
        sqlite_where=sa.text("key IS NOT NULL AND state IN ('queued', 'running', 'waiting')"),
        postgresql_where=sa.text("key IS NOT NULL AND state IN ('queued', 'running', 'waiting')"),
    )
    op.create_index(
        "ix_jobs_repository",
        "jobs",
        ["repository", "id"],
        unique=False,
        sqlite_where=sa.text("repository IS NOT NULL"),
        postgresql_where=sa.text("repository IS NOT NULL"),
    )
    op.create_index(
        "uq_jobs_key_turn",
        "jobs",
        ["key"],
        unique=True,
        sqlite_where=sa.text("key IS NOT NULL AND state IN ('queued', 'running')"),
        postgresql_where=sa.text("key IS NOT NULL AND state IN ('queued', 'running')"),
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["lane", sa.text("priority DESC"), "turn", "id", "run_at_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )


def _job_history() -> None:
    op.create_table(
        "job_attempts",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "lease", name=op.f("pk_job_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_logs",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("pk_job_logs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cron_jobs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Integer(), nullable=False),
        sa.Column("next_run_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_run_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_job_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cron_jobs")),
    )


def _leases() -> None:
    offered = (
        "(state = 'queued' OR (state = 'waiting' AND waiting_what = 'kind'"
        " AND waiting_until_ms IS NULL)) AND kind <> 'ingress.route' AND kind <> 'effect.land'"
    )
    op.create_index(
        "ix_jobs_offer",
        "jobs",
        ["kind", "lane", sa.text("priority DESC"), "turn", "id"],
        unique=False,
        sqlite_where=sa.text(offered),
        postgresql_where=sa.text(offered),
    )
    op.create_table(
        "lease_slots",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("lease_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "slot", name=op.f("pk_lease_slots")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_lease_slots_job_id", "lease_slots", ["job_id"], unique=False)


def _job_parties() -> None:
    op.create_table(
        "job_parties",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "party", name=op.f("pk_job_parties")),
        sqlite_with_rowid=False,
    )


def _job_pauses() -> None:
    op.create_table(
        "job_pauses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_pauses")),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("provider_delivery_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("repository", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("redeliveries", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("payload_size", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("source", "dedupe_key", name="uq_deliveries_source_dedupe_key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # why: bodies come compressed; a second try costs a third of Postgres's time for nothing.
        op.execute("ALTER TABLE deliveries ALTER COLUMN payload SET STORAGE EXTERNAL")
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'dead'"),
        postgresql_where=sa.text("status = 'dead'"),
    )
    op.create_index(
        "ix_deliveries_repository",
        "deliveries",
        ["repository", "id"],
        unique=False,
        sqlite_where=sa.text("repository IS NOT NULL"),
        postgresql_where=sa.text("repository IS NOT NULL"),
    )
    op.create_table(
        "delivery_bodies",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "body_sha256", name=op.f("pk_delivery_bodies")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_delivery_bodies_received_at_ms", "delivery_bodies", ["received_at_ms"], unique=False
    )
    op.create_table(
        "delivery_rejections",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("hour_ms", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "code", "hour_ms", name=op.f("pk_delivery_rejections")),
    )


def _recovery() -> None:
    op.create_table(
        "recovery_hooks",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=True),
        sa.Column("watermark_ms", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("begun_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_listed", sa.Integer(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hook", name=op.f("pk_recovery_hooks")),
    )
    op.create_table(
        "recovery_items",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("delivered_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("noted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hook", "guid", name=op.f("pk_recovery_items")),
    )
    op.create_index(
        "ix_recovery_items_pending",
        "recovery_items",
        ["source", "hook", "attempts", "delivered_at_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_recovery_items_job_id", "recovery_items", ["job_id"], unique=False)
    op.create_index(
        "ix_recovery_items_noted_at_ms", "recovery_items", ["noted_at_ms"], unique=False
    )
    op.create_table(
        "source_pulses",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_to_ms", sa.BigInteger(), nullable=False),
        sa.Column("quiet_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_delivery_ms", sa.BigInteger(), nullable=True),
        sa.Column("silent_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_pulses")),
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("desired", sa.Text(), nullable=False),
        sa.Column("desired_hash", sa.Text(), nullable=False),
        sa.Column("landed_hash", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("landed_generation", sa.BigInteger(), nullable=False),
        sa.Column("intent_generation", sa.BigInteger(), nullable=True),
        sa.Column("intent_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("intent", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("held_scope", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("held_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("landed_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
    )
    op.create_index("ix_effects_delivery_id", "effects", ["delivery_id"], unique=False)
    op.create_index("ix_effects_held", "effects", ["held_scope", "held_until_ms"], unique=False)
    op.create_index("ix_effects_job_id", "effects", ["job_id"], unique=False)
    op.create_index("ix_effects_repository", "effects", ["repository", "id"], unique=False)
    op.create_index("ix_effects_state", "effects", ["state", "id"], unique=False)
    op.create_index("uq_effects_key", "effects", ["key"], unique=True)
    op.create_table(
        "github_budget",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.Column("blocked_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_github_budget")),
    )


def _repositories() -> None:
    op.create_table(
        "installations",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_login", sa.Text(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=True),
        sa.Column("target_type", sa.Text(), nullable=False),
        sa.Column("suspended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installations")),
    )
    op.create_table(
        "repositories",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("private", sa.Integer(), nullable=False),
        sa.Column("default_branch", sa.Text(), nullable=False),
        sa.Column("archived", sa.Integer(), nullable=False),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("member_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repositories")),
    )
    op.create_index(
        "ix_repositories_installation_id", "repositories", ["installation_id"], unique=False
    )
    op.create_index("ix_repositories_name_key_id", "repositories", ["name_key", "id"], unique=False)
    op.create_table(
        "repository_names",
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name_key", "repository_id", name=op.f("pk_repository_names")),
    )
    op.create_table(
        "config_blobs",
        sa.Column("blob_sha", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("read_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("blob_sha", name=op.f("pk_config_blobs")),
    )
    op.create_table(
        "config_commits",
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("commit_sha", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("blob_sha", sa.Text(), nullable=True),
        sa.Column("read_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name_key", "commit_sha", name=op.f("pk_config_commits")),
    )
    op.create_index("ix_config_commits_read_at_ms", "config_commits", ["read_at_ms"], unique=False)


def _identity() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope_kind", sa.Text(), nullable=False),
        sa.Column("scope_name", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=True),
        sa.Column("lanes", sa.Text(), nullable=True),
        sa.Column("max_leases", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("ix_api_keys_tenant_id", "api_keys", ["tenant", "id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_action_id", "audit", ["action", "id"], unique=False)
    op.create_index("ix_audit_actor_id", "audit", ["actor", "id"], unique=False)


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_blobs")),
    )
    op.create_index("uq_blobs_owner_name", "blobs", ["owner_kind", "owner_id", "name"], unique=True)


def _checklists() -> None:
    op.create_table(
        "checklists",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("repository_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body_sha", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next_id", sa.Integer(), nullable=False),
        sa.Column("issue_updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("effect_id", sa.Text(), nullable=True),
        sa.Column("comment_sha", sa.Text(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklists")),
    )
    op.create_index(
        "uq_checklists_repository_number", "checklists", ["repository_key", "number"], unique=True
    )
    op.create_table(
        "criteria",
        sa.Column("checklist_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("group_text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=True),
        sa.Column("waived", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["checklist_id"], ["checklists.id"], name=op.f("fk_criteria_checklist_id_checklists")
        ),
        sa.PrimaryKeyConstraint("checklist_id", "id", name=op.f("pk_criteria")),
    )


def _elections() -> None:
    op.create_table(
        "elections",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_elections")),
    )
