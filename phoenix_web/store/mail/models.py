"""The tables of mail. Rows never leave the store: stores return frozen values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.store.accounts.models import LinkPurpose
from phoenix_web.store.models import Base, Id, one_of


class MailState(StrEnum):
    """Where a mail is."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class OutgoingMail(Base):
    """A mail with a one-time link; it is written when it is sent, so its text is kept nowhere."""

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        one_of("purpose", [purpose.value for purpose in LinkPurpose]),
        one_of("state", [state.value for state in MailState]),
        Index(None, "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    #: As it was asked for; whether it is anybody's is not known before `user_id` is.
    address: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    #: No foreign key: a link ends by deletion, and its id is never used again.
    link_id: Mapped[int | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(16))
    #: How often somebody has taken it up; whoever does bears this number until the next one.
    attempts: Mapped[int]
    #: When it is tried next. Whoever takes it up moves this on, in case they die over it.
    due_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
