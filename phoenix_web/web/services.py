"""The services of the application: construction and access."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from flask import current_app

from phoenix_web.audit.chain import Key
from phoenix_web.auth.credentials.access_tokens import AccessTokens
from phoenix_web.auth.credentials.usage import KeyUsage
from phoenix_web.auth.credentials.verifier import Verifier
from phoenix_web.auth.mfa.challenges import Challenges
from phoenix_web.auth.mfa.enrolment import Enrolment
from phoenix_web.auth.passwords.hashing import Passwords
from phoenix_web.auth.passwords.links import PasswordLinks
from phoenix_web.auth.passwords.reauthentication import Reauthentication
from phoenix_web.auth.sign_in.known_devices import KnownDevices
from phoenix_web.auth.sign_in.login import Login
from phoenix_web.auth.sign_in.sessions import Sessions
from phoenix_web.auth.sign_in.throttling import LoginThrottle
from phoenix_web.datasets.limits import UploadLimits
from phoenix_web.mail.composer import MessageComposer
from phoenix_web.mail.outbox import Outbox
from phoenix_web.mail.sender import MailSender
from phoenix_web.mail.smtp import SmtpServer
from phoenix_web.rate_limits import RateLimits
from phoenix_web.settings.key_files import audit_key
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.audit.log import AuditLog
from phoenix_web.store.database import Database

if TYPE_CHECKING:
    from phoenix_web.settings import Settings

EXTENSION = "phoenix_web"


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail services: the outbox and the sender of its mails."""

    outbox: Outbox
    sender: MailSender


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a process, shared by all requests."""

    settings: Settings
    database: Database
    passwords: Passwords
    sessions: Sessions
    login: Login
    enrolment: Enrolment
    password_links: PasswordLinks
    verifier: Verifier
    usage: KeyUsage
    rate_limits: RateLimits
    #: None without `PHOENIX_SMTP_HOSTNAME`.
    mail: Mail | None

    @property
    def upload_limits(self) -> UploadLimits:
        """Return the limits of one upload."""
        return UploadLimits(
            max_bytes=self.settings.max_upload_bytes,
            max_rows=self.settings.max_upload_rows,
            max_row_bytes=self.settings.max_row_bytes,
            max_depth=self.settings.max_json_depth,
        )


def build(settings: Settings, secret: str) -> Services:
    """Return the services for *settings*; *secret* signs tokens. Opens no connection."""
    database = Database(settings.database_url, audit_log(settings))
    passwords = build_passwords(settings)
    issuer = settings.root_url or "phoenix-web"
    tokens = AccessTokens(secret, issuer, settings.access_lifetime)
    sessions = Sessions(
        database,
        tokens,
        secret,
        lifetime=settings.refresh_lifetime,
        reuse_interval=timedelta(seconds=settings.refresh_reuse_seconds),
        max_age=settings.session_max_age,
    )
    is_throttled = not settings.disable_brute_force_login_protection
    per_account = settings.brute_force_login_protection_max_attempts
    per_network = settings.brute_force_login_protection_max_attempts_per_network
    throttle = LoginThrottle(
        database,
        secret,
        per_account=per_account if is_throttled else None,
        per_network=per_network if is_throttled and per_network else None,
    )
    reauthentication = Reauthentication(database, passwords, throttle)
    login = Login(
        database=database,
        passwords=passwords,
        sessions=sessions,
        throttle=throttle,
        known_devices=KnownDevices(secret),
        reauthentication=reauthentication,
        challenges=Challenges(secret),
    )
    links = PasswordLinks(database, passwords, login, secret, _lifetimes(settings))
    admin_secret = settings.admin_secret.get_secret_value() if settings.admin_secret else None
    redis = settings.rate_limit_storage_url
    return Services(
        settings=settings,
        database=database,
        passwords=passwords,
        sessions=sessions,
        login=login,
        enrolment=Enrolment(database, reauthentication, secret, _app_issuer(settings)),
        password_links=links,
        verifier=Verifier(database, tokens, admin_secret),
        usage=KeyUsage(database),
        rate_limits=RateLimits(
            redis.get_secret_value() if redis else None, is_on=not settings.disable_rate_limit
        ),
        mail=_mail(settings, database, links),
    )


def audit_log(settings: Settings) -> AuditLog:
    """Return the audit log for *settings*."""
    days = settings.audit_retention_days
    return AuditLog(Key(audit_key(settings)), timedelta(days=days) if days else None)


def build_passwords(settings: Settings) -> Passwords:
    """Return the password hashing and policy for *settings*."""
    return Passwords(
        settings.password_hash_memory_kib,
        settings.password_hash_iterations,
        is_strong=settings.enable_strong_password_policy,
    )


def _lifetimes(settings: Settings) -> dict[LinkPurpose, timedelta]:
    """Return the lifetime of password links by purpose."""
    return {
        LinkPurpose.RESET: timedelta(minutes=settings.password_reset_token_expiry_minutes),
        LinkPurpose.INVITATION: timedelta(minutes=settings.invitation_expiry_minutes),
    }


def _app_issuer(settings: Settings) -> str:
    """Return the name of this server in authenticator apps."""
    host = urlsplit(settings.root_url).hostname if settings.root_url else None
    return f"phoenix_web {host}" if host else "phoenix_web"


def _mail(settings: Settings, database: Database, links: PasswordLinks) -> Mail | None:
    if settings.smtp_hostname is None or settings.root_url is None:
        return None
    local_hostname = _smtp_hostname(urlsplit(settings.root_url).hostname or "localhost")
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_hostname,
        port=settings.smtp_port,
        local_hostname=local_hostname,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        validates_certificate=settings.smtp_validate_certs,
        allows_plaintext=settings.smtp_allow_plaintext,
    )
    mail_from = settings.smtp_mail_from or f"noreply@{local_hostname}"
    composer = MessageComposer(mail_from, settings.address(settings.root_url))
    return Mail(Outbox(links), MailSender(database, links, composer, server))


def _smtp_hostname(host: str) -> str:
    """Return *host* for SMTP: IP addresses are in brackets (RFC 5321 section 4.1.3)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    is_ipv4 = isinstance(address, ipaddress.IPv4Address)
    return f"[{address}]" if is_ipv4 else f"[IPv6:{address}]"


def services() -> Services:
    """Return the services of the running application."""
    return cast("Services", current_app.extensions[EXTENSION])
