"""Rate limits of requests, checked before authentication to limit load.

They do not protect passwords: `auth.sign_in.throttling` counts failed attempts in the database.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import Quota, TooManyRequests
from phoenix_web.rate_limits.windows import MemoryWindows, RedisWindows

if TYPE_CHECKING:
    from phoenix_web.rate_limits.windows import Windows

# Phoenix allows 12 requests at once and one more every five seconds, counted for each route.
SIGN_IN: Final = Quota("sign-in", 12, 60)
SIGN_IN_CODE: Final = Quota("sign-in-code", 12, 60)
PASSWORD_RESET_EMAIL: Final = Quota("password-reset-email", 12, 60)
PASSWORD_RESET: Final = Quota("password-reset", 12, 60)
#: For each session, because clients behind one proxy share an address.
REFRESH: Final = Quota("refresh", 12, 60)


class RateLimits:
    """Counts requests in Redis if *redis_url* is set, else in this process.

    With *is_on* false, every request is allowed.
    """

    def __init__(self, redis_url: str | None, *, is_on: bool = True) -> None:
        self._redis_url = redis_url
        self._is_on = is_on
        self._windows: Windows | None = None
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, key: str) -> None:
        """Count a request against the *quota* of *key*; raise `TooManyRequests` if exceeded."""
        if not self._is_on:
            return
        wait = self._get_windows().acquire(quota, key)
        if wait is not None:
            raise TooManyRequests("Too Many Requests", wait, quota)

    def _get_windows(self) -> Windows:
        # Created on first use: gunicorn forks after this object is created, and processes must not
        # share connections or timer threads.
        with self._lock:
            if self._windows is None:
                memory = MemoryWindows()
                self._windows = RedisWindows(self._redis_url, memory) if self._redis_url else memory
            return self._windows
