"""Alembic's environment: always on a connection that the caller (`schema.upgrade`) gives."""

from alembic import context

from cloudhands.common.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
