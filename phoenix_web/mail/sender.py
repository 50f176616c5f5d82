"""Delivery of due mails, with retries until the SMTP server accepts them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import SERVER_ACTOR
from phoenix_web.auth.passwords.links import PATH, may_choose_password
from phoenix_web.errors import Invalid, Unavailable
from phoenix_web.mail.smtp import DELIVERY_SECONDS, DeliveryFailed
from phoenix_web.store.accounts.password_links import LinkPurpose, PasswordLinkStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.mail.outbox import OutboxStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from phoenix_web.auth.passwords.links import PasswordLinks
    from phoenix_web.mail.composer import MessageComposer
    from phoenix_web.mail.smtp import SmtpServer
    from phoenix_web.store.accounts.password_links import LinkInfo
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database
    from phoenix_web.store.mail.outbox import MailInfo

#: The delay before the second attempt; it doubles for each later one.
FIRST_DELAY: Final = timedelta(seconds=30)
LONGEST_DELAY: Final = timedelta(hours=1)
#: A mail fails after this many attempts, which take about 17 hours.
MAX_ATTEMPTS: Final = 24
#: A user gets this many reset mails without delay; further ones need `RESET_SPACING` between them.
RESET_BURST: Final = 5
RESET_SPACING: Final = timedelta(hours=1) / RESET_BURST
#: Sent and failed mails are deleted after this time.
RETENTION: Final = timedelta(days=30)
#: The duration of a claim, longer than a delivery. Afterwards the mail is due again, because the
#: claiming process must have died.
CLAIM_DURATION: Final = timedelta(seconds=2 * DELIVERY_SECONDS)
#: Attempts to record the result of a delivery in a busy database.
_RECORD_ATTEMPTS: Final = 5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """The numbers of mails by result."""

    sent: int = 0
    postponed: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends mails through *server*; several senders can share an outbox."""

    database: Database
    links: PasswordLinks
    composer: MessageComposer
    server: SmtpServer

    def send_due(self, may_continue: Callable[[], bool] = lambda: True) -> Report:
        """Send the due mails one by one while *may_continue* returns True, and count the results.

        Without a due mail, this runs one query and takes no lock.
        """
        report = Report()
        while may_continue() and self._has_due():
            now = datetime.now(UTC)
            with self.database.transaction() as session:
                store = OutboxStore(session)
                store.purge_expired(now - RETENTION)
                mail = store.claim(now, now + CLAIM_DURATION)
                if mail is None:  # another sender has claimed it
                    break
                link = self._link(session, mail, report)
            if link is not None:
                self._send(mail, link, report)
        return report

    def purge_expired(self) -> None:
        """Delete finished mails whose retention has ended, also when no mail is due."""
        with self.database.transaction() as session:
            OutboxStore(session).purge_expired(datetime.now(UTC) - RETENTION)

    def _has_due(self) -> bool:
        with self.database.reading() as session:
            return OutboxStore(session).has_due(datetime.now(UTC))

    def _link(self, session: Session, mail: MailInfo, report: Report) -> LinkInfo | None:
        """Return the link for *mail*, or finish the mail and return None."""
        store = OutboxStore(session)
        if mail.user_id is None:
            link = self._reset_link(session, mail)
            if link is None:
                store.delete(mail.id)
            else:
                store.set_link(mail.id, link.user.id, link.id)
            return link
        link = PasswordLinkStore(session).find_by_id(mail.link_id) if mail.link_id else None
        if link is None:
            problem = "The link was used or replaced by a newer one."
        elif link.expires_at <= datetime.now(UTC):
            problem = "The link expired before the mail could be delivered."
        elif not may_choose_password(link.user):
            problem = "The user may not choose a password."
        else:
            return link
        store.abandon(mail, problem)
        report.abandoned += 1
        return None

    def _reset_link(self, session: Session, mail: MailInfo) -> LinkInfo | None:
        """Return the link for a requested reset, or None if the address gets no mail now.

        Anyone who knows an address can request resets. Mails are spaced out, but the spacing is
        shorter than the lifetime of a link, so that the owner always has a valid one.
        """
        user = UserStore(session).find_by_email(mail.address)
        # The built-in accounts have no mailbox.
        if user is None or user.is_built_in or not may_choose_password(user):
            return None
        UserStore(session).lock(user.id)
        link = PasswordLinkStore(session).find_for(user.id)
        if link is not None and link.created_at > mail.created_at:
            return None  # a newer link was issued after the request
        now = datetime.now(UTC)
        since = now - RESET_BURST * RESET_SPACING
        times = OutboxStore(session).request_times(user.id, LinkPurpose.RESET, since)
        if len(times) >= RESET_BURST and max(times) + RESET_SPACING > now:
            _log.info("user %s gets no further password reset mail yet", user.id)
            return None
        # A reset request must not replace an invitation, which is valid for days.
        if link is not None and link.purpose is LinkPurpose.INVITATION and link.expires_at > now:
            return link
        return self._issue(session, user)

    def _issue(self, session: Session, user: UserInfo) -> LinkInfo | None:
        """Issue a reset link, or return None if the user was deleted in the meantime."""
        try:
            issued = self.links.issue(session, user, LinkPurpose.RESET, SERVER_ACTOR)
        except Invalid:
            return None
        return PasswordLinkStore(session).find_by_id(issued.id)

    def _send(self, mail: MailInfo, link: LinkInfo, report: Report) -> None:
        try:
            token = self.links.sign(link.purpose, link.nonce)
            message = self.composer.compose(
                mail.purpose,
                link.user,
                f"{self.composer.server_url}{PATH}?token={token}",
                link.expires_at,
                message_id=f"{mail.id}.{mail.created_at:%Y%m%d%H%M%S%f}",
                date=mail.created_at,
            )
            self.server.deliver(message)
        except DeliveryFailed as error:
            self._record_failure(mail, error.reason, report, is_final=error.is_final)
        except Exception:  # noqa: BLE001 - a mail that cannot be composed must not stop the others
            _log.exception("mail %s to user %s could not be composed", mail.id, mail.user_id)
            self._record_failure(mail, "The mail could not be composed; see the log.", report)
        else:
            self._record(lambda store: store.mark_sent(mail, datetime.now(UTC)))
            _log.info("mail %s (%s) was sent", mail.id, mail.purpose)
            report.sent += 1

    def _record_failure(
        self, mail: MailInfo, reason: str, report: Report, *, is_final: bool = False
    ) -> None:
        _log.warning("mail %s was not sent at attempt %s: %s", mail.id, mail.attempts, reason)
        if is_final or mail.attempts >= MAX_ATTEMPTS:
            self._record(lambda store: store.abandon(mail, reason))
            report.abandoned += 1
        else:
            due_at = datetime.now(UTC) + delay_after(mail.attempts)
            self._record(lambda store: store.postpone(mail, due_at, reason))
            report.postponed += 1

    def _record(self, change: Callable[[OutboxStore], None]) -> None:
        for retries_left in reversed(range(_RECORD_ATTEMPTS)):
            try:
                with self.database.transaction() as session:
                    change(OutboxStore(session))
            except Unavailable:
                if not retries_left:
                    raise
                time.sleep(1)
            else:
                return


def delay_after(attempts: int) -> timedelta:
    """Return the delay after this many attempts."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
