"""The outbox, which queues mails in the transaction of the change that causes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phoenix_web.addresses import is_email_address, normal_email
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.mail.outbox import OutboxStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.passwords.links import IssuedLink, PasswordLinks
    from phoenix_web.store.accounts.users import UserInfo


@dataclass(frozen=True, slots=True)
class Outbox:
    """Queues mails, which a `MailSender` sends after the commit."""

    links: PasswordLinks

    def send_link(
        self, session: Session, user: UserInfo, purpose: LinkPurpose, actor: Actor
    ) -> IssuedLink:
        """Issue a link that replaces the user's older one, queue its mail and return the link.

        Raises `Invalid` if the user may not choose a password.
        """
        link = self.links.issue(session, user, purpose, actor)
        OutboxStore(session).add(
            purpose, user.email, datetime.now(UTC), user_id=user.id, link_id=link.id
        )
        return link

    def request_reset(self, session: Session, address: str) -> None:
        """Queue a password reset mail to *address*; ignore an invalid address.

        The sender looks up the user later, so that response and timing reveal nothing about the
        account.
        """
        address = normal_email(address)
        if is_email_address(address):
            OutboxStore(session).add(LinkPurpose.RESET, address, datetime.now(UTC))
