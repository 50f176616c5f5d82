"""Sliding windows, kept in the memory of one process or in a Redis that several share."""

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

#: How long one request waits for Redis, to connect and again to be answered.
_TIMEOUT_SECONDS: Final = 0.25
#: How long nobody asks a Redis that has not answered.
_PAUSE_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class Windows(Protocol):
    """Counts for each quota and holder."""

    def acquire(self, quota: Quota, holder: str) -> int | None:
        """Take one, and return None; or return how many seconds there is none to take."""
        ...


class MemoryWindows:
    """Counts of this process alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._storage = MemoryStorage()
        # The storage counts first and looks after, and starts a timer in between: two at once
        # could refuse both of each other's requests, or start one timer twice, which fails.
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, holder: str) -> int | None:
        """Take one, and return None; or return how many seconds there is none to take."""
        with self._lock:
            return _acquire(self._storage, quota, holder)


class RedisWindows:
    """Counts in Redis and, while it does not answer, in this process.

    A Redis that is away must neither stop sign-ins nor slow them: one request in five seconds
    looks whether it is back, and the others do not wait for it.
    """

    def __init__(self, url: str, otherwise: MemoryWindows) -> None:
        """Name the Redis by *url*; nothing is connected before the first use."""
        # Imported here: the library is there only where somebody wants Redis.
        from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
        from redis.exceptions import ConnectionError as Disconnected  # noqa: PLC0415 - see above
        from redis.retry import Retry  # noqa: PLC0415 - see above

        self._otherwise = otherwise
        self._storage = RedisStorage(
            url,
            key_prefix="phoenix-web",
            wrap_exceptions=True,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            # Once more at once: a Redis that was restarted leaves dead connections in the pool.
            # One that hangs is not asked again.
            retry=Retry(NoBackoff(), 1, (Disconnected,)),  # type: ignore[arg-type]  # for redis
        )
        self._is_away = False
        self._look_again_at = 0.0
        self._lock = threading.Lock()

    def acquire(self, quota: Quota, holder: str) -> int | None:
        """Take one, and return None; or return how many seconds there is none to take."""
        if not self._may_ask():
            return self._otherwise.acquire(quota, holder)
        try:
            wait = _acquire(self._storage, quota, holder)
        except StorageError as error:
            self._is_away = True
            self._look_again_at = time.monotonic() + _PAUSE_SECONDS
            _log.warning(
                "Redis does not answer (%s): this process counts rate limits by itself",
                type(error.storage_error).__name__,
            )
            return self._otherwise.acquire(quota, holder)
        self._is_away = False
        return wait

    def _may_ask(self) -> bool:
        if not self._is_away:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._look_again_at:
                return False
            self._look_again_at = now + _PAUSE_SECONDS
            return True


def _acquire(storage: MemoryStorage | RedisStorage, quota: Quota, holder: str) -> int | None:
    item = RateLimitItemPerSecond(quota.amount, quota.seconds)
    if SlidingWindowCounterRateLimiter(storage).hit(item, quota.name, holder):
        return None
    key, length = item.key_for(quota.name, holder), item.get_expiry()
    previous, previous_left, current, current_left = storage.get_sliding_window(key, length)
    if current < quota.amount:
        # What was taken in the previous window counts for less and less, until one fits in.
        wait = previous_left - (quota.amount - current) * length / max(previous, 1)
    else:
        # The current one is remembered through the next.
        wait = current_left - length
    # The library's own figure is 0 at the start of a window that is full at once.
    return max(0, math.floor(wait)) + 1
