"""What the application holds, and the one look-up of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from flask import current_app

from phoenix_web.auth.login import Login
from phoenix_web.auth.passwords import Passwords
from phoenix_web.auth.sessions import Sessions
from phoenix_web.auth.tokens import AccessTokens
from phoenix_web.auth.verifier import Verifier
from phoenix_web.store.database import Database

if TYPE_CHECKING:
    from phoenix_web.config import Settings

EXTENSION = "phoenix_web"


@dataclass(frozen=True, slots=True)
class Services:
    """One of each: made once for a process, used by every request."""

    settings: Settings
    database: Database
    passwords: Passwords
    sessions: Sessions
    login: Login
    verifier: Verifier


def build(settings: Settings, secret: str) -> Services:
    """Return the services for *settings*, with *secret* behind sessions; opens no connection."""
    database = Database(settings.database_url)
    passwords = passwords_of(settings)
    issuer = settings.root_url or "phoenix-web"
    tokens = AccessTokens(secret, issuer, settings.access_lifetime)
    reuse = timedelta(seconds=settings.refresh_reuse_seconds)
    sessions = Sessions(database, tokens, secret, settings.refresh_lifetime, reuse)
    is_locking = not settings.disable_brute_force_login_protection
    max_attempts = settings.brute_force_login_protection_max_attempts if is_locking else None
    login = Login(database, passwords, sessions, secret, max_attempts)
    admin_secret = settings.admin_secret.get_secret_value() if settings.admin_secret else None
    verifier = Verifier(database, tokens, admin_secret)
    return Services(settings, database, passwords, sessions, login, verifier)


def passwords_of(settings: Settings) -> Passwords:
    """Return how passwords are hashed and judged under *settings*."""
    return Passwords(
        settings.password_hash_memory_kib,
        settings.password_hash_iterations,
        is_strong=settings.enable_strong_password_policy,
    )


def services() -> Services:
    """Return the services of the running application."""
    return cast("Services", current_app.extensions[EXTENSION])
