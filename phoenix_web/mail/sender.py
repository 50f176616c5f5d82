"""Sending what is due: each mail once, in the normal case, and again until it is taken."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import SERVER_ACTOR
from phoenix_web.auth.passwords.links import PATH, may_choose_password
from phoenix_web.errors import Invalid, Unavailable
from phoenix_web.mail.smtp import BUDGET_SECONDS, DeliveryFailed
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

#: The second try comes after this long, and each later one after twice as long as the one before.
FIRST_DELAY: Final = timedelta(seconds=30)
LONGEST_DELAY: Final = timedelta(hours=1)
#: After so many tries, and some 17 hours, a mail is given up.
MAX_ATTEMPTS: Final = 24
#: How many mails a person gets at once when somebody asks again and again for their password to be
#: reset; from then on, while that goes on, the mails are so far apart.
RESET_BURST: Final = 5
RESET_SPACING: Final = timedelta(hours=1) / RESET_BURST
#: What has left, or failed, is forgotten after this long.
RETENTION: Final = timedelta(days=30)
#: How long a mail belongs to the process that has taken it: longer than one delivery. If that
#: process dies, another one takes the mail after this time.
CLAIM_DURATION: Final = timedelta(seconds=2 * BUDGET_SECONDS)
#: An accepted mail is noted as such even if the database is busy for a while.
_NOTING_TRIES: Final = 5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What became of the mails that were due."""

    sent: int = 0
    postponed: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends mails through *server*; any number of senders share one outbox."""

    database: Database
    links: PasswordLinks
    composer: MessageComposer
    server: SmtpServer

    def send_due(self, keep_going: Callable[[], bool] = lambda: True) -> Report:
        """Send the mails that are due, one after the other, and return how many.

        Each is taken by one sender alone. When none is due, this costs one query and no lock.
        """
        report = Report()
        while keep_going() and self._has_due():
            now = datetime.now(UTC)
            with self.database.transaction() as session:
                store = OutboxStore(session)
                store.purge_expired(now - RETENTION)
                mail = store.claim(now, now + CLAIM_DURATION)
                if mail is None:  # another sender has just taken it
                    break
                link = self._link(session, mail, report)
            if link is not None:
                self._send(mail, link, report)
        return report

    def _has_due(self) -> bool:
        with self.database.reading() as session:
            return OutboxStore(session).has_due(datetime.now(UTC))

    def _link(self, session: Session, mail: MailInfo, report: Report) -> LinkInfo | None:
        """Return the link that *mail* brings, or None when it has ended with none to bring."""
        store = OutboxStore(session)
        if mail.user_id is None:
            link = self._asked_for(session, mail)
            if link is None:
                store.delete(mail.id)
            else:
                store.set_link(mail.id, link.user.id, link.id)
            return link
        link = None
        if mail.link_id is not None:
            link = PasswordLinkStore(session).find_by_id(mail.link_id)
        fault = None
        if link is None:
            fault = "The link was used, or a newer one has taken its place."
        elif link.expires_at <= datetime.now(UTC):
            fault = "The link expired before the mail could be delivered."
        elif not may_choose_password(link.user):
            fault = "The user may not choose a password."
        if fault is None:
            return link
        store.abandon(mail, fault)
        report.abandoned += 1
        return None

    def _asked_for(self, session: Session, mail: MailInfo) -> LinkInfo | None:
        """Return the link for whoever asked for *mail*, or None for nobody who gets one now.

        Everybody who knows an address can ask, again and again, and must not keep its owner out by
        that: the mails become rarer, but never so rare that the link of the last one has ended.
        """
        user = UserStore(session).find_by_email(mail.address)
        # The built-in accounts have no mailbox.
        if user is None or user.is_built_in or not may_choose_password(user):
            return None
        UserStore(session).lock(user.id)
        link = PasswordLinkStore(session).find_for(user.id)
        if link is not None and link.created_at > mail.created_at:
            return None  # somebody has given them a link since
        now = datetime.now(UTC)
        since = now - RESET_BURST * RESET_SPACING
        times = OutboxStore(session).request_times(user.id, LinkPurpose.RESET, since)
        if len(times) >= RESET_BURST and max(times) + RESET_SPACING > now:
            _log.info("user %s gets no further mail to reset a password yet", user.id)
            return None
        # An invitation is good for days: nobody who only knows the address may end it.
        if link is not None and link.purpose is LinkPurpose.INVITATION and link.expires_at > now:
            return link
        return self._issue(session, user)

    def _issue(self, session: Session, user: UserInfo) -> LinkInfo | None:
        """Return a new link for *user*, or None when they have gone since they were looked up."""
        try:
            issued = self.links.issue(session, user, LinkPurpose.RESET, SERVER_ACTOR)
        except Invalid:
            return None
        return PasswordLinkStore(session).find_by_id(issued.id)

    def _send(self, mail: MailInfo, link: LinkInfo, report: Report) -> None:
        try:
            token = self.links.token(link.purpose, link.nonce)
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
            self._note_failure(mail, error.reason, report, is_final=error.is_final)
        except Exception:  # noqa: BLE001 - one mail that cannot be written must not keep the others
            _log.exception("mail %s to user %s could not be written", mail.id, mail.user_id)
            self._note_failure(mail, "It could not be written; the log says why.", report)
        else:
            self._note(lambda store: store.mark_sent(mail, datetime.now(UTC)))
            _log.info("mail %s (%s) was sent", mail.id, mail.purpose)
            report.sent += 1

    def _note_failure(
        self, mail: MailInfo, reason: str, report: Report, *, is_final: bool = False
    ) -> None:
        _log.warning("mail %s was not sent at try %s: %s", mail.id, mail.attempts, reason)
        if is_final or mail.attempts >= MAX_ATTEMPTS:
            self._note(lambda store: store.abandon(mail, reason))
            report.abandoned += 1
        else:
            due_at = datetime.now(UTC) + delay_after(mail.attempts)
            self._note(lambda store: store.postpone(mail, due_at, reason))
            report.postponed += 1

    def _note(self, what: Callable[[OutboxStore], None]) -> None:
        for left in reversed(range(_NOTING_TRIES)):
            try:
                with self.database.transaction() as session:
                    what(OutboxStore(session))
            except Unavailable:
                if not left:
                    raise
                time.sleep(1)
            else:
                return


def delay_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
