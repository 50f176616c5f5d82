from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from phoenix_web.ui.keys.snippets import PLACEHOLDER
from tests.ui.visitor import faults, form_token, key_text, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import MadeKey, SignedIn

PAGES = ["/settings/keys", "/settings/system-keys"]


@pytest.mark.parametrize(("page", "prefix"), [(PAGES[0], "phx_u_"), (PAGES[1], "phx_s_")])
def test_a_made_key_is_shown_once_and_opens_the_api(
    app: Flask, client: FlaskClient, admin: SignedIn, page: str, prefix: str
) -> None:
    browser = visitor(app, admin)

    answer = browser.create_key(page, name="CI", description="of the repository")

    text = key_text(answer.text)
    assert answer.status_code == 200
    assert text.startswith(prefix)
    assert answer.headers["Cache-Control"] == "no-store"
    opened = client.get("/v1/datasets", headers={"Authorization": f"Bearer {text}"})
    assert opened.status_code == 200
    again = browser.get(page).text
    assert text not in again
    assert "CI" in again
    assert "of the repository" in again


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_have_the_key_and_the_address(app: Flask, admin: SignedIn, page: str) -> None:
    answer = visitor(app, admin).create_key(page, name="CI")

    text = key_text(answer.text)
    snippets = re.findall(r'<pre id="snippet-(\w+)"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    assert [name for name, _ in snippets] == ["env", "curl", "python", "node", "client"]
    assert all(text in code and "http://localhost" in code for _, code in snippets)


def test_the_snippets_use_the_address_that_is_configured(
    make_app: MakeApp, admin: SignedIn
) -> None:
    app = make_app(root_url="https://phoenix.example.com", host_root_path="/px")

    page = visitor(app, admin).client.get("/login", base_url="http://10.0.0.1:6006").text
    # The issuer of access tokens is the root URL, so the session of `admin` holds only there.
    browser = visitor(app)
    browser.sign_in(admin.email, admin.password)

    assert "10.0.0.1" not in page
    keys = browser.client.get("/settings/keys", base_url="https://localhost").text
    assert "https://phoenix.example.com/px/v1/datasets" in keys


def test_an_empty_list_says_what_a_key_is_for(app: Flask, viewer: SignedIn) -> None:
    page = visitor(app, viewer).get("/settings/keys").text

    assert "You don't have any keys yet" in page
    assert PLACEHOLDER.replace("<", "&lt;").replace(">", "&gt;") in page


@pytest.mark.parametrize(
    ("expiry", "days"), [("7", 7), ("30", 30), ("90", 90), ("365", 365), ("never", None)]
)
def test_each_preset_gives_its_time(
    app: Flask, member: SignedIn, client: FlaskClient, expiry: str, days: int | None
) -> None:
    browser = visitor(app, member)

    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        browser.sign_in(member.email, member.password)
        text = key_text(browser.create_key(name="x", expiry=expiry).text)
        listed = client.get(
            "/v1/user/api_keys", headers={"Authorization": f"Bearer {text}"}
        ).get_json()["data"][0]

    end = None if days is None else datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=days)
    assert listed.get("expires_at") == (end.isoformat() if end else None)


def test_a_chosen_day_counts_to_its_end(app: Flask, member: SignedIn, client: FlaskClient) -> None:
    today = datetime.now(UTC).date().isoformat()

    answer = visitor(app, member).create_key(name="x", expiry="date", expires_on=today)

    bearer = {"Authorization": f"Bearer {key_text(answer.text)}"}
    listed = client.get("/v1/user/api_keys", headers=bearer).get_json()["data"][0]
    assert listed["expires_at"] == f"{today}T23:59:59+00:00"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "   "}, {"name"}),
        ({"name": "x" * 257}, {"name"}),
        ({"name": "a\x00b"}, {"name"}),
        ({"name": "x", "description": "x" * 4097}, {"description"}),
        ({"name": "x", "expiry": "8"}, {"expiry"}),
        ({"name": "x", "expiry": "date"}, {"expires_on"}),
        ({"name": "x", "expiry": "date", "expires_on": "2020-01-01"}, {"expires_on"}),
        ({"name": "x", "expiry": "date", "expires_on": "275760-01-01"}, {"expires_on"}),
        ({"name": "", "description": "\x00", "expiry": ""}, {"name", "description", "expiry"}),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_all_faults_are_told_at_once_and_the_typed_text_stays(
    app: Flask, member: SignedIn, fields: dict[str, str], wrong: set[str], *, htmx: bool
) -> None:
    answer = visitor(app, member).create_key(htmx=htmx, **{"description": "kept", **fields})

    assert answer.status_code == 422
    assert set(faults(answer.text)) == wrong
    assert answer.text.count("aria-invalid") == len(wrong)
    assert answer.text.count(" autofocus>") == 1
    assert ("description" in fields) or 'value="kept"' in answer.text


