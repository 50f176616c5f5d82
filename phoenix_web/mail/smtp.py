"""Handing a mail over to an SMTP server: encrypted, or not at all."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.redaction import redact

if TYPE_CHECKING:
    from email.message import EmailMessage

#: The port on which servers expect TLS from the first byte on (RFC 8314).
_TLS_PORT: Final = 465
#: How long one delivery takes at most, and how long one answer of the server is awaited.
BUDGET_SECONDS: Final = 30
_ANSWER_SECONDS: Final = 10
_MAX_REASON: Final = 300
#: Replies from here on stand for "never" (RFC 5321 section 4.2.1).
_FINAL: Final = 500


class DeliveryFailed(Exception):
    """The server has not taken the mail; *is_final* says that it never will."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        """Carry *reason*, which administrators read on a page, and everybody in the log.

        A server may say anything, and some say what they were sent.
        """
        line = redact(" ".join(reason.split()))
        reason = "".join(each if each.isprintable() else "?" for each in line)[:_MAX_REASON]
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that takes our mails."""

    host: str
    port: int
    #: How we call ourselves to it.
    local_hostname: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    validates: bool = True
    allows_plaintext: bool = False

    def deliver(self, message: EmailMessage) -> None:
        """Hand *message* over; raise `DeliveryFailed` unless the server has taken it."""
        try:
            self._deliver(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refused(code, text) from error
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryFailed(str(error), is_final=True) from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryFailed(f"{error.smtp_code} {_text(error.smtp_error)}") from error
        except ssl.SSLCertVerificationError as error:
            reason = f"The certificate of {self.host} is not valid: {error.verify_message}"
            raise DeliveryFailed(reason) from error
        except (OSError, smtplib.SMTPException) as error:
            reason = str(error) or type(error).__name__
            raise DeliveryFailed(f"{self.host}:{self.port}: {reason}") from error

    def _deliver(self, message: EmailMessage) -> None:
        deadline = time.monotonic() + BUDGET_SECONDS
        server = self._connect(deadline)
        try:
            self._sign_in(server)
            server.send_message(message)
            # It is taken: whatever happens to the goodbye, it must not be sent again.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self.username is None or self.password is None:
            return
        try:
            server.login(self.username, self.password)
        except smtplib.SMTPNotSupportedError as error:
            # A fault of the settings, and so not the end of this mail.
            raise DeliveryFailed(str(error)) from error

    def _connect(self, deadline: float) -> smtplib.SMTP:
        """Return an encrypted connection: by STARTTLS or, if nobody greets us, by TLS at once."""
        ways = [self._greeted, self._encrypted]
        if self.port == _TLS_PORT:
            ways.reverse()
        first, second = ways
        try:
            return first(deadline)
        except ssl.SSLCertVerificationError:
            raise
        except (smtplib.SMTPServerDisconnected, TimeoutError, ssl.SSLError):
            return second(deadline)

    def _greeted(self, deadline: float) -> smtplib.SMTP:
        server = _Conversation(self.host, self.port, self.local_hostname, deadline)
        try:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=self._context())
                server.ehlo_or_helo_if_needed()
            else:
                self._refuse_plaintext()
        except BaseException:
            server.close()
            raise
        return server

    def _encrypted(self, deadline: float) -> smtplib.SMTP:
        return _EncryptedConversation(
            self.host, self.port, self.local_hostname, deadline, self._context()
        )

    def _refuse_plaintext(self) -> None:
        if not (self.allows_plaintext or self._is_loopback()):
            raise DeliveryFailed(
                f"{self.host} offers no encryption. PHOENIX_SMTP_ALLOW_PLAINTEXT=true would send "
                "mails, and the password, in plain text."
            )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.validates:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _is_loopback(self) -> bool:
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


class _Conversation(smtplib.SMTP):
    """A conversation that is over by its deadline, however slowly the server talks."""

    def __init__(self, host: str, port: int, local_hostname: str, deadline: float) -> None:
        self._deadline = deadline
        super().__init__(host, port, local_hostname, timeout=_ANSWER_SECONDS)

    def getreply(self) -> tuple[int, bytes]:
        """Return the server's answer; raise `DeliveryFailed` when the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            self.close()
            raise DeliveryFailed("The server takes too long.")
        if self.sock is not None:
            self.sock.settimeout(min(left, _ANSWER_SECONDS))
        return super().getreply()


class _EncryptedConversation(_Conversation):
    """A conversation that is encrypted from the first byte on."""

    def __init__(
        self, host: str, port: int, local_hostname: str, deadline: float, context: ssl.SSLContext
    ) -> None:
        self._context, self._server_name = context, host
        super().__init__(host, port, local_hostname, deadline)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # smtplib's own hook, as SMTP_SSL uses it
        return self._context.wrap_socket(plain, server_hostname=self._server_name)


def _refused(code: int, text: bytes | str) -> DeliveryFailed:
    """Return what the refusal of this very mail means."""
    return DeliveryFailed(f"{code} {_text(text)}", is_final=code >= _FINAL)


def _text(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
