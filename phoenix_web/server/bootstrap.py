"""What must be there before the first request: the tables, the secret, the first accounts."""

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
    invented = None
    passwords = passwords_of(settings)
    if not users.has_role(Role.ADMIN):
        told = settings.default_admin_initial_password
        password = told.get_secret_value() if told else passwords.generate()
        invented = None if told else password
        if fault := passwords.fault(password, DEFAULT_ADMIN_EMAIL, "admin"):
            raise ConfigError([f"PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD: {fault}"])
        admin = accounts.NewAccount(
            DEFAULT_ADMIN_EMAIL, "admin", Role.ADMIN, password_hash=passwords.hash(password)
        )
        accounts.create_built_in(session, admin, SERVER_ACTOR)
    for username, email in settings.admins.items():
        if users.find_by_email(email) is None and users.find_by_username(username) is None:
            # The password is not shown: the user signs in once an administrator has set another.
            password_hash = passwords.hash(passwords.generate())
            new = accounts.NewAccount(email, username, Role.ADMIN, password_hash=password_hash)
            try:
                accounts.create(session, new, SERVER_ACTOR)
            except Invalid as error:
                raise ConfigError([f"PHOENIX_ADMINS: {error.message}"]) from error
            _log.info("created administrator %s from PHOENIX_ADMINS", username)
    return invented
