"""The audit log in both databases: appended in order, removed from its beginning alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phoenix_web.audit.chain import Key
from phoenix_web.audit.events import Actor, AuditAction, Event, Outcome, Subject
from phoenix_web.audit.verification import ChainBroken, verify_chain
from phoenix_web.store.audit.log import AuditLog, record
from phoenix_web.store.audit.reading import AuditFilters, AuditStore, batches
from phoenix_web.store.audit.retention import prune_events
from phoenix_web.store.database import Database
from phoenix_web.store.paging import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_web.audit.events import AuditEntry

pytestmark = pytest.mark.empty_database

KEY = Key("the-key-of-the-audit-log-0123456789")
DAY = timedelta(days=1)


@pytest.fixture
def open_database(database_url: str) -> Iterator[Callable[..., Database]]:
    """Call it for the test's database, with an audit log of its own."""
    opened = []

    def open_it(**options: Any) -> Database:
        log = AuditLog(options.pop("key", KEY), **options)
        database = Database(database_url, log)
        opened.append(database)
        database.upgrade()
        with database.transaction() as session:
            log.initialize(session)
        return database

    yield open_it
    for database in opened:
        database.dispose()


@pytest.fixture
def database(open_database: Callable[..., Database]) -> Database:
    return open_database()


def event(label: str = "a", action: AuditAction = AuditAction.KEY_ISSUED, **changes: Any) -> Event:
    return Event(action, Actor(), Subject("User", 1, label), **changes)


def append(database: Database, *labels: str) -> None:
    with database.transaction() as session:
        for label in labels:
            record(session, event(label))


