"""An expiry time for counts of failed sign-ins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the change."""
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True))
    # Locks stay until they end. Other counts, at most twenty minutes old, expire now.
    attempts = sa.table(
        "login_attempts", *map(sa.column, ("locked_until", "forget_at", "updated_at"))
    )
    op.execute(
        attempts.update().values(
            forget_at=sa.func.coalesce(attempts.c.locked_until, attempts.c.updated_at)
        )
    )
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.alter_column("forget_at", nullable=False)
        batch_op.drop_index(batch_op.f("ix_login_attempts_updated_at"))
        batch_op.drop_column("updated_at")
        batch_op.create_index(
            batch_op.f("ix_login_attempts_forget_at"), ["forget_at"], unique=False
        )
