"""Tables of users, keys, sessions, second factors and password links."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.policy import Role
from phoenix_web.store.models import Base, Id, check_one_of

AUTH_METHODS = ["LOCAL", "OAUTH2", "LDAP"]


class LinkPurpose(StrEnum):
    """The reason for a password link."""

    RESET = "reset"
    INVITATION = "invitation"


class User(Base):
    """An account; the first row is the system user."""

    __tablename__ = "users"
    __table_args__ = (
        check_one_of("role", [role.value for role in Role]),
        check_one_of("auth_method", AUTH_METHODS),
        # The check for the last administrator must not scan all users.
        Index(None, "role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    #: In lower case, because addresses are compared without case.
    email: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str]
    #: The case-folded NFKC username, so that two names that look alike cannot coexist.
    username_key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(String(16))
    auth_method: Mapped[str] = mapped_column(String(16))
    #: An argon2id hash; None for an account without a password.
    password_hash: Mapped[str | None]
    password_needs_reset: Mapped[bool]
    oauth2_client_id: Mapped[str | None]
    oauth2_user_id: Mapped[str | None]
    profile_picture_url: Mapped[str | None]
    created_at: Mapped[datetime]
    #: The last change of the account; a sign-in is not a change.
    updated_at: Mapped[datetime]
    #: From this moment every credential of the user is rejected; None for an active account.
    deactivated_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    #: When two-step sign-in was turned on; None exactly if the next two columns are.
    mfa_enrolled_at: Mapped[datetime | None]
    #: In base32. The server computes codes from it, so it cannot be stored as a digest.
    totp_secret: Mapped[str | None] = mapped_column(String(32))
    #: The newest time step (RFC 6238) whose code was used; codes of earlier steps are rejected.
    totp_step: Mapped[int | None] = mapped_column(BigInteger)


class ApiKey(Base):
    """An API key, stored as a digest."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    description: Mapped[str | None]
    #: SHA-256 of the text; a fast hash is enough for 256 random bits.
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    #: The first characters of the text, to recognise the key in lists.
    hint: Mapped[str] = mapped_column(String(16))
    #: Identifies the submitted form, so that a repeated submission creates no second key.
    form_nonce: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    #: When it was first used; recorded some seconds later.
    first_used_at: Mapped[datetime | None]


class Session(Base):
    """An open session; deleted when it ends."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: The `jti` claim of the only valid access token.
    access_token_id: Mapped[str]
    created_at: Mapped[datetime]
    #: When the newest refresh token expires, and the session with it.
    expires_at: Mapped[datetime] = mapped_column(index=True)
    #: When the session was opened or last refreshed, and from which client. None for sessions
    #: opened by an older version.
    last_seen_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))


class RefreshToken(Base):
    """A refresh token of a session; used ones are kept to detect a replay."""

    __tablename__ = "refresh_tokens"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    session_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    spent_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A recovery code of a second factor; deleted when used."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: SHA-256 of the user id and the text; a fast hash is enough for 120 random bits.
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)


class LoginAttempts(Base):
    """The count of attempts of an account, a device, a network or a user, across all hosts."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "forget_at"),)

    #: A keyed digest: e-mail addresses are personal data, and users type passwords into that field.
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    attempts: Mapped[int]
    locked_until: Mapped[datetime | None]
    #: When the row expires.
    forget_at: Mapped[datetime]


class PasswordLink(Base):
    """The valid password link of a user; deleted when used or replaced."""

    __tablename__ = "password_links"
    __table_args__ = (
        check_one_of("purpose", [purpose.value for purpose in LinkPurpose]),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    #: Unique: a newer link replaces the older one.
    user_id: Mapped[int] = mapped_column(
        Id, ForeignKey("users.id", ondelete="CASCADE"), unique=True
    )
    purpose: Mapped[str] = mapped_column(String(16))
    #: The signed content of the token. Without the signature, which needs `PHOENIX_SECRET`, it
    #: gives no access. The mail with the token is composed when it is sent and never stored.
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
