"""Changes of a user's own second factor: enrolment, new recovery codes and removal."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeTimedSerializer

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import user_subject
from phoenix_web.auth.credentials.access_tokens import derive_key
from phoenix_web.auth.mfa import codes
from phoenix_web.auth.mfa.challenges import password_proof
from phoenix_web.auth.sign_in.failure_audit import record_failures
from phoenix_web.errors import Conflict, ExpiredCredential, Invalid, WrongCode
from phoenix_web.store.accounts.mfa import MfaStore, SecondFactor
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.passwords.reauthentication import Reauthentication, ReauthenticationProof
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database

#: How long a pending enrolment is valid: long enough to install an app.
LIFETIME: Final = timedelta(minutes=30)
NO_PASSWORD: Final = "You do not sign in with a password here"  # noqa: S105 - a text
ALREADY_ON: Final = "Two-step sign-in is already on"
NOT_ON: Final = "Two-step sign-in is not on"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PendingEnrolment:
    """A second factor without its first code; only the form stores it.

    *secret* is in base32, for typing; *uri* contains the same for a QR code.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    #: The argument of `Enrolment.confirm`.
    token: str = field(repr=False)


class Enrolment:
    """The changes that users make to their own second factor.

    Every method except `confirm` verifies the password first. Turning two-step sign-in on or off
    ends all other sessions of the user. Methods open their own transactions.
    """

    def __init__(
        self, database: Database, reauthentication: Reauthentication, secret: str, issuer: str
    ) -> None:
        """Sign tokens with keys derived from *secret*; apps show *issuer* with the account."""
        self._database = database
        self._reauthentication = reauthentication
        self._issuer = issuer
        self._key = derive_key(secret, "second factor draft proof")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "second factor draft"), salt="second-factor-draft"
        )

    def start(self, user: UserInfo, current: str, actor: Actor) -> PendingEnrolment:
        """Start an enrolment for *user*, whose password is *current*; nothing is stored yet.

        Raises `InvalidCredential`, `TooManyRequests` and `Unavailable` as `Reauthentication` does,
        `Invalid` for a user without a password here, and `Conflict` if a second factor exists.
        """
        if user.auth_method != "LOCAL":
            raise Invalid(NO_PASSWORD)
        if user.mfa_enrolled_at is not None:
            raise Conflict(ALREADY_ON)
        with record_failures(self._database, AuditAction.MFA_ENROLLED, user.email, actor):
            proof = self._reauthentication.reauthenticate(user, current)
            with self._database.transaction() as session:
                self._reauthentication.confirm(session, proof)
        secret = codes.make_totp_secret()
        proven = password_proof(self._key, user.id, proof.password_hash or "")
        token = str(self._serializer.dumps([user.id, secret, proven]))
        return self._pending(user, secret, token)

    def resume(self, user: UserInfo, token: str) -> PendingEnrolment:
        """Return the pending enrolment in *token*.

        Raises `ExpiredCredential` for a token that is expired, forged or of another user.
        """
        return self._pending(user, self._read(user, token)[0], token)

    def confirm(
        self, user: UserInfo, token: str, code: str, session_id: int, actor: Actor
    ) -> list[str]:
        """Turn on two-step sign-in and return the recovery codes.

        *code* is the first one of the app; it cannot be used again. All sessions except
        *session_id* end.

        Raises `ExpiredCredential` as `resume` does and after a change of the password, `WrongCode`,
        and `Conflict` if a second factor exists.
        """
        recovery_codes = codes.make_recovery_codes()
        digests = [codes.recovery_code_digest(user.id, text) for text in recovery_codes]
        with record_failures(self._database, AuditAction.MFA_ENROLLED, user.email, actor):
            secret, proof = self._read(user, token)
            step = codes.matching_step(secret, code)
            if step is None:
                raise WrongCode(f"wrong first code of user {user.id}")
            with self._database.transaction() as session:
                hashed = UserStore(session).lock(user.id)
                # A new password ends the session that started the enrolment, and the enrolment too.
                if hashed is None or proof != password_proof(self._key, user.id, hashed):
                    raise ExpiredCredential(f"user {user.id} has changed their password")
                if not MfaStore(session).enrol(user.id, SecondFactor(secret, step), digests):
                    raise Conflict(ALREADY_ON)
                self._reauthentication.throttle.reset_codes(session, user.id)
                _end_other_sessions(session, AuditAction.MFA_ENROLLED, user, session_id, actor)
        _log.info("user %s turned on two-step sign-in", user.id)
        return recovery_codes

    def regenerate_recovery_codes(
        self, user: UserInfo, current: str, code: str, actor: Actor
    ) -> list[str]:
        """Replace the recovery codes and return the new ones; raises as `disable` does."""
        action = AuditAction.MFA_RECOVERY_CODES_RENEWED
        recovery_codes = codes.make_recovery_codes()
        digests = [codes.recovery_code_digest(user.id, text) for text in recovery_codes]
        with record_failures(self._database, action, user.email, actor):
            proof = self._prove(user, current, code)
            with self._database.transaction() as session:
                self._consume(session, proof, code, actor)
                MfaStore(session).replace_recovery_codes(user.id, digests)
                record(session, Event(action, actor, user_subject(user)))
        return recovery_codes

    def disable(
        self, user: UserInfo, current: str, code: str, session_id: int, actor: Actor
    ) -> None:
        """Turn off two-step sign-in; all sessions except *session_id* end.

        Raises `InvalidCredential` for a wrong password, `WrongCode`, `TooManyRequests` after too
        many of either, and `Conflict` without a second factor.
        """
        with record_failures(self._database, AuditAction.MFA_REMOVED, user.email, actor):
            proof = self._prove(user, current, code)
            with self._database.transaction() as session:
                self._consume(session, proof, code, actor)
                MfaStore(session).remove(user.id)
                _end_other_sessions(session, AuditAction.MFA_REMOVED, user, session_id, actor)
        _log.info("user %s turned off two-step sign-in", user.id)

    def _prove(self, user: UserInfo, current: str, code: str) -> ReauthenticationProof:
        """Verify the password and count the attempt at *code*; return the proof.

        Codes are counted separately, because a change of the password, which needs no code,
        resets the count of passwords.
        """
        proof = self._reauthentication.reauthenticate(user, current)
        if not codes.is_app_code(code):
            return proof
        throttle = self._reauthentication.throttle
        attempt = throttle.register_code(proof.attempt, user.id, is_signed_in=True)
        return replace(proof, attempt=attempt)

    def _consume(
        self, session: Session, proof: ReauthenticationProof, code: str, actor: Actor
    ) -> None:
        """Consume *code* and reset the counts; raise `InvalidCredential` or `WrongCode`."""
        self._reauthentication.confirm(session, proof)
        if codes.consume(session, proof.user, code, actor) is None:
            raise Conflict(NOT_ON)

    def _read(self, user: UserInfo, token: str) -> tuple[str, str]:
        """Return the secret in *token*, and the proof of the password it was started with."""
        try:
            user_id, secret, proven = self._serializer.loads(
                token, max_age=int(LIFETIME.total_seconds())
            )
        except BadData:
            user_id, secret, proven = None, "", ""
        if user_id != user.id:
            raise ExpiredCredential("enrolment token expired or forged")
        return secret, proven

    def _pending(self, user: UserInfo, secret: str, token: str) -> PendingEnrolment:
        return PendingEnrolment(secret, codes.totp_uri(secret, user.email, self._issuer), token)


def _end_other_sessions(
    session: Session, action: AuditAction, user: UserInfo, session_id: int, actor: Actor
) -> None:
    """End the sessions of *user* except *session_id*, and record *action*."""
    ended = SessionStore(session).delete_all(user.id, except_session=session_id)
    record(session, Event(action, actor, user_subject(user), detail={"sessions_ended": ended}))
