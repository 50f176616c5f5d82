"""Known devices: the browsers in which somebody has signed in before, by a cookie.

A device is no credential. It decides where a failed attempt is counted, and nothing else.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeTimedSerializer

from phoenix_web.auth.credentials.access_tokens import derive_key

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo

#: How long a browser is known after the last sign-in in it.
LIFETIME: Final = timedelta(days=180)
#: How many accounts one browser is known to.
_MAX_ACCOUNTS: Final = 5
#: Of a proof; longer than anybody can guess.
_PROOF_BYTES: Final = 16


class KnownDevices:
    """Writes and reads the cookie: for each account a device and the proof that it is known.

    The proof is over the account and its password hash, so that the device is worth nothing for
    another account, and nothing once the password has changed, by whatever road. It names
    nobody: who reads the cookie does not learn who signs in here.
    """

    def __init__(self, secret: str) -> None:
        """Sign by keys that are derived from *secret* for this one purpose."""
        self._key = derive_key(secret, "known device")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "known device cookie"), salt="phoenix-device"
        )

    def verify(
        self, cookie: str | None, user: UserInfo | None, password_hash: str | None
    ) -> str | None:
        """Return the device that *cookie* proves to be known to *user*, or None."""
        if user is None or password_hash is None:
            return None
        return next(
            (
                device
                for device, proof in self._entries(cookie)
                if hmac.compare_digest(proof, self._proof(device, user, password_hash))
            ),
            None,
        )

    def remember(
        self, cookie: str | None, device: str | None, user: UserInfo, password_hash: str
    ) -> str:
        """Return the cookie by which the browser of *cookie* is known to *user* from now on.

        It keeps its *device*, if it is known, so that copies of older cookies share one count.
        """
        others = [
            [other, proof]
            for other, proof in self._entries(cookie)
            if not hmac.compare_digest(proof, self._proof(other, user, password_hash))
        ]
        known = device or secrets.token_urlsafe(16)
        entry = [known, self._proof(known, user, password_hash)]
        return str(self._serializer.dumps([entry, *others][:_MAX_ACCOUNTS]))

    def _entries(self, cookie: str | None) -> list[list[str]]:
        try:
            entries: list[list[str]] = self._serializer.loads(
                cookie or "", max_age=int(LIFETIME.total_seconds())
            )
        except BadData:
            return []
        return entries

    def _proof(self, device: str, user: UserInfo, password_hash: str) -> str:
        text = f"{device} {user.id} {password_hash}".encode()
        digest = hmac.digest(self._key, text, "sha256")[:_PROOF_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
