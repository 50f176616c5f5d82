"""Database preparation before the first request: schema, audit log and first accounts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from phoenix_web.audit.events import SERVER_ACTOR
from phoenix_web.auth import accounts
from phoenix_web.errors import Invalid
from phoenix_web.policy import Role
from phoenix_web.server.start_settings import record_settings
from phoenix_web.settings import ConfigError
from phoenix_web.store.accounts.users import DEFAULT_ADMIN_EMAIL, SYSTEM_EMAIL, UserStore
from phoenix_web.store.database import Database
from phoenix_web.web.services import audit_log, passwords_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.settings import Settings

_log = logging.getLogger(__name__)


def prepare(settings: Settings, *, is_start: bool = False) -> str | None:
    """Upgrade the database and create the accounts that must exist.

    Safe to run in several processes at once. *is_start* records settings that changed since the
    last start of a server. Returns the password of the first administrator if this call generated
    it; it is not stored in plain text.
    """
    log = audit_log(settings)
    database = Database(settings.database_url, log)
    try:
        database.upgrade()
        with database.transaction() as session:
            database.lock_for_startup(session.connection())
            log.initialize(session)
            if is_start:
                record_settings(session, settings)
            return _make_accounts(session, settings)
    finally:
        database.dispose()


def _make_accounts(session: Session, settings: Settings) -> str | None:
    users = UserStore(session)
    if users.find_by_email(SYSTEM_EMAIL) is None:
        system = accounts.NewAccount(SYSTEM_EMAIL, "system", Role.SYSTEM)
        accounts.create_built_in(session, system, SERVER_ACTOR)
    generated = None
    passwords = passwords_of(settings)
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
