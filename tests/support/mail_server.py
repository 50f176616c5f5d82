"""A real SMTP server on this machine, which does as a test tells it."""

from __future__ import annotations

import asyncio
import email
import re
import ssl
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.processes import PATIENCE_SECONDS, reserved_port, wait_until
from tests.support.servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session

USERNAME: Final = "phoenix"
PASSWORD: Final = "the password of the mail server"
_LINK: Final = re.compile(r"https?://\S+/reset-password-with-token\?token=\S+")


@dataclass
class MailServer:
    """What a server has been given, and how it answers from now on."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    #: Of each message: whether it came encrypted, and who had signed in.
    sessions: list[tuple[bool, str | None]] = field(default_factory=list)
    #: The answer to a recipient or to a message, instead of taking it.
    refuse_recipient: str | None = None
    refuse_message: str | None = None
    #: Cleared, it delays the answer to a message.
    is_quick: threading.Event = field(default_factory=threading.Event)
    #: How many messages it has begun to take.
    begun: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, *_: object
    ) -> str:
        """Take a recipient, or not."""
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message, or not."""
        self.begun += 1
        await server.loop.run_in_executor(None, self.is_quick.wait, 30)
        if self.refuse_message:
            return self.refuse_message
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(email.message_from_bytes(content, policy=policy.default))
        login: Any = session.auth_data
        name = login.login.decode() if session.authenticated else None
        assert server.transport
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.sessions.append((is_encrypted, name))
        return "250 Taken"

    def wait_for(self, count: int) -> list[EmailMessage]:
        """Return the messages once there are *count* of them."""
        wait_until(lambda: len(self.messages) >= count, self._state)
        return self.messages

    def wait_until_begun(self, count: int = 1) -> None:
        """Return once *count* messages are being brought."""
        wait_until(lambda: self.begun >= count, self._state)

    def _state(self) -> str:
        return f"{len(self.messages)} mails, {self.begun} begun"


def link_in(message: EmailMessage) -> str:
    """Return the one-time link of a mail, which both its parts bring."""
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    links = {match for part in parts if part for match in _LINK.findall(part.get_content())}
    # In HTML it stands in quotes, and before a tag.
    [link] = {re.split(r"[\"<]", one)[0] for one in links}
    return link


@contextmanager
def running_mail_server(
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    starttls: Certificate | None = None,
    tls: Certificate | None = None,
    needs_login: bool = False,
) -> Iterator[MailServer]:
    """Take mails until the block ends, with STARTTLS or *tls* from the first byte on."""
    options: dict[str, Any] = {}
    if needs_login:
        options = {"authenticator": _authenticate, "auth_required": True}
        options["auth_require_tls"] = starttls is not None
    with reserved_port() as free_port:
        server = MailServer(port or free_port)
        server.is_quick.set()
        controller = _Controller(
            server,
            hostname=host,
            port=server.port,
            server_hostname="mail.test",
            tls_context=starttls.context if starttls else None,
            ssl_context=tls.context if tls else None,
            ready_timeout=PATIENCE_SECONDS,
            **options,
        )
        controller.start()
        try:
            yield server
        finally:
            server.is_quick.set()
            controller.stop()


class _Controller(Controller):
    """Closes every connection before its loop ends, which would leave them to the collector."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._made: list[SMTP] = []
        super().__init__(*arguments, **options)

    def factory(self) -> SMTP:
        made: SMTP = super().factory()  # type: ignore[no-untyped-call]  # aiosmtpd has no type for it
        self._made.append(made)
        return made

    def stop(self, no_assert: bool = False) -> None:  # noqa: FBT001, FBT002 - aiosmtpd's signature
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(10)
        super().stop(no_assert)

    async def _close(self) -> None:
        for made in self._made:
            if isinstance(made.transport, asyncio.WriteTransport):
                made.transport.abort()
        await asyncio.sleep(0.01)


def _authenticate(*asked: Any) -> AuthResult:
    login = asked[-1]
    assert isinstance(login, LoginPassword)
    is_right = (login.login, login.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False, auth_data=login)


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, and its key."""

    path: Path
    context: ssl.SSLContext


def make_certificate(folder: Path, name: str = "DNS:localhost,IP:127.0.0.1") -> Certificate:
    """Make a certificate for *name* in *folder*."""
    path, key = folder / "certificate.pem", folder / "key.pem"
    options = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x "
        f"-addext subjectAltName={name} -keyout {key} -out {path}"
    )
    subprocess.run(
        [program("openssl"), *options.split()],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key)
    return Certificate(path, context)
