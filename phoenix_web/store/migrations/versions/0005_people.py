"""Deactivation and last sign-in of users; address, user agent and last use of sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the change."""
    for name in ("deactivated_at", "last_sign_in_at"):
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_users_role"), "users", ["role"], unique=False)
    # Nullable, because existing sessions have no values for them.
    op.add_column("sessions", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("address", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("user_agent", sa.String(length=512), nullable=True))
