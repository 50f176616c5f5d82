"""The database: engines, units of work, and what its failures mean to a caller."""

from __future__ import annotations

import threading
from contextlib import contextmanager
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

#: How long a write waits for another one before it is refused with 503.
LOCK_TIMEOUT_SECONDS = 5
#: Connections kept by one process for each of the two engines, and how many more at peaks.
_POOL = {"pool_size": 8, "max_overflow": 8, "pool_timeout": 10}
#: An arbitrary number that is ours among PostgreSQL's advisory locks.
_START_LOCK = 0x70686F656E6978
_STORAGE_MESSAGE = (
    "Database operations are disabled due to insufficient storage. "
    "Please delete old data or increase storage."
)


class Database:
    """One database as one process sees it; no connection is opened before the first use."""

    def __init__(self, url: str, audit_log: AuditLog | None = None) -> None:
        """Name the database by *url*: `sqlite:///path` or `postgresql+psycopg://...`.

        Without *audit_log* nothing can be done that must be recorded.
        """
        self.url = make_url(url)
        self._audit_log = audit_log
        #: Set when nobody may use the database any more.
        self.disposed = threading.Event()
        self.engine = _engine(self.url)
        # The verifier's look-up is one statement: a transaction around it would only cost time.
        self._reader = _engine(self.url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        self._lookups = Lookups(self._reader)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a unit of work that may write: committed at the end, rolled back on any exception.

        What it has recorded is written into the audit log last of all. Raises `Unavailable` when
        the lock cannot be had in time, `InsufficientStorage` when the disk is full.
        """
        info = session_info() if self._audit_log else None
        with Session(self.engine, expire_on_commit=False, info=info) as session, session.begin():
            yield session
            if self._audit_log:
                self._audit_log.write(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads and so never waits for a writer."""
        with Session(self._reader, autoflush=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a session that reads what is there at this moment, however long it takes."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        mode = "" if is_sqlite else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self.reading() as session:
            # The connection is in autocommit mode: it knows of no transaction but this one.
            session.execute(text(f"BEGIN{mode}"))
            try:
                yield session
            finally:
                session.execute(text("ROLLBACK"))

    def find_row(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        """Return the first row of *statement*, or None; the verifier's path, without ORM."""
        try:
            return self._look_up(statement, values)
        except Disconnected:
            # A restarted PostgreSQL leaves dead connections in the pool; the first failure
            # empties the pool, so that one more try tells a restart from an outage.
            return self._look_up(statement, values)

    def upgrade(self) -> None:
        """Bring the tables to the newest form; of several processes at once, one does the work."""
        with self.engine.begin() as connection:
            self.lock_for_startup(connection)
            migrations.upgrade(connection)

    def lock_for_startup(self, connection: Connection) -> None:
        """Let *connection* alone prepare the database until its transaction ends."""
        # SQLite needs no lock of its own: BEGIN IMMEDIATE is one.
        if self.url.get_backend_name() == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_START_LOCK)))

    def dispose(self) -> None:
        """Close every pooled connection, for good."""
        self.disposed.set()
        self.engine.dispose()
        self._reader.dispose()

    def _look_up(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        try:
            return self._lookups.first(statement, values)
        except self._reader.dialect.loaded_dbapi.Error as error:
            refusal = error_for(error, is_disconnect=False)
            if refusal is None:
                raise
            raise refusal from error


def _engine(url: URL, **options: Any) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    connect_args: dict[str, Any] = (
        {"timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False}
        if is_sqlite
        else {"connect_timeout": LOCK_TIMEOUT_SECONDS}
    )
    engine = create_engine(
        url,
        connect_args=connect_args,
        # Values of a failed statement, a password hash among them, stay out of the log.
        hide_parameters=True,
        **_POOL,
        **options,
    )
    event.listen(engine, "connect", _set_up_sqlite if is_sqlite else _set_up_postgresql)
    event.listen(engine, "handle_error", _translate)
    if is_sqlite:
        _make_private_file(url.database)
        if options.get("isolation_level") != "AUTOCOMMIT":
            event.listen(engine, "begin", _begin_immediate)
    return engine


def _make_private_file(path: str | None) -> None:
    """Make the database's file readable by its owner alone; it holds hashes and digests."""
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The sqlite3 module must not begin transactions by itself: `_begin_immediate` does.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    was_autocommit = connection.autocommit
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
    connection.execute("SET timezone = 'UTC'")
    connection.autocommit = was_autocommit


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first and then writes cannot wait for its lock.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


#: SQLite's result codes, and psycopg's exceptions, after which trying again is the answer.
_TRANSIENT = {
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "OperationalError",
}
#: The same for a disk without room; 53100 is PostgreSQL's SQLSTATE disk_full.
_FULL = {"SQLITE_FULL", "53100"}


def _translate(context: ExceptionContext) -> Exception | None:
    return error_for(context.original_exception, is_disconnect=context.is_disconnect)


def error_for(error: BaseException, *, is_disconnect: bool) -> PhoenixError | None:
    """Return what a failure of the database itself means to a caller, or None for a defect."""
    sqlite_code = getattr(error, "sqlite_errorname", None)
    if sqlite_code:
        # Extended codes name their primary code first: SQLITE_BUSY_SNAPSHOT.
        names = {"_".join(sqlite_code.split("_")[:2])}
    else:
        names = {kind.__name__ for kind in type(error).__mro__}
        names.add(str(getattr(error, "sqlstate", None)))
    if names & _FULL:
        return InsufficientStorage(_STORAGE_MESSAGE)
    if names & _TRANSIENT:
        return (Disconnected if is_disconnect else Unavailable)(BUSY)
    return None