def test_one_form_makes_one_key(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    form = {
        "form_token": form_token(browser.get("/settings/keys").text),
        "name": "twice",
        "expiry": "90",
    }

    first, second = browser.post("/settings/keys", form), browser.post("/settings/keys", form)

    assert (first.status_code, second.status_code) == (200, 409)
    assert "has already created its key" in second.text
    assert key_text(first.text) not in second.text
    assert second.text.count("twice</span>") == 1


def test_a_double_click_makes_one_key(app: Flask, member: SignedIn) -> None:
    token = form_token(visitor(app, member).get("/settings/keys").text)
    form = {"form_token": token, "name": "twice", "expiry": "90"}

    with ThreadPoolExecutor(4) as clicks:
        answers = [
            clicks.submit(visitor(app, member).post, "/settings/keys", form) for _ in range(4)
        ]

    assert sorted(answer.result().status_code for answer in answers) == [200, 409, 409, 409]


def test_a_form_of_somebody_else_or_of_yesterday_makes_no_key(
    app: Flask, member: SignedIn, viewer: SignedIn
) -> None:
    foreign = form_token(visitor(app, viewer).get("/settings/keys").text)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=25)):
        old = visitor(app)
        old.sign_in(member.email, member.password)
        outdated = form_token(old.get("/settings/keys").text)
    browser = visitor(app, member)

    for token in (foreign, outdated, "junk", ""):
        fields = {"form_token": token, "name": "kept", "expiry": "90"}
        answer = browser.post("/settings/keys", fields)
        assert answer.status_code == 422
        assert "This form has expired" in answer.text
        assert 'value="kept"' in answer.text
    assert "You don't have any keys yet" in browser.get("/settings/keys").text


def test_revoking_asks_first_and_then_names_the_key(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    browser, key = visitor(app, member), make_key(member, "old laptop")

    asked = browser.get(f"/settings/keys?revoke={key.key_id}")
    answer = browser.post(f"/settings/keys/{key.key_id}/revoke")
    told = browser.get(answer.location)

    assert re.search(rf'<dialog id="revoke-{key.key_id}"[^>]* open>', asked.text)
    assert "Revoke key “old laptop”?" in asked.text
    assert answer.status_code == 303
    assert "Key <strong>old laptop</strong> revoked" in told.text
    assert client.get("/v1/datasets", headers=key.headers).status_code == 401


def test_htmx_gets_the_fragment_and_nothing_else(
    app: Flask, member: SignedIn, make_key: MakeKey
) -> None:
    browser, key = visitor(app, member), make_key(member, "old laptop")

    made = browser.create_key(htmx=True, name="new")
    revoked = browser.post(f"/settings/keys/{key.key_id}/revoke", htmx=True)

    for answer in (made, revoked):
        assert answer.text.strip().startswith('<section id="keys"')
        assert "<html" not in answer.text
    assert "Key <strong>old laptop</strong> revoked" in revoked.text


@pytest.mark.parametrize("page", PAGES)
def test_other_peoples_keys_are_not_there(
    app: Flask, client: FlaskClient, make_user: MakeUser, make_key: MakeKey, page: str
) -> None:
    key = make_key(make_user("MEMBER"), "not yours")
    browser = visitor(app, make_user("ADMIN"))

    shown, told = browser.get(page), browser.get(f"{page}?revoked={key.key_id}")
    answer = browser.post(f"{page}/{key.key_id}/revoke")

    assert "not yours" not in shown.text + told.text
    assert answer.status_code == 404
    assert client.get("/v1/datasets", headers=key.headers).status_code == 200


def test_a_key_that_is_gone_is_a_whole_page_for_htmx(app: Flask, member: SignedIn) -> None:
    answer = visitor(app, member).post("/settings/keys/999/revoke", htmx=True)

    assert answer.status_code == 404
    assert answer.headers["HX-Retarget"] == "body"
    assert "This key does not exist" in answer.text


@pytest.mark.parametrize("number", ["0", "9223372036854775808", "9" * 24, "-1", "x", "٣"])
def test_odd_numbers_are_no_keys(app: Flask, member: SignedIn, number: str) -> None:
    browser = visitor(app, member)

    assert browser.post(f"/settings/keys/{number}/revoke").status_code == 404
    assert browser.get(f"/settings/keys?revoke={number}&revoked={number}").status_code == 200


@pytest.mark.parametrize("role", ["MEMBER", "VIEWER"])
def test_system_keys_are_for_administrators(
    app: Flask, role: str, member: SignedIn, viewer: SignedIn
) -> None:
    browser = visitor(app, member if role == "MEMBER" else viewer)

    answers = [browser.get(PAGES[1]), browser.post(PAGES[1]), browser.post(f"{PAGES[1]}/1/revoke")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "System keys" not in browser.get("/settings/keys").text


def test_names_are_text_and_never_markup(app: Flask, member: SignedIn, member_key: MadeKey) -> None:
    browser = visitor(app, member)
    page = browser.get(f"/settings/keys?revoke={member_key.key_id}").text
    page += browser.post(f"/settings/keys/{member_key.key_id}/revoke", htmx=True).text
    page += browser.create_key(name='"><svg onload=alert(3)>').text
    page += browser.create_key(name="", description='"><svg onload=alert(3)>').text

    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script>|<img|<svg onload", page)


@pytest.mark.parametrize(
    ("until", "status"), [(-1, "Expired"), (3, "Expires soon"), (30, "Active"), (None, "Active")]
)
def test_the_list_tells_how_a_key_is(
    app: Flask, member: SignedIn, make_key: MakeKey, until: int | None, status: str
) -> None:
    end = None if until is None else datetime.now(UTC) + timedelta(days=until)
    make_key(member, "x", expires_at=end)

    page = visitor(app, member).get("/settings/keys").text

    assert f">{status}</span></td>" in page
