"""Known devices: browsers that users have signed in with before, recognised by a cookie.

A known device is not a credential. It only decides which count a failed attempt is added to.
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

#: How long a browser stays known after its last sign-in.
DEVICE_LIFETIME: Final = timedelta(days=180)
#: Maximum number of accounts per browser.
_MAX_ACCOUNTS: Final = 5
#: Bytes of each MAC in the cookie.
_PROOF_BYTES: Final = 16


class KnownDevices:
    """Signer and verifier of the cookie: a device id and a MAC for each account.

    The MAC covers the user id and the password hash, so it is not valid for another account or
    after any change of the password. The cookie does not contain the accounts.
    """

    def __init__(self, secret: str) -> None:
        """Sign with keys derived from *secret*."""
        self._key = derive_key(secret, "known device")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "known device cookie"), salt="phoenix-device"
        )

    def verify(
        self, cookie: str | None, user: UserInfo | None, password_hash: str | None
    ) -> str | None:
        """Return the device id in *cookie* that is known to *user*, or None."""
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
        """Return a cookie that also makes the browser a known device of *user*.

        A known *device* keeps its id, so that copies of older cookies share one count.
        """
        others = [
            [other, proof]
            for other, proof in self._entries(cookie)
            if not hmac.compare_digest(proof, self._proof(other, user, password_hash))
        ]
        device_id = device or secrets.token_urlsafe(16)
        entry = [device_id, self._proof(device_id, user, password_hash)]
        return str(self._serializer.dumps([entry, *others][:_MAX_ACCOUNTS]))

    def _entries(self, cookie: str | None) -> list[list[str]]:
        try:
            entries: list[list[str]] = self._serializer.loads(
                cookie or "", max_age=int(DEVICE_LIFETIME.total_seconds())
            )
        except BadData:
            return []
        return entries

    def _proof(self, device: str, user: UserInfo, password_hash: str) -> str:
        text = f"{device} {user.id} {password_hash}".encode()
        digest = hmac.digest(self._key, text, "sha256")[:_PROOF_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
