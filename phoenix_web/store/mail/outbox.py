"""Statements on the outbox."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, update

from phoenix_web.store.accounts.models import LinkPurpose
from phoenix_web.store.mail.models import MailState, OutgoingMail
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import purge_expired

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

__all__ = ["MailInfo", "MailState", "OutboxStore"]


@dataclass(frozen=True, slots=True)
class MailInfo:
    """A row of the outbox."""

    id: int
    purpose: LinkPurpose
    address: str
    user_id: int | None
    link_id: int | None
    state: MailState
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    last_error: str | None


_COLUMNS: Final = tuple(getattr(OutgoingMail, field.name) for field in fields(MailInfo))


class OutboxStore:
    """The outbox in a transaction that the caller commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        purpose: LinkPurpose,
        address: str,
        now: datetime,
        *,
        user_id: int | None = None,
        link_id: int | None = None,
    ) -> None:
        """Queue a mail; without *user_id*, the sender looks up the user by *address*."""
        self._session.execute(
            insert(OutgoingMail).values(
                purpose=purpose.value,
                address=address,
                user_id=user_id,
                link_id=link_id,
                state=MailState.WAITING.value,
                attempts=0,
                due_at=now,
                created_at=now,
            )
        )

    def has_due(self, now: datetime) -> bool:
        """Return whether a mail is due, without a lock."""
        due = select(OutgoingMail.id).where(
            OutgoingMail.state == MailState.WAITING.value, OutgoingMail.due_at <= now
        )
        return self._session.execute(due.limit(1)).first() is not None

    def claim(self, now: datetime, until: datetime) -> MailInfo | None:
        """Claim the longest overdue mail and return it, or None if no mail is due.

        Only one of simultaneous calls claims a given mail. It becomes due again at *until*, in
        case the claiming process dies.
        """
        first = (
            select(OutgoingMail.id)
            .where(OutgoingMail.state == MailState.WAITING.value, OutgoingMail.due_at <= now)
            .order_by(OutgoingMail.due_at, OutgoingMail.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == first.scalar_subquery())
            .values(due_at=until, attempts=OutgoingMail.attempts + 1)
            .returning(*_COLUMNS)
        ).first()
        return None if row is None else _mail(row)

    def set_link(self, mail_id: int, user_id: int, link_id: int) -> None:
        """Set the recipient of the mail and the link in it."""
        self._session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id)
            .values(user_id=user_id, link_id=link_id)
        )

    def delete(self, mail_id: int) -> None:
        """Delete a mail."""
        self._session.execute(delete(OutgoingMail).where(OutgoingMail.id == mail_id))

    def mark_sent(self, mail: MailInfo, now: datetime) -> None:
        """Mark the claimed *mail* as sent."""
        self._finish(mail, state=MailState.SENT.value, sent_at=now, last_error=None)

    def postpone(self, mail: MailInfo, due_at: datetime, error: str) -> None:
        """Retry the claimed *mail* at *due_at*."""
        self._finish(mail, due_at=due_at, last_error=error)

    def abandon(self, mail: MailInfo, error: str) -> None:
        """Mark the claimed *mail* as failed."""
        self._finish(mail, state=MailState.FAILED.value, last_error=error)

    def retry(self, mail_id: int, now: datetime) -> bool:
        """Queue a failed mail again with no attempts; return whether it exists."""
        retried = self._session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id, OutgoingMail.state == MailState.FAILED.value)
            .values(state=MailState.WAITING.value, attempts=0, due_at=now)
            .returning(OutgoingMail.id)
        )
        return retried.first() is not None

    def request_times(self, user_id: int, purpose: LinkPurpose, since: datetime) -> list[datetime]:
        """Return the creation times of the user's mails with *purpose* since *since*."""
        return list(
            self._session.scalars(
                select(OutgoingMail.created_at).where(
                    OutgoingMail.user_id == user_id,
                    OutgoingMail.purpose == purpose.value,
                    OutgoingMail.created_at >= since,
                )
            )
        )

    def page(self, limit: int, cursor: int | None, state: MailState | None) -> Page[MailInfo]:
        """Return up to *limit* mails, newest first, from id *cursor* on, optionally by *state*."""
        statement = newest_first(select(*_COLUMNS), OutgoingMail.id, cursor)
        if state is not None:
            statement = statement.where(OutgoingMail.state == state.value)
        return read_page(self._session, statement, limit, _mail)

    def purge_expired(self, before: datetime) -> None:
        """Delete a batch of sent and failed mails created before *before*."""
        is_old = OutgoingMail.created_at < before
        is_waiting = OutgoingMail.state == MailState.WAITING.value
        purge_expired(self._session, OutgoingMail.id, is_old, ~is_waiting)

    def _finish(self, mail: MailInfo, **values: Any) -> None:
        # A later claim has a higher number of attempts, and only the latest claim may write.
        self._session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail.id, OutgoingMail.attempts == mail.attempts)
            .values(values)
        )


def _mail(row: Sequence[Any]) -> MailInfo:
    mail_id, purpose, address, user_id, link_id, state, *rest = row
    return MailInfo(
        mail_id, LinkPurpose(purpose), address, user_id, link_id, MailState(state), *rest
    )
