"""Grants; scopes by repository id; the audit trail as a hash chain that nothing changes.

Entries that are there already are chained in the order of their ids, which is that of time.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PORTION = 1_000
TENANT = "default"
GENESIS = "0" * 64
WHY = "the audit trail is append-only"
PURGED = (
    "EXISTS (SELECT 1 FROM audit_checkpoints AS c WHERE c.tenant = OLD.tenant"
    " AND c.kind = 'purge' AND c.seq >= OLD.seq)"
)


def upgrade() -> None:
    """Add what is new, then chain what there is."""
    _grants()
    _scopes_of_keys()
    _audit_tables()
    _chain()
    op.drop_table("audit_before")
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgres_triggers()


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope_kind", sa.Text(), nullable=False),
        sa.Column("scope_name", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index("ix_grants_subject", "grants", ["tenant", "subject_kind", "subject_id"])
    op.create_index("ix_grants_tenant_id", "grants", ["tenant", "id"])
    op.create_index("ix_grants_scope_id", "grants", ["scope_id"])
    op.create_index("ix_grants_scope_name", "grants", ["scope_name"])


def _scopes_of_keys() -> None:
    scope_id = sa.Column("scope_id", sa.BigInteger(), nullable=True)
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("api_keys", recreate="always") as batch:
            batch.add_column(scope_id)
    else:
        op.add_column("api_keys", scope_id)
    op.create_index("ix_api_keys_scope_id", "api_keys", ["scope_id"])
    op.create_index("ix_api_keys_scope_name", "api_keys", ["scope_name"])


def _audit_tables() -> None:
    op.drop_index("ix_audit_action_id", "audit")
    op.drop_index("ix_audit_actor_id", "audit")
    op.rename_table("audit", "audit_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_before RENAME CONSTRAINT pk_audit TO pk_audit_before")
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
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("uq_audit_tenant_seq", "audit", ["tenant", "seq"], unique=True)
    op.create_index("ix_audit_tenant_actor_seq", "audit", ["tenant", "actor", "seq"])
    op.create_index("ix_audit_tenant_action_seq", "audit", ["tenant", "action", "seq"])
    op.create_table(
        "audit_heads",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq", "kind", name=op.f("pk_audit_checkpoints")),
    )


def _chain() -> None:
    texts = ("id", "actor", "action", "target", "outcome", "reason", "detail")
    more = (*texts, "tenant", "prev", "hash")
    before = sa.table(
        "audit_before", *(sa.column(n, sa.Text) for n in texts), sa.column("at_ms", sa.BigInteger)
    )
    numbers = [sa.column(n, sa.BigInteger) for n in ("at_ms", "seq")]
    chained = sa.table("audit", *(sa.column(n, sa.Text) for n in more), *numbers)
    named = [sa.column(n, sa.Text) for n in ("tenant", "hash")]
    heads = sa.table("audit_heads", *named, sa.column("seq", sa.BigInteger))
    bind, last, seq, prev = op.get_bind(), "", 0, GENESIS
    while True:
        query = sa.select(before).where(before.c.id > last).order_by(before.c.id).limit(PORTION)
        rows = bind.execute(query).mappings().all()
        if not rows:
            break
        made = []
        for row in rows:
            seq += 1
            link = {**row, "tenant": TENANT, "seq": seq, "prev": prev}
            prev = link["hash"] = _hash(link)
            made.append(link)
        bind.execute(sa.insert(chained), made)
        last = rows[-1]["id"]
    if seq:
        bind.execute(sa.insert(heads).values(tenant=TENANT, seq=seq, hash=prev))


def _hash(link: dict[str, object]) -> str:
    names = ("tenant", "seq", "prev", "id", "at_ms", "actor", "action", "target", "outcome",
             "reason", "detail")  # fmt: skip
    found = bytearray()
    for part in ("hookyard.audit.v1", *(link[name] for name in names)):
        raw = str(part).encode()
        found += b"%d:%b," % (len(raw), raw)
    return hashlib.sha256(found).hexdigest()


def _sqlite_triggers() -> None:
    for table, verb, when in (
        ("audit", "UPDATE", ""),
        ("audit", "DELETE", f" WHEN NOT {PURGED}"),
        ("audit_heads", "UPDATE", " WHEN NEW.seq <= OLD.seq"),
        ("audit_heads", "DELETE", ""),
        ("audit_checkpoints", "UPDATE", ""),
        ("audit_checkpoints", "DELETE", ""),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}{when}"
            f" BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
        )


def _postgres_triggers() -> None:
    refuse = f"BEGIN RAISE EXCEPTION '{WHY}'; END"
    unless = f"BEGIN IF NOT {PURGED} THEN RAISE EXCEPTION '{WHY}'; END IF; RETURN OLD; END"
    for name, body in (("audit_refuse", refuse), ("audit_refuse_unpurged", unless)):
        op.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        )
    for table, verb, how in (
        ("audit", "TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"),
        ("audit", "UPDATE", "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"),
        ("audit", "DELETE", "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unpurged()"),
        ("audit_heads", "TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"),
        ("audit_heads", "UPDATE",
         "FOR EACH ROW WHEN (NEW.seq <= OLD.seq) EXECUTE FUNCTION audit_refuse()"),
        ("audit_heads", "DELETE", "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"),
        ("audit_checkpoints", "TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"),
        ("audit_checkpoints", "UPDATE", "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"),
        ("audit_checkpoints", "DELETE", "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"),
    ):  # fmt: skip
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {how}")
