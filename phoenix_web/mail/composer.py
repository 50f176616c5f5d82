"""Composition of mails, each with a plain text and an HTML part."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from phoenix_web.addresses import to_ascii
from phoenix_web.paths import bundled
from phoenix_web.store.accounts.password_links import LinkPurpose

if TYPE_CHECKING:
    from datetime import datetime

    from phoenix_web.store.accounts.users import UserInfo

_SUBJECTS: Final = {
    LinkPurpose.RESET: "[Phoenix] Password Reset Request",
    LinkPurpose.INVITATION: "[Phoenix] You are invited",
}


@dataclass(frozen=True, slots=True)
class MessageComposer:
    """Composes mails from the address *mail_from* with links to *server_url*."""

    mail_from: str
    server_url: str

    def compose(  # noqa: PLR0913 - one argument for each part of a mail
        self,
        purpose: LinkPurpose,
        user: UserInfo,
        link: str,
        until: datetime,
        *,
        message_id: str,
        date: datetime,
    ) -> EmailMessage:
        """Return the mail to *user* with *link*, which is valid until *until*."""
        message = EmailMessage()
        message["Subject"] = _SUBJECTS[purpose]
        message["From"] = f"Phoenix <{to_ascii(self.mail_from)}>"
        message["To"] = to_ascii(user.email)
        message["Date"] = format_datetime(date)
        # The same at each attempt, so that mail clients can hide a duplicate.
        message["Message-ID"] = f"<{message_id}@{to_ascii(self.mail_from).rpartition('@')[2]}>"
        # Suppresses automatic replies (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        context = {"user": user, "link": link, "until": until, "server_url": self.server_url}
        message.set_content(_render(f"{purpose}.txt", context))
        message.add_alternative(_render(f"{purpose}.html", context), subtype="html")
        return message


def _render(name: str, context: dict[str, object]) -> str:
    return _templates().get_template(name).render(context)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(bundled("templates") / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
