"""What must be there before the first request: the tables, the secret, the first accounts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from phoenix_web.audit.events import SERVER_ACTOR
from phoenix_web.auth.account_events import user_created
from phoenix_web.policy import Role
from phoenix_web.server.start_settings import note_settings
from phoenix_web.settings import ConfigError
from phoenix_web.store.accounts.users import DEFAULT_ADMIN_EMAIL, SYSTEM_EMAIL, UserStore
from phoenix_web.store.audit.log import record
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
            database.lock_out_other_starts(session.connection())
            log.initialize(session)
            if is_start:
                note_settings(session, settings)
            return _make_accounts(session, settings)
    finally:
        database.dispose()


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
        if users.find_by_email(email) is None and users.find_by_username(username) is None:
            # Nobody knows this password: the owner gets in when an administrator sets one.
            _add(
                session,
                email=email,
                username=username,
                role=Role.ADMIN,
                password_hash=passwords.hash(passwords.random()),
                password_needs_reset=True,
            )
            _log.info("created administrator %s from PHOENIX_ADMINS", username)
    return invented


def _add(session: Session, **fields: Any) -> None:
    user = UserStore(session).add(**fields)
    record(session, user_created(user, SERVER_ACTOR))
