"""An authenticator app, as a test holds it in its hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyotp

from phoenix_web.audit.events import Actor
from phoenix_web.store.accounts.users import UserStore
from tests.factories import services_of

if TYPE_CHECKING:
    from flask import Flask

    from tests.factories import SignedIn

STEP_SECONDS = 30


@dataclass(frozen=True)
class Authenticator:
    """Makes the codes of one account."""

    secret: str
    recovery_codes: tuple[str, ...] = ()

    def code(self, steps: int = 0) -> str:
        """Return the code that is shown now, or so many steps from now."""
        step = int(datetime.now(UTC).timestamp()) // STEP_SECONDS + steps
        return str(pyotp.TOTP(self.secret).generate_otp(step))

    def wrong_code(self) -> str:
        """Return a code that is shown neither now nor at a time near now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(9)) if code not in near)


def enrol(app: Flask, user: SignedIn) -> Authenticator:
    """Give *user* a second factor, and return it; the code that is shown now is still good."""
    services = services_of(app)
    with services.database.reading() as session:
        found = UserStore(session).find(user.user_id)
    assert found is not None
    session_id = services.verifier.verify_session(user.access_token).credential_id
    assert session_id is not None
    draft = services.enrolment.start(found, user.password, Actor())
    first = Authenticator(draft.secret).code(-1)
    codes = services.enrolment.confirm(found, draft.token, first, session_id, Actor())
    return Authenticator(draft.secret, tuple(codes))
