"""The table of the outbox."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.store.accounts.models import LinkPurpose
from phoenix_web.store.models import Base, Id, check_one_of


class MailState(StrEnum):
    """Delivery state of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class OutgoingMail(Base):
    """A mail with a one-time link. Its text is composed for delivery and never stored."""

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        check_one_of("purpose", [purpose.value for purpose in LinkPurpose]),
        check_one_of("state", [state.value for state in MailState]),
        Index(None, "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    #: As requested; a user with this address is known only if `user_id` is set.
    address: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    #: Without a foreign key, because links are deleted. Their ids are never reused.
    link_id: Mapped[int | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(16))
    #: The number of claims; it identifies the latest claim.
    attempts: Mapped[int]
    #: The time of the next attempt. A claim moves it forward, in case the claiming process dies.
    due_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
