"""The page of the audit log."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import phoenix_web
from phoenix_web.audit import events
from phoenix_web.audit.events import Actor, AuditAction, Event, Subject
from phoenix_web.global_ids import encode
from phoenix_web.store.audit.log import record
from phoenix_web.ui.audit import words
from tests.factories import services_of
from tests.ui.visitor import Visitor, faults, visitor

if TYPE_CHECKING:
    from flask import Flask

    from tests.factories import SignedIn

PAGE = "/settings/audit"
PACKAGE: Final = Path(phoenix_web.__file__).parent


@pytest.fixture
def browser(app: Flask, admin: SignedIn) -> Visitor:
    return visitor(app, admin)


def write(app: Flask, count: int, name: str = "key", user: SignedIn | None = None) -> None:
    """Write so many events at once."""
    by = Actor(user.user_id, user.username, "session", 7) if user else Actor()
    with services_of(app).database.transaction() as session:
        for number in range(count):
            subject = Subject("UserApiKey", 100 + number, f"{name} {number}")
            record(session, Event(AuditAction.KEY_ISSUED, by, subject, detail={"n": number}))


def labels(page: str) -> list[str]:
    """Return the subjects of the rows of *page*."""
    return [
        unescape(name) for name in re.findall(r'about|subject=[^"]+">([^<]+)</a>', page) if name
    ]


def following(page: str, text: str) -> str:
    """Return where the link *text* leads."""
    match = re.search(rf'href="([^"]+)">{text}<', page)
    assert match, f"there is no link {text}"
    return unescape(match[1])


def test_every_action_has_its_words_and_its_place_in_the_list() -> None:
    listed = [action for group in words.GROUPS.values() for action in group]

    assert sorted(listed) == sorted(AuditAction)


def test_no_action_can_be_looked_for_that_nothing_records() -> None:
    lists = {Path(module.__file__ or "") for module in (events, words)}
    sources = [path.read_text() for path in PACKAGE.rglob("*.py") if path not in lists]

    unrecorded = [
        action for action in AuditAction if not any(f"Action.{action.name}" in it for it in sources)
    ]
    assert unrecorded == []


def test_the_page_tells_what_was_done_and_escapes_what_others_have_typed(
    app: Flask, browser: Visitor, member: SignedIn
) -> None:
    write(app, 1, "<script>alert(1)</script>", member)
    headers = {"User-Agent": "<img src=x onerror=alert(2)>"}
    body = {"email": member.email, "password": "a wrong password"}
    app.test_client().post("/auth/login", json=body, headers=headers)

    page = browser.get(PAGE).text

    assert "Key created" in page
    assert "Sign-in failed" in page
    assert "refused" in page
    assert "wrong password for user" in page
    assert "127.0.0.1" in page
    assert "&lt;img src=x" in page
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_the_form_and_the_links_of_a_line_choose_and_pages_keep_the_choice(
    app: Flask, browser: Visitor, member: SignedIn, admin: SignedIn
) -> None:
    write(app, 60, "of bob", member)
    write(app, 60, "of alice", admin)

    for query in ("?who=BOB", f"?who={member.email}", f"?actor={member.global_id}"):
        first = browser.get(f"{PAGE}{query}&action=key.issued").text
        assert labels(first) == [f"of bob {number}" for number in range(59, 9, -1)]
        second = browser.get(following(first, "Older events")).text
        assert labels(second) == [f"of bob {number}" for number in range(9, -1, -1)]
        assert "Older events" not in second
        assert labels(browser.get(following(second, "Newest events")).text) == labels(first)
    assert "Only events by bob" in first

    subject = encode("UserApiKey", 130)
    page = browser.get(f"{PAGE}?subject={subject}").text
    assert labels(page) == ["of alice 30", "of bob 30"]
    assert labels(browser.get(f"{PAGE}?subject={subject}&who=bob").text) == ["of bob 30"]
    assert "No matching events" in browser.get(f"{PAGE}?outcome=refused").text
    assert labels(browser.get(f"{PAGE}?from=2001-01-01&to=2001-01-01").text) == []


def test_wrong_fields_are_all_told_and_keep_what_was_typed(browser: Visitor) -> None:
    query = "who=nobody&action=x&outcome=x&from=yesterday&to=9999-12-31"
    answer = browser.get(f"{PAGE}?{query}")

    assert answer.status_code == 422
    assert list(faults(answer.text)) == ["who", "action", "outcome", "from", "to"]
    assert 'value="nobody"' in answer.text
    assert 'value="yesterday"' in answer.text
    assert browser.get(f"{PAGE}/export?{query}").status_code == 422
    for link in ("cursor=x", "actor=x", f"subject={encode('Dataset', 1)}"):
        assert browser.get(f"{PAGE}?{link}").status_code == 404
        assert browser.get(f"{PAGE}?who=%00").status_code == 422


def test_the_page_and_the_file_are_for_administrators(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    assert browser.get(PAGE).status_code == 403
    assert browser.get(f"{PAGE}/export").status_code == 403
    assert "Audit log" not in browser.get("/settings/keys").text


def test_the_export_streams_a_line_of_json_for_each_chosen_event_oldest_first(
    app: Flask, browser: Visitor, member: SignedIn
) -> None:
    write(app, 1200, user=member)
    write(app, 5, "other")

    answer = browser.get(f"{PAGE}/export?who=bob&action=key.issued")

    assert answer.mimetype == "application/x-ndjson"
    assert answer.is_streamed
    assert ".jsonl" in answer.headers["Content-Disposition"]
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["detail"]["n"] for line in lines] == list(range(1200))
    assert lines[0]["actor"] == {"id": member.global_id, "name": "bob"}
    assert [line["number"] for line in lines] == sorted(line["number"] for line in lines)
