"""Alembic's entry: runs on the connection that `migrate` hands over, inside its transaction."""

from alembic import context

from hookyard.adapters.database.port import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
