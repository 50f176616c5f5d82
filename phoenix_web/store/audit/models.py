"""Tables of the audit log. Triggers prevent updates, and deletes except by retention."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.audit.events import Outcome
from phoenix_web.store.models import Base, Id, check_one_of


class AuditEvent(Base):
    """An entry. It has copies of names and no foreign keys, because users and keys get deleted."""

    __tablename__ = "audit_events"
    __table_args__ = (
        check_one_of("outcome", [outcome.value for outcome in Outcome]),
        # One for each filter, in display order.
        Index(None, "at", "id"),
        Index(None, "action", "at", "id"),
        Index(None, "outcome", "at", "id"),
        Index(None, "actor_id", "at", "id"),
        Index(None, "subject_kind", "subject_id", "at", "id"),
    )

    #: Assigned from `audit_state.number`, so that numbers have no gaps.
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None]
    actor_id: Mapped[int | None] = mapped_column(Id)
    actor_name: Mapped[str | None]
    credential_kind: Mapped[str | None] = mapped_column(String(32))
    credential_id: Mapped[int | None] = mapped_column(Id)
    address: Mapped[str | None]
    agent: Mapped[str | None]
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int | None] = mapped_column(Id)
    subject_label: Mapped[str]
    detail: Mapped[str]
    key_id: Mapped[str] = mapped_column(String(8))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditState(Base):
    """Start and end of the log in a single row, which every append locks."""

    __tablename__ = "audit_state"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    #: The number of the newest entry, and the link after it.
    number: Mapped[int] = mapped_column(Id)
    link: Mapped[bytes] = mapped_column(LargeBinary(32))
    #: The last entry that retention removed; 0 for none.
    pruned_number: Mapped[int] = mapped_column(Id)
    pruned_mac: Mapped[bytes] = mapped_column(LargeBinary(32))
    pruned_key_id: Mapped[str] = mapped_column(String(8))
