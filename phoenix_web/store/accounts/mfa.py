"""Second factors in the store: the secret behind an authenticator app, and recovery codes."""

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
    """What a code of the user is compared with."""

    totp_secret: str = field(repr=False)
    #: The newest time step of which a code was taken.
    totp_step: int


class MfaStore:
    """Reads and writes second factors within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def find(self, user_id: int) -> SecondFactor | None:
        """Return the user's second factor, or None for whoever signs in by password alone."""
        row = self._session.execute(
            select(User.totp_secret, User.totp_step).where(User.id == user_id)
        ).first()
        if row is None or row.totp_secret is None or row.totp_step is None:
            return None
        return SecondFactor(row.totp_secret, row.totp_step)

    def enrol(self, user_id: int, factor: SecondFactor, digests: Collection[bytes]) -> bool:
        """Give the user *factor* and the recovery codes behind *digests*.

        Tells whether it was done: whoever has a second factor keeps it.
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
        """Take the second factor and the recovery codes away; tell whether there was one."""
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
        """Spend the time step and all before it; tell whether it was not spent yet.

        One statement decides, so of any number of tries with one code at once, one succeeds.
        """
        spent = self._session.execute(
            update(User)
            .where(User.id == user_id, User.totp_step < step)
            .values(totp_step=step)
            .returning(User.id)
        )
        return spent.first() is not None

    def replace_recovery_codes(self, user_id: int, digests: Collection[bytes]) -> None:
        """Let the codes behind *digests* take the place of those from before."""
        self._delete_recovery_codes(user_id)
        rows = [{"user_id": user_id, "digest": digest} for digest in digests]
        self._session.execute(insert(RecoveryCode), rows)

    def consume_recovery_code(self, user_id: int, digest: bytes) -> bool:
        """Spend the user's code behind *digest*; tell whether it was there."""
        spent = self._session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.user_id == user_id, RecoveryCode.digest == digest)
            .returning(RecoveryCode.id)
        )
        return spent.first() is not None

    def count_recovery_codes(self, user_id: int) -> int:
        """Return how many codes the user has left."""
        count = select(func.count()).where(RecoveryCode.user_id == user_id)
        return self._session.execute(count).scalar_one()

    def _delete_recovery_codes(self, user_id: int) -> None:
        self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
