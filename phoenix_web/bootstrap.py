"""What must be there before the first request: the tables, the secret, the first accounts."""

from __future__ import annotations

import logging
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from phoenix_web.audit.chain import Key
from phoenix_web.audit.events import BY_SERVER
from phoenix_web.auth.audited import user_created
from phoenix_web.config import ConfigError
from phoenix_web.config_rules import secret_fault
from phoenix_web.policy import Role
from phoenix_web.services import passwords_of
from phoenix_web.start_settings import note_settings
from phoenix_web.store.audit.log import AuditLog, record
from phoenix_web.store.database import Database
from phoenix_web.store.users import DEFAULT_ADMIN_EMAIL, SYSTEM_EMAIL, UserStore

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from phoenix_web.config import Settings

_log = logging.getLogger(__name__)


def prepare(settings: Settings, *, is_start: bool = False) -> str | None:
    """Bring the database up to date and make the accounts that must exist.

    Any number of processes may do this at once. When it is the start of a server, other settings
    than those of the last start are recorded. Returns the password of the first administrator
    when this call has invented it: it is known nowhere else.
    """
    log = audit_log(settings)
    database = Database(settings.database_url, log)
    try:
        database.upgrade()
        with database.transaction() as session:
            database.lock_out_other_starts(session.connection())
            log.begin(session)
            if is_start:
                note_settings(session, settings)
            return _make_accounts(session, settings)
    finally:
        database.dispose()


def session_secret(settings: Settings) -> str:
    """Return the secret behind sessions: as configured, else the one made once for this folder."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    return _own_secret(settings, "secret", "PHOENIX_SECRET")


def audit_log(settings: Settings) -> AuditLog:
    """Return the writer of the audit log, with the key as configured, else this folder's own."""
    if settings.audit_key is not None:
        text = settings.audit_key.get_secret_value()
    else:
        text = _own_secret(settings, "audit.key", "PHOENIX_AUDIT_KEY")
    days = settings.audit_retention_days
    return AuditLog(Key(text), timedelta(days=days) if days else None)


def _own_secret(settings: Settings, name: str, variable: str) -> str:
    """Return what the file *name* of the working directory holds, made at the first start."""
    path = settings.working_dir.expanduser().resolve() / name
    try:
        if not path.exists():
            _write_secret(path)
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}. Set {variable} instead."]) from error
    if fault := secret_fault(secret):
        raise ConfigError([f"{path}: {fault}"])
    return secret


def _write_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"a1{secrets.token_urlsafe(48)}")
        os.fsync(descriptor)
    try:
        # A link appears whole or not at all; of several processes that start at once one wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _make_accounts(session: Session, settings: Settings) -> str | None:
    users = UserStore(session)
    if users.find_by_email(SYSTEM_EMAIL) is None:
        _add(session, email=SYSTEM_EMAIL, username="system", role=Role.SYSTEM)
    invented = None
    passwords = passwords_of(settings)
    if not users.has_role(Role.ADMIN):
        told = settings.default_admin_initial_password
        password = told.get_secret_value() if told else passwords.random()
        invented = None if told else password
        if fault := passwords.fault(password, DEFAULT_ADMIN_EMAIL, "admin"):
            raise ConfigError([f"PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD: {fault}"])
        _add(
            session,
            email=DEFAULT_ADMIN_EMAIL,
            username="admin",
            role=Role.ADMIN,
            password_hash=passwords.hash(password),
            password_needs_reset=True,
        )
    for username, email in settings.admins.items():
        if users.find_by_email(email) is None and not users.has_username(username):
            # Nobody knows this password: the owner gets in when an administrator sets one.
            _add(
                session,
                email=email,
                username=username,
                role=Role.ADMIN,
                password_hash=passwords.hash(passwords.random()),
                password_needs_reset=True,
            )
            _log.info("made the administrator %s of PHOENIX_ADMINS", username)
    return invented


def _add(session: Session, **fields: Any) -> None:
    user = UserStore(session).add(**fields)
    record(session, user_created(user, BY_SERVER))
