"""What the mails say; each has a part in plain text and one in HTML."""

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
    """What all mails share: who writes, and from which server."""

    mail_from: str
    server_url: str

    def compose(  # noqa: PLR0913 - one argument for each thing that a mail tells
        self,
        purpose: LinkPurpose,
        user: UserInfo,
        link: str,
        until: datetime,
        *,
        message_id: str,
        date: datetime,
    ) -> EmailMessage:
        """Return the mail that brings *link*, which is good until *until*, to *user*."""
        message = EmailMessage()
        message["Subject"] = _SUBJECTS[purpose]
        message["From"] = f"Phoenix <{to_ascii(self.mail_from)}>"
        message["To"] = to_ascii(user.email)
        message["Date"] = format_datetime(date)
        # The same at each try, so that whoever gets it twice can be shown it once.
        message["Message-ID"] = f"<{message_id}@{to_ascii(self.mail_from).rpartition('@')[2]}>"
        # No holiday notice should answer it (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        told = {"user": user, "link": link, "until": until, "server_url": self.server_url}
        message.set_content(_render(f"{purpose}.txt", told))
        message.add_alternative(_render(f"{purpose}.html", told), subtype="html")
        return message


def _render(name: str, told: dict[str, object]) -> str:
    return _templates().get_template(name).render(told)


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
