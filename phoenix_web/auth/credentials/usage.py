"""Recording of the first use of keys, in the background.

Uses are collected in memory and written every few seconds, so no request waits for the write. A
killed process loses the uses not yet written; the next use of such a key counts as its first.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import key_subject
from phoenix_web.errors import PhoenixError
from phoenix_web.store.accounts.keys import KeyStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from phoenix_web.audit.events import Actor
    from phoenix_web.store.database import Database

FLUSH_SECONDS: Final = 2.0
#: Keys per transaction, so that other writers do not wait long.
_BATCH: Final = 100
#: Maximum number of keys in memory; further keys are recorded on a later use.
_MAX_WAITING: Final = 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Use:
    at: datetime
    actor: Actor


class KeyUsage:
    """Queue of first uses in this process; each is recorded once across all processes."""

    def __init__(self, database: Database) -> None:
        """Write to *database* from a thread that starts with the first use in each process."""
        self._database = database
        self._waiting: dict[int, _Use] = {}
        #: Guards `_waiting`; released before any write to the database.
        self._waiting_lock = threading.Lock()
        self._flush_lock = threading.Lock()
        self._process: int | None = None

    def record_first_use(self, key_id: int, actor: Actor) -> None:
        """Queue the use of a key that had no recorded use when it was verified."""
        with self._waiting_lock:
            if key_id in self._waiting or len(self._waiting) >= _MAX_WAITING:
                return
            self._waiting[key_id] = _Use(datetime.now(UTC), actor)
            # A thread does not survive a fork: each process starts its own.
            if self._process == os.getpid():
                return
            self._process = os.getpid()
        threading.Thread(target=self._run, name="key usage", daemon=True).start()
        # atexit functions run after the last response of the worker.
        atexit.register(self.flush)

    def flush(self) -> None:
        """Write the queued uses; those that cannot be written now stay queued."""
        with self._flush_lock:
            if self._database.disposed.is_set():
                return
            with self._waiting_lock:
                # Updating rows in the order of their ids avoids deadlocks between processes.
                waiting = sorted(self._waiting.items())
            for start in range(0, len(waiting), _BATCH):
                batch = waiting[start : start + _BATCH]
                try:
                    self._write(batch)
                except PhoenixError as error:
                    _log.warning("recording first uses of %d keys postponed: %s", len(batch), error)
                    return
                with self._waiting_lock:
                    for key_id, _ in batch:
                        del self._waiting[key_id]

    def _write(self, batch: list[tuple[int, _Use]]) -> None:
        with self._database.transaction() as session:
            store = KeyStore(session)
            for key_id, use in batch:
                key = store.mark_used(key_id, use.at)
                if key is not None:
                    used_at = use.at.isoformat(timespec="milliseconds")
                    subject = key_subject(key)
                    event = Event(
                        AuditAction.KEY_FIRST_USED, use.actor, subject, detail={"used_at": used_at}
                    )
                    record(session, event)

    def _run(self) -> None:
        while not self._database.disposed.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception:  # noqa: BLE001 - the thread must survive any error
                _log.exception("cannot record the use of keys")
