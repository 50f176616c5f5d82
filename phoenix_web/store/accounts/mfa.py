"""Second factors in the store: TOTP secrets and recovery codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from phoenix_web.store.accounts.models import RecoveryCode, User

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The TOTP secret of a user and the last used time step."""

    totp_secret: str = field(repr=False)
    #: The newest time step (RFC 6238) whose code was used.
    totp_step: int


class MfaStore:
    """Store for second factors."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def find(self, user_id: int) -> SecondFactor | None:
        """Return the user's second factor, or None."""
        row = self._session.execute(
            select(User.totp_secret, User.totp_step).where(User.id == user_id)
        ).first()
        if row is None or row.totp_secret is None or row.totp_step is None:
            return None
        return SecondFactor(row.totp_secret, row.totp_step)

    def enrol(self, user_id: int, factor: SecondFactor, digests: Collection[bytes]) -> bool:
        """Store *factor* and the *digests* of recovery codes.

        Returns False, and changes nothing, if the user has a second factor.
        """
        now = datetime.now(UTC)
        enrolled = self._session.execute(
            update(User)
            .where(User.id == user_id, User.mfa_enrolled_at.is_(None))
            .values(
                mfa_enrolled_at=now,
                totp_secret=factor.totp_secret,
                totp_step=factor.totp_step,
                updated_at=now,
            )
            .returning(User.id)
        )
        if enrolled.first() is None:
            return False
        self.replace_recovery_codes(user_id, digests)
        return True

    def remove(self, user_id: int) -> bool:
        """Delete the second factor and the recovery codes; return whether there was one."""
        removed = self._session.execute(
            update(User)
            .where(User.id == user_id, User.mfa_enrolled_at.is_not(None))
            .values(
                mfa_enrolled_at=None,
                totp_secret=None,
                totp_step=None,
                updated_at=datetime.now(UTC),
            )
            .returning(User.id)
        )
        self._delete_recovery_codes(user_id)
        return removed.first() is not None

    def consume_step(self, user_id: int, step: int) -> bool:
        """Mark the time step and all earlier ones as used; return False if it was used before.

        A single UPDATE: of concurrent attempts with one code, exactly one succeeds.
        """
        consumed = self._session.execute(
            update(User)
            .where(User.id == user_id, User.totp_step < step)
            .values(totp_step=step)
            .returning(User.id)
        )
        return consumed.first() is not None

    def replace_recovery_codes(self, user_id: int, digests: Collection[bytes]) -> None:
        """Replace the user's recovery codes by those with *digests*."""
        self._delete_recovery_codes(user_id)
        rows = [{"user_id": user_id, "digest": digest} for digest in digests]
        self._session.execute(insert(RecoveryCode), rows)

    def consume_recovery_code(self, user_id: int, digest: bytes) -> bool:
        """Delete the user's recovery code with *digest*; return whether it existed."""
        consumed = self._session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.user_id == user_id, RecoveryCode.digest == digest)
            .returning(RecoveryCode.id)
        )
        return consumed.first() is not None

    def count_recovery_codes(self, user_id: int) -> int:
        """Return the number of unused recovery codes of the user."""
        count = select(func.count()).where(RecoveryCode.user_id == user_id)
        return self._session.execute(count).scalar_one()

    def _delete_recovery_codes(self, user_id: int) -> None:
        self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
