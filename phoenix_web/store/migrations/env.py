"""Alembic environment, which runs the migrations on the connection from `config`."""

from __future__ import annotations

from alembic import context

from phoenix_web.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    # Names the constraints of new tables.
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
