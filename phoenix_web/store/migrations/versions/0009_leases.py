"""Drop the lease of the mail sender: every mail is taken by one process through its own row."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the change."""
    op.drop_table("leases")
