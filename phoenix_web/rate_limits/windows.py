"""Sliding window counters in memory or in Redis."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

if TYPE_CHECKING:
    from phoenix_web.errors import Quota

#: The timeout for connecting to Redis, and again for its reply.
_TIMEOUT_SECONDS: Final = 0.25
#: The time between attempts to reach Redis after a failure.
_RETRY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class Windows(Protocol):
    """A counter for each quota and key."""

    def acquire(self, quota: Quota, key: str) -> int | None:
        """Count a request and return None, or return the seconds until the next is allowed."""
        ...


class MemoryWindows:
    """Counters of this process."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        # The storage is not atomic: of two simultaneous requests it could refuse both, or start a
        # timer twice, which raises.
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, key: str) -> int | None:
        """Count a request and return None, or return the seconds until the next is allowed."""
        with self._lock:
            return _acquire(self._storage, quota, key)


class RedisWindows:
    """Counters in Redis, or in *fallback* while Redis fails.

    An unreachable Redis must not stop or slow down sign-ins, so only one request in five seconds
    tries to reach it.
    """

    def __init__(self, url: str, fallback: MemoryWindows) -> None:
        # Imported here, because the library is optional.
        from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
        from redis.exceptions import ConnectionError as Disconnected  # noqa: PLC0415 - see above
        from redis.retry import Retry  # noqa: PLC0415 - see above

        self._fallback = fallback
        self._storage = RedisStorage(
            url,
            key_prefix="phoenix-web",
            wrap_exceptions=True,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            # A restarted Redis leaves dead connections in the pool, so retry these once. A timeout
            # is not retried.
            retry=Retry(NoBackoff(), 1, (Disconnected,)),  # type: ignore[arg-type]  # for redis
        )
        self._is_down = False
        self._retry_at = 0.0
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, key: str) -> int | None:
        """Count a request and return None, or return the seconds until the next is allowed."""
        if not self._may_try():
            return self._fallback.acquire(quota, key)
        try:
            wait = _acquire(self._storage, quota, key)
        except StorageError as error:
            self._is_down = True
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            _log.warning(
                "Redis is unreachable (%s): rate limits are counted in this process",
                type(error.storage_error).__name__,
            )
            return self._fallback.acquire(quota, key)
        self._is_down = False
        return wait

    def _may_try(self) -> bool:
        if not self._is_down:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._retry_at:
                return False
            self._retry_at = now + _RETRY_SECONDS
            return True


def _acquire(storage: MemoryStorage | RedisStorage, quota: Quota, key: str) -> int | None:
    item = RateLimitItemPerSecond(quota.amount, quota.seconds)
    if SlidingWindowCounterRateLimiter(storage).hit(item, quota.name, key):
        return None
    window, length = item.key_for(quota.name, key), item.get_expiry()
    previous, previous_left, current, current_left = storage.get_sliding_window(window, length)
    if current < quota.amount:
        # The weight of the previous window decreases until the next request fits.
        wait = previous_left - (quota.amount - current) * length / max(previous, 1)
    else:
        # The current window is full and counts as the previous one next.
        wait = current_left - length
    # Computed here, because `limits` reports 0 at the start of a window that is already full.
    return max(0, math.floor(wait)) + 1
