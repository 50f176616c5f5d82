"""Rate limits: how often one client may ask, before anything about it is looked at.

They shed load. That passwords are not guessed does not depend on them: `auth.guesses` counts in
the database, whatever becomes of the counts here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import Quota, TooManyRequests
from phoenix_web.rate_limits.windows import MemoryWindows, RedisWindows

if TYPE_CHECKING:
    from phoenix_web.rate_limits.windows import Windows

#: The contract's measure, 12 at once and one more every five seconds, for each by itself.
SIGN_IN: Final = Quota("sign-in", 12, 60)
SIGN_IN_CODE: Final = Quota("sign-in-code", 12, 60)
PASSWORD_RESET_EMAIL: Final = Quota("password-reset-email", 12, 60)
PASSWORD_RESET: Final = Quota("password-reset", 12, 60)
#: Of one session, so that no neighbour behind the same proxy uses it up.
REFRESH: Final = Quota("refresh", 12, 60)


class RateLimits:
    """Counts the requests of clients, in this process or in Redis."""

    def __init__(self, redis_url: str | None, *, is_on: bool = True) -> None:
        """Share the counts through *redis_url*, if there is one; with *is_on* false, count none."""
        self._redis_url = redis_url
        self._is_on = is_on
        self._windows: Windows | None = None
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, holder: str) -> None:
        """Take one from the *quota* of *holder*; raise `TooManyRequests` when there is none."""
        if not self._is_on:
            return
        wait = self._of_this_process().acquire(quota, holder)
        if wait is not None:
            raise TooManyRequests("Too Many Requests", wait, quota)

    def _of_this_process(self) -> Windows:
        # Not made before the first use: a server forks after this object is made, and neither
        # connections nor the threads behind a memory may be shared.
        with self._lock:
            if self._windows is None:
                memory = MemoryWindows()
                self._windows = RedisWindows(self._redis_url, memory) if self._redis_url else memory
            return self._windows
