"""`GET /v1/audit_events`: the log for administrators' programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.global_ids import encode

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import MakeKey
    from tests.factories import SignedIn


@pytest.fixture
def key_ids(client: FlaskClient, admin: SignedIn, member: SignedIn) -> list[str]:
    """Return the ids of five keys, made by a member and revoked by an administrator."""
    ids = []
    for number in range(5):
        body = {"data": {"name": f"key {number}"}}
        answer = client.post("/v1/user/api_keys", json=body, headers=member.headers)
        ids.append(answer.get_json()["data"]["id"])
        client.delete(f"/v1/user/api_keys/{ids[-1]}", headers=admin.headers)
    return ids


def asked(client: FlaskClient, who: SignedIn, **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/audit_events", query_string=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def names(told: dict[str, Any]) -> list[str]:
    return [f"{event['action']} {event['subject']['label']}" for event in told["data"]]


def test_an_event_says_who_what_and_how_it_is_proved(
    client: FlaskClient, admin: SignedIn, key_ids: list[str]
) -> None:
    told = asked(client, admin, limit=1)

    (event,) = told["data"]
    assert {name: event[name] for name in ("action", "outcome", "reason", "detail")} == {
        "action": "key.revoked",
        "outcome": "success",
        "reason": None,
        "detail": {},
    }
    assert event["actor"] == {"id": admin.global_id, "name": "alice"}
    assert event["credential"]["kind"] == "session"
    assert event["subject"] == {"type": "UserApiKey", "id": key_ids[-1], "label": "key 4"}
    assert event["id"] == encode("AuditEvent", event["number"])
    assert event["occurred_at"].endswith("+00:00")
    assert len(event["mac"]) == 64
    assert told["next_cursor"] == encode("AuditEvent", event["number"] - 1)


def test_events_are_found_by_each_filter(
    client: FlaskClient, admin: SignedIn, member: SignedIn, key_ids: list[str]
) -> None:
    client.post("/auth/login", json={"email": member.email, "password": "a wrong password"})

    issued = asked(client, admin, action="key.issued")
    assert names(issued) == [f"key.issued key {number}" for number in (4, 3, 2, 1, 0)]
    assert names(asked(client, admin, actor=member.global_id)) == names(issued)
    told = asked(client, admin, subject=key_ids[2])
    assert names(told) == ["key.revoked key 2", "key.issued key 2"]
    assert names(asked(client, admin, outcome="refused")) == ["login.failed bob"]
    assert names(asked(client, admin, subject=member.global_id)) == ["login.failed bob"]
    told = asked(client, admin, action="key.issued", subject=key_ids[2], actor=member.global_id)
    assert names(told) == ["key.issued key 2"]
    assert names(asked(client, admin, actor=admin.global_id, outcome="refused")) == []

    moment = issued["data"][2]["occurred_at"]
    query = {"action": "key.issued", "from": moment}
    assert names(asked(client, admin, **query)) == [f"key.issued key {n}" for n in (4, 3, 2)]
    query = {"action": "key.issued", "to": moment.replace("+00:00", "")}
    assert names(asked(client, admin, **query)) == [f"key.issued key {n}" for n in (1, 0)]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert names(asked(client, admin, **{"from": tomorrow})) == []


def test_pages_follow_each_other_whatever_is_written_meanwhile(
    client: FlaskClient, admin: SignedIn, key_ids: list[str], make_key: MakeKey
) -> None:
    everything = [event["id"] for event in asked(client, admin)["data"]]
    assert len(everything) > 2 * len(key_ids)

    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = asked(client, admin, limit=3, cursor=cursor)
        found += [event["id"] for event in page["data"]]
        cursor = page["next_cursor"]
        make_key()

    assert found == everything


def test_a_wrong_query_is_refused(client: FlaskClient, admin: SignedIn) -> None:
    for query in (
        {"action": "key"},
        {"outcome": "ok"},
        {"actor": "bob"},
        {"actor": encode("Session", 1)},
        {"subject": encode("Dataset", 1)},
        {"subject": "x"},
        {"from": "yesterday"},
        {"to": "9999-12-31T23:59:59-10:00"},
        {"limit": "0"},
        {"limit": "1001"},
        {"cursor": encode("User", 1)},
    ):
        answer = client.get("/v1/audit_events", query_string=query, headers=admin.headers)
        assert answer.status_code == 422, query
