"""The chain finds every change to the log, and proves what retention has left."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phoenix_web.audit.chain import START, Key, canonical
from phoenix_web.audit.events import Actor, AuditAction, AuditEntry, Event, Outcome, Subject
from phoenix_web.audit.verification import ChainBroken, Checkpoint, End, Head, verify_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = Key("the-key-of-the-audit-log-0123456789")
OTHER_KEY = Key("another-key-of-the-log-0123456789")
MOMENT = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Log:
    """A log as a database holds it."""

    entries: list[AuditEntry]
    checkpoint: Checkpoint
    end: End

    def prove(self, *keys: Key, saved: Head | None = None) -> Head:
        known = {key.id: key for key in keys or (KEY,)}
        return verify_chain(iter(self.entries), self.checkpoint, self.end, known, saved)

    def is_proved(self, saved: Head | None = None) -> bool:
        try:
            self.prove(saved=saved)
        except ChainBroken:
            return False
        return True

    def appended(self, event: Event, key: Key = KEY) -> Log:
        number = self.end.number + 1
        entry = event.to_entry(number, MOMENT + timedelta(seconds=number), key.id)
        entry = replace(entry, mac=key.mac(self.end.link, entry))
        return Log([*self.entries, entry], self.checkpoint, End(entry.number, key.link(entry.mac)))

    def pruned(self, count: int) -> Log:
        """Return the log without its first *count* lines, removed as retention does it."""
        last = self.entries[count - 1]
        checkpoint = Checkpoint(last.number, last.mac, last.key_id)
        subject = Subject("AuditLog", None, "")
        event = Event(AuditAction.AUDIT_PRUNED, Actor(), subject, detail=checkpoint.as_dict)
        return Log(self.entries[count:], checkpoint, self.end).appended(event)


EMPTY = Log([], Checkpoint(0, START, KEY.id), End(0, KEY.link(START)))

_texts = st.text(max_size=8)
_numbers = st.integers(1, 2**63 - 1)
events = st.builds(
    Event,
    st.sampled_from(AuditAction),
    st.builds(
        Actor,
        st.none() | _numbers,
        st.none() | _texts,
        st.sampled_from([None, "session", "user key"]),
        st.none() | _numbers,
        st.none() | _texts,
        st.none() | _texts,
    ),
    st.builds(Subject, st.sampled_from(["User", "Session"]), st.none() | _numbers, _texts),
    st.none() | _texts,
    st.dictionaries(_texts, _texts | st.integers() | st.none(), max_size=2),
)


def log_of(told: Sequence[Event]) -> Log:
    log = EMPTY
    for event in told:
        log = log.appended(event)
    return log


logs = st.lists(events, min_size=1, max_size=6).map(log_of)


def place_in(data: st.DataObject, log: Log, start: int = 0) -> int:
    return data.draw(st.integers(start, len(log.entries) - 1))


def renumbered(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    return [replace(entry, number=n) for n, entry in enumerate(entries, start=1)]


@given(logs)
def test_a_log_as_it_was_written_is_proved(log: Log) -> None:
    head = log.prove()

    assert (head.number, head.mac) == (len(log.entries), log.entries[-1].mac)


@given(logs, st.data())
def test_any_change_of_a_line_is_found(log: Log, data: st.DataObject) -> None:
    place = place_in(data, log)
    entry = log.entries[place]
    name = data.draw(st.sampled_from([field.name for field in fields(AuditEntry)]))
    value: Any = data.draw(
        {
            "at": st.datetimes(timezones=st.just(UTC)),
            "number": _numbers,
            "actor_id": st.none() | _numbers,
            "credential_id": st.none() | _numbers,
            "subject_id": st.none() | _numbers,
            "outcome": st.sampled_from([outcome.value for outcome in Outcome]),
            "key_id": st.just(OTHER_KEY.id),
            "mac": st.binary(min_size=32, max_size=32),
        }.get(name, st.none() | _texts)
    )
    assume(value != getattr(entry, name))

    entries = [*log.entries]
    entries[place] = replace(entry, **{name: value})

    assert not replace(log, entries=entries).is_proved()
    with pytest.raises(ChainBroken):
        replace(log, entries=entries).prove(KEY, OTHER_KEY)


@given(events, events)
def test_two_lines_that_differ_are_never_spelt_alike(one: Event, other: Event) -> None:
    first, second = (event.to_entry(1, MOMENT, KEY.id) for event in (one, other))

    assert (canonical(first) == canonical(second)) is (first == second)


@given(logs, st.data(), st.booleans())
def test_a_removed_line_is_found(log: Log, data: st.DataObject, closes_ranks: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    place = place_in(data, log)
    entries = log.entries[:place] + log.entries[place + 1 :]

    left = renumbered(entries) if closes_ranks else entries

    assert not replace(log, entries=left).is_proved()
    assert not replace(log, entries=left, end=End(len(left), log.end.link)).is_proved()


@given(logs, st.data(), st.binary(min_size=32, max_size=32))
def test_a_cut_end_is_found_by_whoever_has_no_older_copy(
    log: Log, data: st.DataObject, guess: bytes
) -> None:
    """Every MAC that is left is known, and yet not the link that belongs behind it."""
    place = place_in(data, log)
    left = log.entries[:place]

    for link in (log.end.link, guess, left[-1].mac if left else START):
        assert not replace(log, entries=left, end=End(place, link)).is_proved()


@given(logs, st.data(), events)
def test_with_a_copy_of_the_older_end_a_cut_end_shows_against_a_saved_head(
    log: Log, data: st.DataObject, other: Event
) -> None:
    place = place_in(data, log)
    left = log.entries[:place]
    last = left[-1].mac if left else START
    older = replace(log, entries=left, end=End(place, KEY.link(last)))
    saved = log.prove()

    assert older.is_proved()
    assert not older.is_proved(saved=saved)
    assert log.is_proved(saved=saved)
    assert log.appended(other).is_proved(saved=saved)
    rewritten = older
    while rewritten.end.number < saved.number:
        rewritten = rewritten.appended(other)
    assert rewritten.is_proved(saved=saved) is (rewritten.entries == log.entries)


@given(st.lists(events, min_size=2, max_size=6, unique_by=repr).map(log_of), st.data())
def test_swapped_lines_are_found(log: Log, data: st.DataObject) -> None:
    one = place_in(data, log)
    other = data.draw(st.integers(0, len(log.entries) - 1).filter(lambda place: place != one))
    entries = [*log.entries]
    entries[one], entries[other] = entries[other], entries[one]

    assert not replace(log, entries=entries).is_proved()
    assert not replace(log, entries=renumbered(entries)).is_proved()


@given(logs, events, st.data(), st.booleans())
def test_an_inserted_line_is_found(
    log: Log,
    event: Event,
    data: st.DataObject,
    is_copy: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    place = data.draw(st.integers(0, len(log.entries)))
    # Made with all that stands in the database, and without the key.
    forged = event.to_entry(place + 1, MOMENT, KEY.id)
    forged = replace(forged, mac=OTHER_KEY.mac(log.end.link, forged))
    line = log.entries[place_in(data, log)] if is_copy else forged
    entries = [*log.entries[:place], line, *log.entries[place:]]

    assert not replace(log, entries=entries).is_proved()
    moved = replace(log, entries=renumbered(entries))
    assert not moved.is_proved()
    assert not replace(moved, end=End(len(entries), log.end.link)).is_proved()


@given(logs, st.data())
def test_what_retention_leaves_is_proved_and_goes_on(log: Log, data: st.DataObject) -> None:
    saved = log.prove()
    for _ in range(2):
        log = log.pruned(place_in(data, log) + 1)
        assert log.is_proved()
        # An older head stands before the beginning, or at it, or is still there.
        assert log.is_proved(saved=saved)


@given(st.lists(events, min_size=3, max_size=6).map(log_of), st.data())
def test_a_beginning_that_retention_has_not_removed_is_missed(
    log: Log, data: st.DataObject
) -> None:
    """Whatever the row says that tells where the log begins: it has no event to vouch for it."""
    has_retention = data.draw(st.booleans())
    log = log.pruned(1) if has_retention else log
    count = data.draw(st.integers(1, len(log.entries) - 1))
    gone = log.entries[count - 1]
    left = replace(log, entries=log.entries[count:])

    assert not left.is_proved()
    checkpoint = Checkpoint(gone.number, gone.mac, gone.key_id)
    assert not replace(left, checkpoint=checkpoint).is_proved()
    assert not replace(left, checkpoint=Checkpoint(0, START, KEY.id)).is_proved()


@given(logs, events)
def test_a_key_can_be_replaced_and_the_old_one_is_needed_for_the_old_lines(
    log: Log, event: Event
) -> None:
    replaced = log.appended(event, OTHER_KEY).appended(event, OTHER_KEY)

    assert replaced.prove(KEY, OTHER_KEY).number == len(log.entries) + 2
    with pytest.raises(ChainBroken, match=f"with the key {KEY.id}, which was not given"):
        replaced.prove(OTHER_KEY)
    with pytest.raises(ChainBroken, match=f"with the key {OTHER_KEY.id}, which was not given"):
        replaced.prove(KEY)


@given(logs)
def test_a_head_is_read_as_it_is_spelt(log: Log) -> None:
    head = log.prove()

    assert Head.parse(f" {head}\n") == head


def test_anything_else_is_no_head() -> None:
    for text in ("", "1", "1:", f"1:{'0' * 63}", f"-1:{'0' * 64}", f"1:{'G' * 64}"):
        assert Head.parse(text) is None


def test_an_event_keeps_no_secret_and_no_endless_text() -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    secrets = ["phx_u_0123456789abcdef", jwt, "token=abcdef"]
    where = Actor(name=secrets[0], address=jwt, agent=f"{secrets[2]} \x00\x1b{'a' * 999}")
    subject = Subject("UserApiKey", 1, secrets[0])
    detail = {"names": [secrets[0], {"inner": jwt}], "n": 1}

    entry = Event(AuditAction.KEY_ISSUED, where, subject, jwt, detail).to_entry(1, MOMENT, KEY.id)
    spelt = canonical(entry).decode()

    assert [secret for secret in secrets if secret in spelt] == []
    assert entry.detail == '{"n":1,"names":["***",{"inner":"***"}]}'
    assert entry.agent is not None
    assert entry.agent.isprintable()
    assert len(entry.agent) <= 256
    endless = Event(AuditAction.KEY_ISSUED, where, subject, detail={"text": "a" * 20_000})
    assert endless.to_entry(1, MOMENT, KEY.id).detail == '{"cut":true}'
