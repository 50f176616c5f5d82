"""Removal of the mail sender's lease, because each mail is claimed through its own row."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the change."""
    op.drop_table("leases")
