"""The database: engines, transactions, and the translation of its errors."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, func, make_url, select, text
from sqlalchemy.orm import Session

from phoenix_web.errors import InsufficientStorage, PhoenixError, Unavailable
from phoenix_web.store import migrations
from phoenix_web.store.audit.log import session_info
from phoenix_web.store.lookups import BUSY, Disconnected, Lookups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import URL, Connection, Engine, Select
    from sqlalchemy.engine import ExceptionContext

    from phoenix_web.store.audit.log import AuditLog

#: How long a write waits for a lock before it fails with 503.
LOCK_TIMEOUT_SECONDS = 5
#: Connections per process and engine (there are two), and extra connections at peaks.
_POOL = {"pool_size": 8, "max_overflow": 8, "pool_timeout": 10}
_RETRY_SECONDS = 0.02
#: Key of the PostgreSQL advisory lock for start-up; arbitrary.
_START_LOCK = 0x70686F656E6978
_STORAGE_MESSAGE = (
    "Database operations are disabled due to insufficient storage. "
    "Please delete old data or increase storage."
)


class Database:
    """The engines of one database in this process; connections open on first use."""

    def __init__(
        self,
        url: str,
        audit_log: AuditLog | None = None,
        *,
        lock_timeout: int = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        """Connect to *url*: `sqlite:///path` or `postgresql+psycopg://...`.

        Without *audit_log*, recording an audit event raises an error. A statement waits for a lock
        for *lock_timeout* seconds.
        """
        self.url = make_url(url)
        self._audit_log = audit_log
        #: Set by `dispose`; background work ends when it is set.
        self.disposed = threading.Event()
        self.engine = _engine(self.url, lock_timeout)
        # Single reads run in autocommit mode: a transaction around them would only cost time.
        self._reader = _engine(
            self.url, lock_timeout, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
        )
        self._lookups = Lookups(self._reader)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session that commits at the end, or rolls back on any exception.

        Writes its recorded events to the audit log just before the commit. Raises `Unavailable`
        when a lock is not released in time, `InsufficientStorage` when the disk is full.
        """
        info = session_info() if self._audit_log else None
        with Session(self.engine, expire_on_commit=False, info=info) as session, session.begin():
            yield session
            if self._audit_log:
                self._audit_log.write(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read-only session, which never waits for a writer."""
        with Session(self._reader, autoflush=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a read-only session in which all statements see the same state."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        mode = "" if is_sqlite else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self.reading() as session:
            # The engine is in autocommit mode, so SQLAlchemy begins no transaction itself.
            session.execute(text(f"BEGIN{mode}"))
            try:
                yield session
            finally:
                session.execute(text("ROLLBACK"))

    def find_row(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        """Return the first row of *statement*, or None; faster than a session."""
        try:
            return self._look_up(statement, values)
        except Disconnected:
            # A restart of PostgreSQL leaves dead connections in the pool. The first failure
            # empties the pool, so the second attempt fails only during an outage.
            return self._look_up(statement, values)

    def upgrade(self) -> None:
        """Migrate the schema to the newest revision; safe in several processes at once."""
        with self.engine.begin() as connection:
            self.lock_for_startup(connection)
            migrations.upgrade(connection)

    def lock_for_startup(self, connection: Connection) -> None:
        """Exclude other starting processes until the transaction of *connection* ends."""
        # On SQLite, BEGIN IMMEDIATE already locks the database.
        if self.url.get_backend_name() == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_START_LOCK)))

    def dispose(self) -> None:
        """Close all pooled connections permanently."""
        self.disposed.set()
        self.engine.dispose()
        self._reader.dispose()

    def _look_up(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        try:
            return self._lookups.first(statement, values)
        except self._reader.dialect.loaded_dbapi.Error as error:
            translated = error_for(error, is_disconnect=False)
            if translated is None:
                raise
            raise translated from error


def _engine(url: URL, lock_timeout: int, **options: Any) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    connect_args: dict[str, Any] = (
        {"timeout": lock_timeout, "check_same_thread": False}
        if is_sqlite
        else {"connect_timeout": LOCK_TIMEOUT_SECONDS}
    )
    engine = create_engine(
        url,
        connect_args=connect_args,
        # Keeps the values of failed statements, such as password hashes, out of the log.
        hide_parameters=True,
        **_POOL,
        **options,
    )
    set_up = _set_up_sqlite if is_sqlite else _set_up_postgresql
    event.listen(engine, "connect", partial(set_up, lock_timeout))
    event.listen(engine, "handle_error", _translate)
    if is_sqlite:
        _make_private_file(url.database)
        if options.get("isolation_level") != "AUTOCOMMIT":
            event.listen(engine, "begin", _begin_immediate)
    return engine


def _make_private_file(path: str | None) -> None:
    """Create the database file readable only by its owner: it contains password hashes."""
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)


def _switch_to_wal(connection: Any, lock_timeout: int) -> None:
    """Switch a database that another process may be switching, or writing, at the same time."""
    deadline = time.monotonic() + lock_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait for a writer here, even with a timeout. Nothing else is retried:
            # on a full disk every new connection would hang until the timeout.
            is_busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _set_up_sqlite(lock_timeout: int, connection: Any, _record: object) -> None:
    # The sqlite3 module must not begin transactions by itself: `_begin_immediate` does.
    connection.isolation_level = None
    _switch_to_wal(connection, lock_timeout)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _set_up_postgresql(lock_timeout: int, connection: Any, _record: object) -> None:
    was_autocommit = connection.autocommit
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{lock_timeout}s'")
    connection.execute("SET timezone = 'UTC'")
    connection.autocommit = was_autocommit


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that upgrades from reading to writing fails instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


#: SQLite result codes and psycopg exceptions after which a retry may succeed.
_TRANSIENT = {
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "OperationalError",
}
#: Codes of a full disk; 53100 is PostgreSQL's SQLSTATE disk_full.
_FULL = {"SQLITE_FULL", "53100"}


def _translate(context: ExceptionContext) -> Exception | None:
    return error_for(context.original_exception, is_disconnect=context.is_disconnect)


def error_for(error: BaseException, *, is_disconnect: bool) -> PhoenixError | None:
    """Return the error to raise for a driver error, or None if it indicates a bug."""
    sqlite_code = getattr(error, "sqlite_errorname", None)
    if sqlite_code:
        # Extended codes start with their primary code: SQLITE_BUSY_SNAPSHOT.
        names = {"_".join(sqlite_code.split("_")[:2])}
    else:
        names = {kind.__name__ for kind in type(error).__mro__}
        names.add(str(getattr(error, "sqlstate", None)))
    if names & _FULL:
        return InsufficientStorage(_STORAGE_MESSAGE)
    if names & _TRANSIENT:
        return (Disconnected if is_disconnect else Unavailable)(BUSY)
    return None
