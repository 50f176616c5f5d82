"""API keys in the store, except their text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from phoenix_web.errors import Conflict, FormAlreadyUsed
from phoenix_web.policy import Role
from phoenix_web.store.accounts.models import ApiKey, User
from phoenix_web.store.accounts.users import USER_COLUMNS
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import violated_constraint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as lists show it: without text or digest."""

    id: int
    user_id: int
    name: str
    description: str | None
    hint: str
    created_at: datetime
    expires_at: datetime | None

    @property
    def is_expired(self) -> bool:
        """Return whether the key has expired."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """A key with its owner."""

    key: KeyInfo
    username: str
    email: str
    role: Role


_COLUMNS: Final = (
    ApiKey.id,
    ApiKey.user_id,
    ApiKey.name,
    ApiKey.description,
    ApiKey.hint,
    ApiKey.created_at,
    ApiKey.expires_at,
)

#: The query that verifies a key: the key and its owner.
FIND_BY_DIGEST: Final = (
    select(ApiKey.id, ApiKey.expires_at, ApiKey.first_used_at.is_(None), *USER_COLUMNS)
    .join(User, User.id == ApiKey.user_id)
    .where(
        ApiKey.digest == bindparam("digest"),
        ApiKey.revoked_at.is_(None),
        User.deactivated_at.is_(None),
    )
)

_OWNED: Final = (
    select(*_COLUMNS, User.username, User.email, User.role)
    .join(User, User.id == ApiKey.user_id)
    .where(ApiKey.revoked_at.is_(None))
)


class KeyStore:
    """Store for keys."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def list_for(self, user_id: int, *, with_expired: bool = False) -> list[KeyInfo]:
        """Return the user's keys, newest first, optionally with the expired ones."""
        statement = (
            select(*_COLUMNS)
            .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
            .order_by(ApiKey.id.desc())
        )
        if not with_expired:
            statement = statement.where(is_unexpired())
        return [KeyInfo(*row) for row in self._session.execute(statement)]

    def page_of_user_keys(self, limit: int, cursor: int | None) -> Page[OwnedKey]:
        """Return up to *limit* valid user keys, newest first, from id *cursor* on."""
        statement = _OWNED.where(User.role != Role.SYSTEM.value, is_unexpired())
        return read_page(
            self._session, newest_first(statement, ApiKey.id, cursor), limit, _owned_from
        )

    def list_all(self, user_id: int | None = None) -> list[OwnedKey]:
        """Return all valid keys, system keys included, or those of one user, newest first."""
        statement = _OWNED.where(is_unexpired()).order_by(ApiKey.id.desc())
        if user_id is not None:
            statement = statement.where(ApiKey.user_id == user_id)
        return [_owned_from(row) for row in self._session.execute(statement)]

    def find_owned(self, key_id: int, user_id: int) -> KeyInfo | None:
        """Return the user's key with *key_id*, or None if it is revoked or missing."""
        return self._one(select(*_COLUMNS).where(ApiKey.id == key_id, ApiKey.user_id == user_id))

    def find_revoked(self, key_id: int, user_id: int) -> KeyInfo | None:
        """Return the user's revoked key with *key_id*, or None."""
        row = self._session.execute(
            select(*_COLUMNS).where(
                ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_not(None)
            )
        ).first()
        return None if row is None else KeyInfo(*row)

    def find_user_key(self, key_id: int) -> KeyInfo | None:
        """Return the user key with *key_id*, of any user, or None if it is revoked or missing."""
        return self._one(
            select(*_COLUMNS)
            .join(User, User.id == ApiKey.user_id)
            .where(ApiKey.id == key_id, User.role != Role.SYSTEM.value)
        )

    def add(  # noqa: PLR0913 - one argument a column
        self,
        *,
        user_id: int,
        name: str,
        description: str | None,
        digest: bytes,
        hint: str,
        expires_at: datetime | None,
        form_nonce: str | None = None,
    ) -> KeyInfo:
        """Add a key and return it.

        Raises `FormAlreadyUsed` if a key with *form_nonce* exists, and `Conflict` if the owner has
        been deleted.
        """
        values: dict[str, Any] = {
            "user_id": user_id,
            "name": name,
            "description": description,
            "digest": digest,
            "hint": hint,
            "expires_at": expires_at,
            "form_nonce": form_nonce,
            "created_at": datetime.now(UTC),
        }
        try:
            row = self._session.execute(insert(ApiKey).values(values).returning(*_COLUMNS)).one()
        except IntegrityError as error:
            # Digests do not collide, so only the nonce or the foreign key can be violated.
            if "form_nonce" in violated_constraint(error):
                raise FormAlreadyUsed("This form has already made its key.") from error
            raise Conflict("The owner is gone.") from error
        return KeyInfo(*row)

    def revoke(self, key_id: int) -> bool:
        """Revoke the key; return False if it was revoked before."""
        revoked = self._session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
            .returning(ApiKey.id)
        )
        return revoked.first() is not None

    def mark_used(self, key_id: int, at: datetime) -> KeyInfo | None:
        """Store the first use of the key and return the key, or None if it had one or is deleted.

        A single UPDATE: of all processes and hosts exactly one records the first use.
        """
        used = self._session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, ApiKey.first_used_at.is_(None))
            .values(first_used_at=at)
            .returning(*_COLUMNS)
        ).first()
        return None if used is None else KeyInfo(*used)

    def _one(self, statement: Select[*tuple[Any, ...]]) -> KeyInfo | None:
        row = self._session.execute(statement.where(ApiKey.revoked_at.is_(None))).first()
        return None if row is None else KeyInfo(*row)


def _owned_from(row: Sequence[Any]) -> OwnedKey:
    *columns, username, email, role = row
    return OwnedKey(KeyInfo(*columns), username, email, Role(role))


def is_unexpired() -> ColumnElement[bool]:
    """Return the condition that a key has not expired."""
    return or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > datetime.now(UTC))
