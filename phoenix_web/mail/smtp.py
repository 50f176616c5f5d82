"""Delivery to an SMTP server over an encrypted connection."""

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

#: The port for implicit TLS (RFC 8314).
_TLS_PORT: Final = 465
#: The time limits of a whole delivery and of a single reply.
DELIVERY_SECONDS: Final = 30
_REPLY_SECONDS: Final = 10
_MAX_REASON: Final = 300
#: Reply codes from here on are permanent failures (RFC 5321 section 4.2.1).
_FINAL: Final = 500


class DeliveryFailed(Exception):
    """The server did not accept the mail; *is_final* marks a permanent failure."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        # Pages and the log show the reason, and some servers quote the message in their reply.
        line = redact(" ".join(reason.split()))
        printable = "".join(character if character.isprintable() else "?" for character in line)
        self.reason = printable[:_MAX_REASON]
        super().__init__(self.reason)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The connection settings of the SMTP server for outgoing mail."""

    host: str
    port: int
    #: The host name for EHLO.
    local_hostname: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    validates_certificate: bool = True
    allows_plaintext: bool = False

    def deliver(self, message: EmailMessage) -> None:
        """Deliver *message*; raise `DeliveryFailed` unless the server accepts it."""
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
        deadline = time.monotonic() + DELIVERY_SECONDS
        server = self._connect(deadline)
        try:
            self._sign_in(server)
            server.send_message(message)
            # The message is accepted, so an error in QUIT must not cause a retry.
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
            # Settings can be corrected, so the failure is not final.
            raise DeliveryFailed(str(error)) from error

    def _connect(self, deadline: float) -> smtplib.SMTP:
        """Connect by STARTTLS or implicit TLS: first the usual one for the port, then the other."""
        methods = [self._connect_starttls, self._connect_tls]
        if self.port == _TLS_PORT:
            methods.reverse()
        first, second = methods
        try:
            return first(deadline)
        except ssl.SSLCertVerificationError:
            raise
        except (smtplib.SMTPServerDisconnected, TimeoutError, ssl.SSLError):
            return second(deadline)

    def _connect_starttls(self, deadline: float) -> smtplib.SMTP:
        server = _DeadlineSMTP(self.host, self.port, self.local_hostname, deadline)
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

    def _connect_tls(self, deadline: float) -> smtplib.SMTP:
        return _DeadlineSMTPS(self.host, self.port, self.local_hostname, deadline, self._context())

    def _refuse_plaintext(self) -> None:
        if not (self.allows_plaintext or self._is_loopback()):
            raise DeliveryFailed(
                f"{self.host} does not support encryption. To send mails and the password in plain "
                "text, set PHOENIX_SMTP_ALLOW_PLAINTEXT=true."
            )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.validates_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _is_loopback(self) -> bool:
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


class _DeadlineSMTP(smtplib.SMTP):
    """An SMTP connection with a deadline, so that a slow server cannot block the sender."""

    def __init__(self, host: str, port: int, local_hostname: str, deadline: float) -> None:
        self._deadline = deadline
        super().__init__(host, port, local_hostname, timeout=_REPLY_SECONDS)

    def getreply(self) -> tuple[int, bytes]:
        """Return the server's reply; raise `DeliveryFailed` after the deadline."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            self.close()
            raise DeliveryFailed("The delivery took too long.")
        if self.sock is not None:
            self.sock.settimeout(min(remaining, _REPLY_SECONDS))
        return super().getreply()


class _DeadlineSMTPS(_DeadlineSMTP):
    """An SMTP connection with implicit TLS and a deadline."""

    def __init__(
        self, host: str, port: int, local_hostname: str, deadline: float, context: ssl.SSLContext
    ) -> None:
        self._context, self._server_name = context, host
        super().__init__(host, port, local_hostname, deadline)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # smtplib's own hook, as SMTP_SSL uses it
        return self._context.wrap_socket(plain, server_hostname=self._server_name)


def _refused(code: int, text: bytes | str) -> DeliveryFailed:
    """Return the failure for a reply that refuses this mail."""
    return DeliveryFailed(f"{code} {_text(text)}", is_final=code >= _FINAL)


def _text(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