def lines(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(AuditStore(session).all())


def is_proved(database: Database, *keys: Key) -> bool:
    with database.snapshot() as session:
        return is_proved_in(session, *keys)


def is_proved_in(session: Session, *keys: Key) -> bool:
    store = AuditStore(session)
    bounds = store.bounds()
    assert bounds is not None
    try:
        verify_chain(store.all(), *bounds, {key.id: key for key in keys or (KEY,)})
    except ChainBroken:
        return False
    return True


def pruned(database: Database, before: datetime, limit: int = 10_000) -> None:
    with database.transaction() as session:
        removal = prune_events(session, before, Actor(), limit)
        assert removal is not None
        record(session, removal)


def test_an_act_that_is_undone_leaves_no_line(database: Database) -> None:
    append(database, "before")

    def fail() -> None:
        with database.transaction() as session:
            record(session, event("undone"))
            raise RuntimeError("after the act")

    with pytest.raises(RuntimeError):
        fail()
    append(database, "after", "that")

    told = [(line.number, line.subject_label) for line in lines(database)]
    assert told == [(1, "before"), (2, "after"), (3, "that")]
    assert is_proved(database)


def test_what_cannot_be_recorded_cannot_be_done(database_url: str, database: Database) -> None:
    del database
    unaware = Database(database_url)

    with pytest.raises(KeyError), unaware.transaction() as session:
        record(session, event())
    unaware.dispose()


def test_many_append_at_once_from_two_pools_and_the_chain_holds(
    open_database: Callable[..., Database],
) -> None:
    databases = [open_database(), open_database()]

    def work(number: int) -> None:
        for turn in range(10):
            append(databases[number % 2], *[f"{number}.{turn}"] * (1 + turn % 2))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    found = lines(databases[0])
    assert [line.number for line in found] == list(range(1, 121))
    assert len({line.subject_label for line in found}) == 80
    assert is_proved(databases[0])


def test_lines_can_be_written_with_a_key_of_each_host(
    open_database: Callable[..., Database], caplog: pytest.LogCaptureFixture
) -> None:
    append(open_database(), "one")
    other = Key("the-key-of-another-host-0123456789")

    append(open_database(key=other), "two")

    assert "PHOENIX_AUDIT_KEY" in caplog.text
    assert not is_proved(open_database())
    assert is_proved(open_database(), KEY, other)


def test_the_database_refuses_to_change_or_to_remove_a_line(database: Database) -> None:
    append(database, "a", "b", "c")

    for statement in (
        "UPDATE audit_events SET subject_label = 'b' WHERE id = 1",
        "DELETE FROM audit_events WHERE id = 2",
        "DELETE FROM audit_events",
    ):
        with pytest.raises(DBAPIError, match="audit log"), database.transaction() as session:
            session.execute(text(statement))

    assert len(lines(database)) == 3


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_empty_the_log(database: Database) -> None:
    append(database, "a")

    with pytest.raises(DBAPIError, match="audit log"), database.transaction() as session:
        session.execute(text("TRUNCATE audit_events"))


#: What the database's owner can do, who needs no leave of a trigger.
TAMPERING = (
    "UPDATE audit_events SET detail = '{}', reason = 'no' WHERE id = 2",
    "UPDATE audit_events SET at = '2001-01-01 00:00:00.000000' WHERE id = 1",
    "DELETE FROM audit_events WHERE id = 2",
    "DELETE FROM audit_events WHERE id = 3",
    "DELETE FROM audit_events",
    "DELETE FROM audit_events WHERE id = 1; UPDATE audit_state SET pruned_number = 1",
    "UPDATE audit_events SET id = 9 WHERE id = 1; UPDATE audit_events SET id = 1 WHERE id = 2",
    "DELETE FROM audit_events WHERE id = 3; UPDATE audit_state SET number = 2",
)


def tamper(session: Session, statements: str) -> None:
    if session.get_bind().dialect.name == "sqlite":
        for trigger in ("audit_events_never_change", "audit_events_stay"):
            session.execute(text(f"DROP TRIGGER {trigger}"))
    else:
        session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER ALL"))
    for statement in statements.split(";"):
        session.execute(text(statement))


def test_what_is_done_past_the_triggers_is_found(database: Database) -> None:
    append(database, "a", "b", "c")

    for statements in TAMPERING:
        with Session(database.engine) as session:
            tamper(session, statements)
            assert not is_proved_in(session), statements
            session.rollback()

    assert is_proved(database)


def test_the_next_event_does_not_hide_a_cut_end(database: Database) -> None:
    append(database, "a", "b", "c")
    with database.transaction() as session:
        tamper(session, TAMPERING[-1])

    append(database, "d")

    assert [line.number for line in lines(database)] == [1, 2, 3]
    assert not is_proved(database)


def test_removal_takes_the_first_lines_of_a_day_and_leaves_a_provable_rest(
    database: Database,
) -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)
    for day in range(6):
        with time_machine.travel(start + day * DAY, tick=False):
            append(database, f"{day}a", f"{day}b")

    pruned(database, start + 2 * DAY, limit=3)
    assert lines(database)[0].number == 4
    pruned(database, start + 2 * DAY)

    left = lines(database)
    assert [line.subject_label for line in left[:2]] == ["2a", "2b"]
    assert [line.action for line in left[-2:]] == ["audit.pruned"] * 2
    assert left[-1].subject_label == "events 4 to 4"
    assert is_proved(database)
    with database.transaction() as session:
        assert prune_events(session, start + 2 * DAY, Actor(), 10) is None


def test_the_next_event_removes_what_is_older_than_it_may_be(
    open_database: Callable[..., Database],
) -> None:
    database = open_database(max_age=30 * DAY)
    start = datetime(2030, 1, 1, tzinfo=UTC)
    for day, label in ((0, "old"), (10, "young")):
        with time_machine.travel(start + day * DAY, tick=False):
            append(database, label)
    with time_machine.travel(start + 30.5 * DAY, tick=False):
        append(database, "within the day of grace")
    assert len(lines(database)) == 3

    with time_machine.travel(start + 31.5 * DAY, tick=False):
        append(database, "next")

    told = [(line.subject_label, line.credential_kind) for line in lines(database)]
    assert told == [
        ("young", None),
        ("within the day of grace", None),
        ("next", None),
        ("events 1 to 1", "server"),
    ]
    assert is_proved(database)


