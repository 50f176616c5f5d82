"""Units of work, migrations and constraints, on both databases."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import column, func, insert, inspect, select, table, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import phoenix_web.store
from phoenix_web.errors import Unavailable
from phoenix_web.policy import Role
from phoenix_web.store import migrations
from phoenix_web.store.accounts.login_attempts import LoginAttemptStore
from phoenix_web.store.accounts.models import ApiKey, User
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.database import Database
from phoenix_web.store.models import Base, UTCDateTime

if TYPE_CHECKING:
    from pathlib import Path


def _add_user(database: Database, name: str, role: Role = Role.MEMBER) -> int:
    with database.transaction() as session:
        return UserStore(session).add(email=f"{name}@example.com", username=name, role=role).id


def _count(database: Database) -> int:
    members = select(func.count()).where(User.role == Role.MEMBER)
    with database.reading() as session:
        return session.execute(members).scalar_one()


@pytest.mark.empty_database
def test_migrations_lead_to_the_tables_that_the_models_describe(database: Database) -> None:
    for module in pkgutil.walk_packages(phoenix_web.store.__path__, "phoenix_web.store."):
        if module.name.endswith(".models"):
            importlib.import_module(module.name)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []
        assert migrations.current(connection) == migrations.head()


@pytest.mark.empty_database
def test_a_lock_outlives_the_upgrade_that_counts_otherwise(database_url: str) -> None:
    database, now = Database(database_url), datetime.now(UTC)
    old = table("login_attempts", column("subject"), column("attempts"))
    for name in ("locked_until", "updated_at"):
        old.append_column(column(name, UTCDateTime()))
    locked = {"attempts": 5, "locked_until": now + timedelta(minutes=4), "updated_at": now}
    counted = {"attempts": 4, "locked_until": None, "updated_at": now}
    with database.engine.begin() as connection:
        command.upgrade(migrations.config(connection), "0005")
        connection.execute(
            insert(old), [{"subject": b"locked", **locked}, {"subject": b"counted", **counted}]
        )

    database.upgrade()

    with database.transaction() as session:
        store = LoginAttemptStore(session)
        assert store.lock(b"locked", now).locked_until == now + timedelta(minutes=4)
        assert store.lock(b"locked", now).expires_at == now + timedelta(minutes=4)
        assert store.lock(b"counted", now).expires_at <= now
    database.dispose()


@pytest.mark.empty_database
def test_many_may_upgrade_at_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(Database.upgrade, databases))

    with databases[0].engine.connect() as connection:
        assert inspect(connection).has_table("users")
        assert migrations.current(connection) == migrations.head()
    for one in databases:
        one.dispose()


def test_a_connection_to_a_file_that_cannot_be_opened_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    (tmp_path / "new.db-journal").mkdir()
    monkeypatch.setattr("phoenix_web.store.database.time.sleep", lambda _: pytest.fail("retried"))

    with pytest.raises(Unavailable), database.reading() as session:
        session.execute(text("SELECT 1"))
    database.dispose()


def test_the_first_connection_waits_for_a_writer(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    database = Database(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.2, writer.execute, ["COMMIT"])
        end.start()
        with database.reading() as session:
            assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        end.join()
    database.dispose()


def test_an_exception_undoes_the_unit_of_work(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            UserStore(session).add(email="a@example.com", username="a", role=Role.MEMBER)
            raise RuntimeError("after the write")

    with pytest.raises(RuntimeError):
        fail()
    assert _count(database) == 0


def test_parallel_units_of_work_all_succeed(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda n: _add_user(database, f"user{n}"), range(24)))

    assert len(set(ids)) == 24
    assert _count(database) == 24


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as session:
        UserStore(session).add(email="a@example.com", username="a", role=Role.MEMBER)
        assert _count(database) == 0
    assert _count(database) == 1


def test_ids_are_never_given_twice(database: Database) -> None:
    first = _add_user(database, "first")
    with database.transaction() as session:
        assert UserStore(session).delete(first)
        assert not UserStore(session).delete(first)

    assert _add_user(database, "second") > first


def test_moments_come_back_in_utc_whatever_they_were_given_in(database: Database) -> None:
    moment = datetime(2030, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    user_id = _add_user(database, "a")
    with database.transaction() as session:
        row = session.execute(
            insert(ApiKey)
            .values(_key(user_id, expires_at=moment))
            .returning(ApiKey.expires_at, ApiKey.created_at)
        ).one()

    assert row.expires_at == moment
    assert {row.expires_at.tzinfo, row.created_at.tzinfo} == {UTC}


def _key(user_id: int, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "user_id": user_id,
        "name": "a",
        "digest": b"x" * 32,
        "hint": "phx_u_",
    }
    return {**values, "created_at": datetime.now(UTC), **changes}


@pytest.mark.parametrize("change", [{"user_id": 999}, {"digest": b"y" * 32}])
def test_constraints_hold_what_the_code_promises(
    database: Database, change: dict[str, Any]
) -> None:
    user_id = _add_user(database, "a")
    with database.transaction() as session:
        session.execute(insert(ApiKey).values(_key(user_id, digest=b"y" * 32)))

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(insert(ApiKey).values({**_key(user_id), **change}))


def test_no_other_role_can_be_stored(database: Database) -> None:
    user_id = _add_user(database, "a")

    with pytest.raises(DBAPIError), database.transaction() as session:
        session.execute(text("UPDATE users SET role = 'ROOT' WHERE id = :id"), {"id": user_id})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_is_durable_and_keeps_its_promises(database: Database) -> None:
    with database.engine.connect() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_restart_of_postgresql_fails_no_verification(database: Database) -> None:
    statement = select(func.count()).select_from(User)
    assert database.find_row(statement, {}) is not None
    with database.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )

    assert database.find_row(statement, {}) is not None
