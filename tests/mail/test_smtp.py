"""Handing a mail over: encrypted, by a server whose certificate holds, or not at all."""

from __future__ import annotations

import socket
import time
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.mail import smtp
from phoenix_web.mail.smtp import DeliveryFailed, SmtpServer
from tests.support.mail_server import PASSWORD, USERNAME, make_certificate, running_mail_server
from tests.support.processes import reserved_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mail_server import Certificate, MailServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for this machine."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Return the certificate, which this machine then trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    return certificate


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.com", "b@example.com", "Hello"
    made.set_content("Hello there.\n")
    return made


def server_at(running: MailServer, host: str = "localhost", **more: Any) -> SmtpServer:
    return SmtpServer(host, running.port, "phx.example.com", **more)


def failure(server: SmtpServer) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        server.deliver(message())
    assert PASSWORD not in caught.value.reason
    return caught.value


def test_starttls_comes_before_the_password_and_the_mail(trusted: Certificate) -> None:
    with running_mail_server(starttls=trusted, needs_login=True) as running:
        server_at(running, username=USERNAME, password=PASSWORD).deliver(message())

    assert running.sessions == [(True, USERNAME)]
    assert running.messages[0]["Subject"] == "Hello"


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate) -> None:
    with running_mail_server(starttls=certificate) as running:
        refused = failure(server_at(running, allows_plaintext=True))
        assert "certificate of localhost is not valid" in refused.reason
        assert not refused.is_final
        assert running.begun == 0
        server_at(running, validates_certificate=False).deliver(message())

    assert running.sessions == [(True, None)]


def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_certificate(tmp_path, "DNS:mail.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.path))
    with running_mail_server(starttls=other) as running:
        assert "certificate of localhost is not valid" in failure(server_at(running)).reason
    with running_mail_server(tls=other) as running:
        monkeypatch.setattr(smtp, "_TLS_PORT", running.port)
        assert "certificate of localhost is not valid" in failure(server_at(running)).reason
    assert running.begun == 0


def test_whoever_greets_nobody_is_spoken_to_in_tls(
    trusted: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_REPLY_SECONDS", 0.5)
    with running_mail_server(tls=trusted) as running:
        server_at(running).deliver(message())
        # On its own port nobody waits for a greeting.
        monkeypatch.setattr(smtp, "_REPLY_SECONDS", 10)
        monkeypatch.setattr(smtp, "_TLS_PORT", running.port)
        begin = time.monotonic()
        server_at(running).deliver(message())

    assert time.monotonic() - begin < 5
    assert running.sessions == [(True, None)] * 2


def test_on_the_port_of_tls_starttls_is_taken_too(
    trusted: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_mail_server(starttls=trusted) as running:
        monkeypatch.setattr(smtp, "_TLS_PORT", running.port)
        server_at(running).deliver(message())

    assert running.sessions == [(True, None)]


def test_plain_text_goes_to_this_machine_alone_unless_it_is_asked_for() -> None:
    with running_mail_server(host="0.0.0.0") as running:  # noqa: S104 - a name of this machine that is not loopback
        server_at(running, "127.0.0.1").deliver(message())
        refused = failure(server_at(running, "0.0.0.0"))  # noqa: S104 - as above
        assert "does not support encryption" in refused.reason
        assert not refused.is_final
        server_at(running, "0.0.0.0", allows_plaintext=True).deliver(message())  # noqa: S104 - as above

    assert running.sessions == [(False, None)] * 2


@pytest.mark.parametrize(
    ("answer", "is_final"), [("550 No such user", True), ("450 Try later", False)]
)
def test_the_server_says_whether_it_may_take_a_mail_later(answer: str, *, is_final: bool) -> None:
    with running_mail_server() as running:
        for name in ("refuse_recipient", "refuse_message"):
            setattr(running, name, answer)
            refused = failure(server_at(running))
            assert (refused.reason, refused.is_final) == (answer, is_final)
            setattr(running, name, None)
        server_at(running).deliver(message())


def test_faults_of_the_settings_are_not_the_end_of_a_mail(trusted: Certificate) -> None:
    login: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}
    with running_mail_server(starttls=trusted, needs_login=True) as running:
        wrong = failure(server_at(running, username=USERNAME, password=f"{PASSWORD}?"))
        missing = failure(server_at(running))
    with running_mail_server() as running:
        unasked = failure(server_at(running, **login))
    with reserved_port() as port:
        nobody = failure(SmtpServer("127.0.0.1", port, "phx.example.com", **login))
    unknown = failure(SmtpServer("mail.invalid", 25, "phx.example.com", **login))

    faults = (wrong, missing, unasked, nobody, unknown)
    assert wrong.reason.startswith("535")
    assert missing.reason.startswith("530")
    assert "AUTH" in unasked.reason
    assert "refused" in nobody.reason
    assert "mail.invalid" in unknown.reason
    assert not any(fault.is_final for fault in faults)


@pytest.fixture
def silent() -> Iterator[int]:
    """Return a port on which somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_silent_server_is_left_after_a_while(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_REPLY_SECONDS", 0.3)
    begin = time.monotonic()

    refused = failure(SmtpServer("127.0.0.1", silent, "phx.example.com"))

    assert not refused.is_final
    assert time.monotonic() - begin < 5


def test_one_delivery_has_its_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "DELIVERY_SECONDS", 0)
    with running_mail_server() as running:
        assert "too long" in failure(server_at(running)).reason
    assert running.begun == 0
