"""Each credential works in its own place and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import time_machine

from tests.factories import ADMIN_SECRET, SECRET

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn

ACCESS: Final = "phoenix-access-token"


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


# Places.


def test_a_header_decides_alone(client: FlaskClient, admin: SignedIn, member: SignedIn) -> None:
    answer = client.get("/v1/user", headers={**member.headers, **admin.cookie})

    assert answer.get_json()["data"]["id"] == member.global_id


WRONG_HEADERS: Final = [
    "Bearer wrong",
    "Basic YTpi",
    "Bearer",
    "Bearer ",
    "Token {token}",
    "{token}",
    "Bearer  {token}",
    "Bearer\t{token}",
    "Bearer {token} {token}",
    "Bearer {token},Bearer {token}",
    "Bearer {token}, Bearer {token}",
    "Bearer {token}\x7f",
    "Bearer \x0b{token}",
    "Bearer {token}\xe9",
    "\xa0Bearer {token}",
    "Bearer \xa0{token}",
    "Bearer={token}",
    'Bearer token="{token}"',
    " ",
]


def test_a_wrong_header_fails_and_no_cookie_rescues_it(
    client: FlaskClient, member: SignedIn
) -> None:
    for header in WRONG_HEADERS:
        headers = {"Authorization": header.format(token=member.access_token), **member.cookie}
        assert _status(client, headers) == 401, header


def test_a_huge_header_is_refused(client: FlaskClient) -> None:
    for size in (10_000, 1_000_000):
        assert _status(client, _bearer("x" * size)) == 401
        assert _status(client, _bearer("phx_u_" + "x" * size)) == 401
        assert _status(client, {"Cookie": f"{ACCESS}={'x' * size}"}) == 401


def test_the_scheme_is_read_in_any_case(client: FlaskClient, member: SignedIn) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert _status(client, {"Authorization": f"{scheme} {member.access_token}"}) == 200


def test_an_empty_header_counts_as_none(client: FlaskClient, member: SignedIn) -> None:
    assert _status(client, {"Authorization": "", **member.cookie}) == 200


def test_credentials_are_not_taken_from_query_body_or_other_headers(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    for text in (member.access_token, make_key(member).text, ADMIN_SECRET):
        for response in (
            client.get(f"/v1/user?access_token={text}&api_key={text}&token={text}"),
            client.get("/v1/user", headers={"api_key": text, "X-API-Key": text}),
            client.get("/v1/user", headers={"Proxy-Authorization": f"Bearer {text}"}),
            client.post("/v1/user/api_keys", json={"access_token": text, "data": {"name": "x"}}),
            client.post("/v1/user/api_keys", data={"access_token": text}),
        ):
            assert response.status_code == 401


def test_each_kind_works_only_in_its_place(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key, system_key = make_key(member), make_key()
    texts = [member.access_token, key.text, system_key.text, ADMIN_SECRET]
    texts += [member.refresh_token, SECRET, ADMIN_SECRET.upper()]

    as_bearer = [_status(client, _bearer(text)) for text in texts]
    as_cookie = [_status(client, {"Cookie": f"{ACCESS}={text}"}) for text in texts]
    as_refresh = [
        client.post(
            "/auth/refresh", headers={"Cookie": f"phoenix-refresh-token={text}"}
        ).status_code
        for text in texts
    ]

    assert as_bearer == [200, 200, 200, 200, 401, 401, 401]
    assert as_cookie == [200, 401, 401, 401, 401, 401, 401]
    assert as_refresh == [401, 401, 401, 401, 204, 401, 401]


def test_a_second_session_cookie_does_not_rescue_the_first(
    client: FlaskClient, member: SignedIn
) -> None:
    doubled = {"Cookie": f"{ACCESS}=wrong; {ACCESS}={member.access_token}"}

    assert _status(client, doubled) == 401


def test_the_admin_secret_is_the_system_user_with_the_rights_of_an_admin(
    client: FlaskClient,
) -> None:
    user = client.get("/v1/user", headers=_bearer(ADMIN_SECRET)).get_json()["data"]

    assert (user["email"], user["role"]) == ("system@localhost", "SYSTEM")
    assert client.get("/v1/users", headers=_bearer(ADMIN_SECRET)).status_code == 200
    assert client.get("/v1/user/api_keys", headers=_bearer(ADMIN_SECRET)).json == {"data": []}


def test_without_an_admin_secret_nothing_is_one(make_app: MakeApp) -> None:
    client = make_app(admin_secret=None).test_client(use_cookies=False)

    assert _status(client, _bearer(ADMIN_SECRET)) == 401
    assert _status(client, _bearer("None")) == 401


def test_public_routes_do_not_look_at_credentials(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/arize_phoenix_version", "/openapi.json", "/config"):
        assert client.get(path, headers=_bearer("wrong")).status_code == 200


# What the caller is told.


def test_a_challenge_names_an_error_only_where_a_credential_was_sent(client: FlaskClient) -> None:
    plain = client.get("/v1/user").headers["WWW-Authenticate"]
    wrong = client.get("/v1/user", headers=_bearer("wrong")).headers["WWW-Authenticate"]

    assert plain == 'Bearer realm="Arize Phoenix"'
    assert wrong == f'{plain}, error="invalid_token", error_description="Invalid token"'


def test_a_challenge_reflects_nothing_of_the_request(client: FlaskClient) -> None:
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        **_bearer("evil.example"),
    }
    answer = client.get("/v1/user", headers=headers)

    assert "evil" not in f"{answer.headers}{answer.text}"


def test_one_answer_is_given_to_all_wrong_credentials(
    client: FlaskClient, member: SignedIn, make_user: MakeUser, make_key: MakeKey, admin: SignedIn
) -> None:
    revoked, gone = make_key(member), make_user()
    key_of_gone = make_key(gone)
    client.delete(f"/v1/user/api_keys/{revoked.global_id}", headers=admin.headers)
    client.delete(f"/v1/users/{gone.global_id}", headers=admin.headers)
    texts = ["wrong", revoked.text, key_of_gone.text, gone.access_token, member.refresh_token]
    texts.append(f"{revoked.text[:-1]}{'a' if revoked.text[-1] != 'a' else 'b'}")

    answers = [client.get("/v1/user", headers=_bearer(text)) for text in texts]

    assert {(answer.status_code, answer.text) for answer in answers} == {(401, "Invalid token")}
    assert len({str(answer.headers) for answer in answers}) == 1


def test_an_expired_credential_says_so(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member, expires_at=datetime.now(UTC) + timedelta(minutes=5))

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        for headers in (key.headers, member.headers, member.cookie):
            answer = client.get("/v1/user", headers=headers)
            assert (answer.status_code, answer.text) == (401, "Expired token")
            assert 'error_description="Expired token"' in answer.headers["WWW-Authenticate"]
