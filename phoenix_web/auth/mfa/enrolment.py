"""Getting a second factor, new recovery codes for it, and being rid of it, each by its owner."""

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

#: Long enough to install an app.
LIFETIME: Final = timedelta(minutes=30)
NO_PASSWORD: Final = "You do not sign in with a password here"  # noqa: S105 - a text
ALREADY_ON: Final = "Two-step sign-in is already on"
NOT_ON: Final = "Two-step sign-in is not on"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PendingEnrolment:
    """A second factor that nobody has confirmed: it stands in a form, and nowhere else."""

    #: Base32, for typing; `uri` is the same for a QR code.
    secret: str = field(repr=False)
    uri: str = field(repr=False)
    #: What `Enrolment.confirm` takes beside the first code.
    token: str = field(repr=False)


class Enrolment:
    """Changes of somebody's own second factor; all but the last step ask for the password.

    Each change ends all other sessions: nobody else stays in by what was asked of them before.
    """

    def __init__(
        self, database: Database, reauthentication: Reauthentication, secret: str, issuer: str
    ) -> None:
        """Sign drafts by *secret*; apps call the account by *issuer* and its address."""
        self._database = database
        self._reauthentication = reauthentication
        self._issuer = issuer
        self._key = derive_key(secret, "second factor draft proof")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "second factor draft"), salt="second-factor-draft"
        )

    def start(self, user: UserInfo, current: str, actor: Actor) -> PendingEnrolment:
        """Return a new draft for *user*, whose password is *current*; nothing is on yet.

        Raises `InvalidCredential`, `TooManyRequests` and `Unavailable` as a change of the password
        does, `Invalid` for whoever has none, and `Conflict` for whoever has a second factor.
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
        return self._draft(user, secret, token)

    def resume(self, user: UserInfo, token: str) -> PendingEnrolment:
        """Return the draft of *user* behind *token*; raise `ExpiredCredential` without a good one.

        It is good for half an hour.
        """
        return self._draft(user, self._read(user, token)[0], token)

    def confirm(
        self, user: UserInfo, token: str, code: str, session_id: int, actor: Actor
    ) -> list[str]:
        """Let sign-ins of *user* need a code from now on, and return the recovery codes.

        *code* is one that the app has made; it is spent. The session with *session_id* stays.

        Raises `ExpiredCredential` as `draft` does, and when the password is another one by now,
        `WrongCode`, and `Conflict` for whoever has a second factor by now.
        """
        with record_failures(self._database, AuditAction.MFA_ENROLLED, user.email, actor):
            return self._confirm(user, token, code, session_id, actor)

    def _confirm(
        self, user: UserInfo, token: str, code: str, session_id: int, actor: Actor
    ) -> list[str]:
        secret, proven = self._read(user, token)
        step = codes.matching_step(secret, code)
        if step is None:
            raise WrongCode(f"wrong first code of user {user.id}")
        made = codes.make_recovery_codes()
        digests = [codes.recovery_code_digest(user.id, text) for text in made]
        with self._database.transaction() as session:
            held = UserStore(session).lock(user.id)
            # A new password has ended the session that this draft came from.
            if held is None or proven != password_proof(self._key, user.id, held):
                raise ExpiredCredential(f"user {user.id} has another password than the draft")
            if not MfaStore(session).enrol(user.id, SecondFactor(secret, step), digests):
                raise Conflict(ALREADY_ON)
            self._reauthentication.throttle.reset_codes(session, user.id)
            _end_other_sessions(session, AuditAction.MFA_ENROLLED, user, session_id, actor)
        _log.info("user %s turned on two-step sign-in", user.id)
        return made

    def regenerate_recovery_codes(
        self, user: UserInfo, current: str, code: str, actor: Actor
    ) -> list[str]:
        """Return new recovery codes in place of all from before.

        Raises as `turn_off` does.
        """
        action = AuditAction.MFA_RECOVERY_CODES_RENEWED
        made = codes.make_recovery_codes()
        digests = [codes.recovery_code_digest(user.id, text) for text in made]
        with record_failures(self._database, action, user.email, actor):
            proof = self._prove(user, current, code)
            with self._database.transaction() as session:
                self._consume(session, proof, code, actor)
                MfaStore(session).replace_recovery_codes(user.id, digests)
                record(session, Event(action, actor, user_subject(user)))
        return made

    def disable(
        self, user: UserInfo, current: str, code: str, session_id: int, actor: Actor
    ) -> None:
        """Let sign-ins of *user* need no code any more.

        Raises `InvalidCredential` for a wrong password, `WrongCode`, `TooManyRequests` when either
        was so too often, and `Conflict` for whoever has no second factor.
        """
        with record_failures(self._database, AuditAction.MFA_REMOVED, user.email, actor):
            proof = self._prove(user, current, code)
            with self._database.transaction() as session:
                self._consume(session, proof, code, actor)
                MfaStore(session).remove(user.id)
                _end_other_sessions(session, AuditAction.MFA_REMOVED, user, session_id, actor)
        _log.info("user %s turned off two-step sign-in", user.id)

    def _prove(self, user: UserInfo, current: str, code: str) -> ReauthenticationProof:
        """Return the proof of the password, with the try of *code* counted beside it.

        A change of the password needs no code, and forgives what the password was counted for.
        """
        proof = self._reauthentication.reauthenticate(user, current)
        if not codes.is_app_code(code):
            return proof
        throttle = self._reauthentication.throttle
        attempt = throttle.register_wrong_code(proof.attempt, user.id, is_signed_in=True)
        return replace(proof, attempt=attempt)

    def _consume(
        self, session: Session, proof: ReauthenticationProof, code: str, actor: Actor
    ) -> None:
        """Raise unless the password still is as *proof* says, and *code* holds; forgive then."""
        self._reauthentication.confirm(session, proof)
        if codes.consume(session, proof.user, code, actor) is None:
            raise Conflict(NOT_ON)

    def _read(self, user: UserInfo, token: str) -> tuple[str, str]:
        """Return the secret in *token*, and the proof of the password that it was given for."""
        try:
            user_id, secret, proven = self._serializer.loads(
                token, max_age=int(LIFETIME.total_seconds())
            )
        except BadData:
            user_id, secret, proven = None, "", ""
        if user_id != user.id:
            raise ExpiredCredential("draft of a second factor expired, or none")
        return secret, proven

    def _draft(self, user: UserInfo, secret: str, token: str) -> PendingEnrolment:
        return PendingEnrolment(secret, codes.totp_uri(secret, user.email, self._issuer), token)


def _end_other_sessions(
    session: Session, action: AuditAction, user: UserInfo, session_id: int, actor: Actor
) -> None:
    """End all sessions of *user* but one, and record *action*."""
    ended = SessionStore(session).close_all(user.id, except_session=session_id)
    record(session, Event(action, actor, user_subject(user), detail={"sessions_ended": ended}))