@pytest.fixture
def varied(database: Database) -> list[AuditEntry]:
    """Return eighty lines of every kind, oldest first; times repeat and go backwards a little."""
    random = Random(4)  # noqa: S311 - the same lines each time
    start = datetime(2030, 1, 1, tzinfo=UTC)
    for number in range(80):
        where = Actor(user_id=random.choice([None, 1, 2]), name="x")
        subject = Subject(random.choice(["User", "Session"]), random.choice([None, 1, 2]), "y")
        refusal = random.choice([None, None, "no"])
        action = random.choice(
            [AuditAction.LOGIN_FAILED, AuditAction.KEY_ISSUED, AuditAction.KEY_REVOKED]
        )
        moment = start + timedelta(minutes=number // 3 - random.randrange(2))
        with time_machine.travel(moment, tick=False), database.transaction() as session:
            record(session, Event(action, where, subject, refusal))
    return lines(database)


def choices() -> Iterator[AuditFilters]:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    for action, outcome, actor_id, subject, since in product(
        (None, AuditAction.KEY_ISSUED),
        (None, Outcome.REFUSED),
        (None, 2),
        (None, ("User", 1)),
        (None, start + timedelta(minutes=10)),
    ):
        until = since and since + timedelta(minutes=10)
        yield AuditFilters(action, outcome, actor_id, subject, since, until)


def fits(line: AuditEntry, filters: AuditFilters) -> bool:
    return (
        filters.action in {None, line.action}
        and filters.outcome in {None, line.outcome}
        and filters.actor_id in {None, line.actor_id}
        and filters.subject in {None, (line.subject_kind, line.subject_id)}
        and (filters.since is None or line.at >= filters.since)
        and (filters.until is None or line.at < filters.until)
    )


def test_every_filter_finds_its_lines_page_by_page_and_in_batches(
    database: Database, varied: list[AuditEntry]
) -> None:
    for filters in choices():
        fitting = [line for line in varied if fits(line, filters)]
        expected = sorted(fitting, key=lambda line: (line.at, line.number))
        found: list[AuditEntry] = []
        cursor, pages = None, 0
        with database.reading() as session:
            while pages == 0 or cursor is not None:
                page = AuditStore(session).page(filters, 7, cursor)
                found += page.items
                cursor = page.next_id
                pages += 1

        assert found == expected[::-1], filters
        assert pages == max(1, -(-len(expected) // 7))
        assert [line for batch in batches(database, filters) for line in batch] == expected


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_reads_or_sorts_the_whole_log(database: Database, varied: list[AuditEntry]) -> None:
    plans: list[str] = []

    with database.reading() as session:
        raw = session.connection().connection.driver_connection
        assert raw is not None
        for filters in choices():
            asked: list[str] = []
            raw.set_trace_callback(asked.append)
            AuditStore(session).page(filters, 7, varied[40].number)
            raw.set_trace_callback(None)
            plan = raw.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
            plans += [step[-1] for step in plan]

    assert len(plans) == 32
    assert [step for step in plans if "SEARCH" not in step or "USING INDEX" not in step] == []


def test_a_page_whose_first_line_is_removed_meanwhile_is_empty(database: Database) -> None:
    append(database, "a", "b", "c")
    with database.reading() as session:
        page = AuditStore(session).page(AuditFilters(), 1)
    pruned(database, datetime.now(UTC) + DAY)

    with database.reading() as session:
        assert ([line.subject_label for line in page.items], page.next_id) == (["c"], 2)
        assert AuditStore(session).page(AuditFilters(), 10, page.next_id) == Page([])


def test_a_snapshot_sees_nothing_of_what_comes_later(database: Database) -> None:
    append(database, "a", "b")
    with database.snapshot() as session:
        store = AuditStore(session)
        assert len(list(store.all())) == 2
        append(database, "c")
        pruned(database, datetime.now(UTC) + DAY)
        assert [line.subject_label for line in store.all()] == ["a", "b"]

    assert len(lines(database)) == 1
