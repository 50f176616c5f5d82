"""Letting mails leave: rows that are written together with what they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phoenix_web.addresses import is_email_address
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.user_names import normal_email
from phoenix_web.store.mail.outbox import OutboxStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.passwords.links import IssuedLink, PasswordLinks
    from phoenix_web.store.accounts.users import UserInfo


@dataclass(frozen=True, slots=True)
class Outbox:
    """Takes mails in; a `MailSender` sends them when the transaction is over."""

    links: PasswordLinks

    def send_link(
        self, session: Session, user: UserInfo, purpose: LinkPurpose, actor: Actor
    ) -> IssuedLink:
        """Give *user* a link in place of any older one, let a mail bring it, and return it.

        Raises `Invalid` for whoever has no password to choose.
        """
        link = self.links.issue(session, user, purpose, actor)
        OutboxStore(session).add(
            purpose, user.email, datetime.now(UTC), user_id=user.id, link_id=link.id
        )
        return link

    def request_reset(self, session: Session, address: str) -> None:
        """Note that somebody at *address* asks for a new password.

        Whether the address is anybody's the sender finds out. Here it makes no difference, so
        neither the answer nor its time can tell. What cannot be an address is nobody's.
        """
        address = normal_email(address)
        if is_email_address(address):
            OutboxStore(session).add(LinkPurpose.RESET, address, datetime.now(UTC))
