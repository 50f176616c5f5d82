"""Alembic environment, which runs the migrations on the connection from `config`."""

from __future__ import annotations

from alembic import context

from phoenix_web.store.accounts import models as account_models
from phoenix_web.store.audit import models as audit_models
from phoenix_web.store.datasets import models as dataset_models
from phoenix_web.store.mail import models as mail_models
from phoenix_web.store.models import Base

#: All modules with tables, imported to register them in the metadata.
TABLES = (account_models, audit_models, dataset_models, mail_models)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
