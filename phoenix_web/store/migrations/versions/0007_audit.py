"""The audit log, and the time of the first use of a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from phoenix_web.store.models import Id

revision = "0007"
down_revision = "0006"

_SQLITE = (
    """
    CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'lines of the audit log never change'); END
    """,
    """
    CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events
    WHEN old.id > coalesce((SELECT pruned_number FROM audit_state), 0)
    BEGIN SELECT RAISE(ABORT, 'lines of the audit log are removed by retention alone'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF old.id <= (SELECT pruned_number FROM audit_state) THEN
                RETURN old;
            END IF;
        END IF;
        RAISE EXCEPTION 'lines of the audit log never change and are removed by retention alone';
    END $$
    """,
    """
    CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_stay()
    """,
    """
    CREATE TRIGGER audit_events_stay_all BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()
    """,
)


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "audit_events",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor_id", Id, nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.Column("credential_kind", sa.String(length=32), nullable=True),
        sa.Column("credential_id", Id, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", Id, nullable=True),
        sa.Column("subject_label", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('success', 'refused')", name=op.f("ck_audit_events_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    for columns in (
        ["at", "id"],
        ["action", "at", "id"],
        ["outcome", "at", "id"],
        ["actor_id", "at", "id"],
        ["subject_kind", "subject_id", "at", "id"],
    ):
        name = op.f(f"ix_audit_events_{'_'.join(columns)}")
        op.create_index(name, "audit_events", columns, unique=False)
    op.create_table(
        "audit_state",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("number", Id, nullable=False),
        sa.Column("link", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pruned_number", Id, nullable=False),
        sa.Column("pruned_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pruned_key_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_state_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_state")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)
    op.add_column("api_keys", sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True))
