"""Preparation of the database before the first request: schema, audit log, first accounts."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from phoenix_web.audit.events import SERVER_ACTOR, AuditAction, Event, Subject
from phoenix_web.auth import accounts
from phoenix_web.errors import Invalid
from phoenix_web.policy import Role
from phoenix_web.settings import ConfigError
from phoenix_web.store.accounts.users import DEFAULT_ADMIN_EMAIL, SYSTEM_EMAIL, UserStore
from phoenix_web.store.audit.log import record
from phoenix_web.store.audit.reading import AuditFilters, AuditStore
from phoenix_web.store.database import LOCK_TIMEOUT_SECONDS, Database
from phoenix_web.web.services import audit_log, build_passwords

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.settings import Settings

_log = logging.getLogger(__name__)
#: Settings that may differ between the hosts of one database.
_HOST_SETTINGS: Final = frozenset({"working_dir", "host", "port", "workers", "threads"})
_MAX_VALUE_LENGTH: Final = 200
#: How long a server start waits for another process that is migrating or hashing passwords.
_START_TIMEOUT_SECONDS: Final = 60


def prepare(settings: Settings, *, is_start: bool = False) -> str | None:
    """Upgrade the database and create the accounts that must exist.

    Safe to run in several processes at once. *is_start* records settings that changed since the
    last start of a server. Returns the password of the first administrator if this call generated
    it; it is not stored in plain text.
    """
    log = audit_log(settings)
    lock_timeout = _START_TIMEOUT_SECONDS if is_start else LOCK_TIMEOUT_SECONDS
    database = Database(settings.database_url, log, lock_timeout=lock_timeout)
    try:
        database.upgrade()
        with database.transaction() as session:
            database.lock_for_startup(session.connection())
            log.initialize(session)
            if is_start:
                _record_settings(session, settings)
            return _create_accounts(session, settings)
    finally:
        database.dispose()


def _create_accounts(session: Session, settings: Settings) -> str | None:
    users = UserStore(session)
    if users.find_by_email(SYSTEM_EMAIL) is None:
        system = accounts.NewAccount(SYSTEM_EMAIL, "system", Role.SYSTEM)
        accounts.create_built_in(session, system, SERVER_ACTOR)
    generated = None
    passwords = build_passwords(settings)
    if not users.has_role(Role.ADMIN):
        configured = settings.default_admin_initial_password
        password = configured.get_secret_value() if configured else passwords.generate()
        generated = None if configured else password
        if fault := passwords.fault(password, DEFAULT_ADMIN_EMAIL, "admin"):
            raise ConfigError([f"PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD: {fault}"])
        admin = accounts.NewAccount(
            DEFAULT_ADMIN_EMAIL, "admin", Role.ADMIN, password_hash=passwords.hash(password)
        )
        accounts.create_built_in(session, admin, SERVER_ACTOR)
    for username, email in settings.admins.items():
        if users.find_by_email(email) is None and users.find_by_username(username) is None:
            # This password is never shown; an administrator sets another for the first sign-in.
            password_hash = passwords.hash(passwords.generate())
            new = accounts.NewAccount(email, username, Role.ADMIN, password_hash=password_hash)
            try:
                accounts.create(session, new, SERVER_ACTOR)
            except Invalid as error:
                raise ConfigError([f"PHOENIX_ADMINS: {error.message}"]) from error
            _log.info("created administrator %s from PHOENIX_ADMINS", username)
    return generated


def _record_settings(session: Session, settings: Settings) -> None:
    """Record the settings that differ from their defaults, if the last start had others."""
    values = _settings_as_dict(settings)
    newest = AuditStore(session).page(AuditFilters(action=AuditAction.SETTINGS_CHANGED), 1).items
    before = json.loads(newest[0].detail).get("settings", {}) if newest else {}
    changed = sorted(name for name in {*values, *before} if values.get(name) != before.get(name))
    if changed:
        subject = Subject("Settings", None, ", ".join(changed))
        event = Event(
            AuditAction.SETTINGS_CHANGED, SERVER_ACTOR, subject, detail={"settings": values}
        )
        record(session, event)


def _settings_as_dict(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults, with secrets and long values masked.

    A secret is shown as `set`, and a long value by its SHA-256 digest.
    """
    values = {}
    for name in sorted(settings.model_fields_set - _HOST_SETTINGS):
        value = getattr(settings, name)
        if value != type(settings).model_fields[name].default:
            text = "set" if isinstance(value, SecretStr) else str(value)
            is_short = len(text) <= _MAX_VALUE_LENGTH
            values[name] = text if is_short else sha256(text.encode()).hexdigest()
    return values
