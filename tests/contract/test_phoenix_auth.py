"""The recorded exchanges of Phoenix 20.26.1 about users, keys and sessions, replayed in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import time_machine

from tests.contract.auth_steps import BEFORE, PATHS
from tests.contract.auth_walk import Walk
from tests.contract.replay import (
    ANYTHING,
    Deviation,
    assert_replayed,
    assert_table_is_valid,
    load,
)
from tests.support.mail_server import running_mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeApp
    from tests.support.servers import Postgres

EXCHANGES: Final = load("phoenix-20.26.1-auth.json")

TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
JSON: Final = {"content-type": "application/json"}
HTML: Final = {"content-type": "text/html; charset=utf-8"}
CHALLENGE: Final = (
    'Bearer realm="Arize Phoenix", error="invalid_token", error_description="Invalid token"'
)
MASK: Final = "*" * 10


def _user(name: str, role: str, **more: object) -> dict[str, object]:
    user = {"id": "<GlobalID User>", "created_at": "<iso8601>", "updated_at": "<iso8601>"}
    user |= {"email": f"{name}@example.com", "username": name, "role": role}
    return user | ({"auth_method": "LOCAL", "password_needs_reset": True} | more)


def _ldap_user(name: str, role: str) -> dict[str, object]:
    user = _user(name, role, auth_method="LDAP")
    del user["password_needs_reset"]
    return user


def _invalid(
    why: str, *place: object, type_: str, msg: str, value: object, **ctx: object
) -> Deviation:
    """Return the deviation to 422 with one fault."""
    fault = {"type": type_, "loc": list(place), "msg": msg, "input": value}
    if ctx:
        fault["ctx"] = ctx
    return Deviation(why, 422, {"detail": [fault]}, JSON)


def _bad_field(why: str, field: str, text: str, value: str = MASK) -> Deviation:
    place = ("body", "user", "LOCAL", field)
    msg = f"Value error, {text}"
    return _invalid(why, *place, type_="value_error", msg=msg, value=value, error={})


def _allows(methods: str, **more: Any) -> Deviation:
    return Deviation(
        "`Allow` tells which methods there are.",
        405,
        more.pop("body", "Method Not Allowed"),
        {**TEXT, "allow": methods, **more},
    )


def _refused(why: str, body: str = "Invalid token") -> Deviation:
    return Deviation(why, 401, body, {**TEXT, "www-authenticate": CHALLENGE})


def _clears(path: str = "/", *, secure: bool = False, **more: Any) -> Deviation:
    attributes = f"HttpOnly; Max-Age=0; Path={path}; SameSite=strict" + "; Secure" * secure
    names = ("phoenix-access-token", "phoenix-refresh-token")
    return Deviation(
        "Cookies are cleared with the attributes that they were set with; there is no OAuth2 yet.",
        cookies=[f'{name}=""; {attributes}' for name in names],
        **more,
    )


MISSING: Final = Deviation(
    "What is not there is 404, whatever the method.", 404, "Not Found", {**TEXT, "allow": None}
)
NO_SCRIPT: Final = "This request did not come from a page of this server."
NEEDS_AUTHENTICATION: Final = Deviation(
    "An administrator who is planted anonymously would survive, so nobody changes users.",
    403,
    "This action requires authentication to be enabled. "
    "Set the PHOENIX_ENABLE_AUTH environment variable to true.",
    TEXT,
)
TOO_SHORT: Final = _bad_field(
    "A bad password is told as one, and nothing is shorter than 12 characters.",
    "password",
    "Password must be at least 12 characters long",
)
NO_FIFTH_USER: Final = "The users with a blank name and with one that differs by case are missing."
BEARER: Final = "A Bearer request carries no cookie, so no site can have forged it."

MALFORMED_JSON: Final = _invalid(
    "A request that is wrong is 4xx.",
    "body",
    1,
    type_="json_invalid",
    msg="JSON decode error",
    value={},
    error="Expecting property name enclosed in double quotes",
)
DEVIATIONS: Final[dict[str, Deviation]] = {
    # What is there.
    "HEAD healthz falls through to the app shell": Deviation("HEAD is GET, unsaid.", headers=TEXT),
    "HEAD on an API path falls through to the app shell": Deviation(
        "HEAD is GET, unsaid.", headers=JSON
    ),
    "POST healthz": _allows("GET, HEAD, OPTIONS"),
    "public GET /openapi.json": Deviation("It describes this server.", body=ANYTHING),
    "login: trailing slash": MISSING,
    "login: GET falls through to the app shell": _allows("OPTIONS, POST"),
    "login: PUT": _allows("OPTIONS, POST"),
    "ldap login is not routed when LDAP is off": MISSING,
    "PUT /v1/users": _allows("GET, HEAD, OPTIONS, POST"),
    "PATCH /v1/users": _allows("GET, HEAD, OPTIONS, POST"),
    "PATCH one user does not exist in REST": Deviation(
        "It does here, and takes the fields as they are named in a user.",
        422,
        "No fields to update",
        {**TEXT, "allow": None},
    ),
    "GET one user does not exist in REST": Deviation(
        "It does here.",
        200,
        {"data": _user("mem", "MEMBER", is_active=True, last_sign_in_at="<iso8601>")},
        JSON,
    ),
    "POST /v1/user": _allows("GET, HEAD, OPTIONS, PATCH"),
    "OPTIONS on an API path without CORS": Deviation(
        "Who asks is asked who they are; there is no CORS yet.",
        401,
        "Invalid token",
        {"allow": None, "www-authenticate": 'Bearer realm="Arize Phoenix"'},
    ),
    "unknown API path, GET": MISSING,
    "unknown API path, POST": MISSING,
    "trailing slash on an API path": MISSING,
    "PATCH a key does not exist": _allows("DELETE, OPTIONS"),
    "refresh: GET falls through to the app shell": _allows("OPTIONS, POST"),
    "auth off: POST /auth/login": MISSING,
    "auth off: GET /auth/logout": MISSING,
    "auth off: POST /auth/refresh": MISSING,
    "auth off: POST /auth/password-reset": MISSING,
    "auth off: POST /auth/password-reset-email": MISSING,
    "auth off: GET /v1/nope": MISSING,
    "auth off: POST /v1/nope": MISSING,
    "short lifetimes: request that still carries the root path prefix": Deviation(
        "What is not there is 404; here it is a page.", 404, ANYTHING
    ),
    # Bodies.
    "login: content-type is ignored (text/plain)": Deviation(
        "Any site's form can send such a body: it could sign its visitor in as somebody else.",
        403,
        NO_SCRIPT,
        TEXT,
        cookies=[],
    ),
    "login: form body": Deviation("As for text/plain.", 403, NO_SCRIPT),
    "login: no body": _invalid(
        "A request that is wrong is 4xx.", "body", type_="missing", msg="Field required", value=None
    ),
    "login: malformed JSON": MALFORMED_JSON,
    "login: JSON array": _invalid(
        "A request that is wrong is 4xx.",
        "body",
        type_="model_attributes_type",
        msg="Input should be a valid dictionary or object to extract fields from",
        value=[],
    ),
    "login: numeric e-mail": _invalid(
        "A request that is wrong is 4xx.",
        "body",
        "email",
        type_="string_type",
        msg="Input should be a valid string",
        value=5,
    ),
    "login: numeric password": _invalid(
        "A request that is wrong is 4xx, and a password is not echoed.",
        "body",
        "password",
        type_="string_type",
        msg="Input should be a valid string",
        value=MASK,
    ),
    "create user: null password": _invalid(
        "Whatever stands in place of a password is not echoed.",
        "body",
        "user",
        "LOCAL",
        "password",
        type_="string_type",
        msg="Input should be a valid string",
        value=MASK,
    ),
    "create user: unknown auth_method": _invalid(
        "A password is not echoed.",
        "body",
        "user",
        type_="union_tag_invalid",
        msg="Input tag 'SAML' found using 'auth_method' does not match any of the expected tags: "
        "'LOCAL', 'OAUTH2', 'LDAP'",
        value={
            "email": "z@example.com",
            "username": "z",
            "role": "MEMBER",
            "auth_method": "SAML",
            "password": MASK,
        },
        discriminator="'auth_method'",
        tag="SAML",
        expected_tags="'LOCAL', 'OAUTH2', 'LDAP'",
    ),
    "create user: empty username accepted": _bad_field(
        "Two users without a name could not be told apart.",
        "username",
        "Username cannot be empty",
        "",
    ),
    "create user: username differing only by case is accepted": Deviation(
        "A reader would take one for the other.", 409, "Username already exists", TEXT
    ),
    "create user: invalid e-mail": _bad_field(
        "A request that is wrong is 4xx.", "email", "Email must be a mail address", "not-an-email"
    ),
    "create user: password shorter than 4": TOO_SHORT,
    "create user: password with inner space": TOO_SHORT,
    "create user: non-ASCII password": TOO_SHORT,
    "strong policy: create user with Abcdefghijkl": _bad_field(
        "A bad password is told as one.",
        "password",
        "Password must contain at least one digit, at least one special character",
    ),
    "strong policy: no password -> the generated one fails the policy": Deviation(
        "Ours satisfies every policy.", 201, {"data": _user("s2", "MEMBER")}, JSON
    ),
    "create user: text/plain body": Deviation(
        "Only application/json is read.", 415, "Unsupported content type: text/plain", TEXT
    ),
    "create user: malformed JSON is decoded before authentication": Deviation(
        "Nobody's body is read before they are known.",
        401,
        "Invalid token",
        {**TEXT, "www-authenticate": 'Bearer realm="Arize Phoenix"'},
    ),
    # Mail and one-time links.
    "reset mail: malformed JSON": MALFORMED_JSON,
    "reset (SMTP on): forged Referer decides the host in the mailed link": Deviation(
        "It comes from a foreign page, and decides nothing.", 403, NO_SCRIPT, TEXT
    ),
    "reset (SMTP on): too short a password": Deviation(
        "A bad password is told as one, and the link stays good.",
        422,
        "Password must be at least 12 characters long",
    ),
    "mail server down: reset mail for a known user": Deviation(
        "The mail leaves after the answer, which tells nothing.", 204, "", {"content-type": None}
    ),
    # Lists.
    "list users: page of 2": Deviation(
        NO_FIFTH_USER,
        body={
            "data": [_user("ex", "VIEWER"), _ldap_user("ld", "VIEWER")],
            "next_cursor": "<GlobalID User>",
        },
    ),
    "list users: next page (cursor row is included)": Deviation(
        NO_FIFTH_USER,
        body={
            "data": [
                {
                    **{k: v for k, v in _ldap_user("oa2", "VIEWER").items() if k != "auth_method"},
                    "auth_method": "OAUTH2",
                    "oauth2_client_id": "cid",
                    "oauth2_user_id": "uid",
                }
            ],
            "next_cursor": "<GlobalID User>",
        },
    ),
    "list users: empty cursor is ignored": Deviation(
        NO_FIFTH_USER, body={"data": [_user("ex", "VIEWER")], "next_cursor": "<GlobalID User>"}
    ),
    "list users: admin secret": Deviation(
        NO_FIFTH_USER, body={"data": [_user("ex", "VIEWER")], "next_cursor": "<GlobalID User>"}
    ),
    "list users: limit beyond 64 bit": _invalid(
        "A page has an end: 1000, as that of keys.",
        "query",
        "limit",
        type_="less_than_equal",
        msg="Input should be less than or equal to 1000",
        value="999999999999999999999",
        le=1000,
    ),
    "list users: cursor of another node type is accepted": Deviation(
        "Ids are typed.", 422, "Invalid cursor format: UHJvamVjdDoy", TEXT
    ),
    "list users: cursor with non-integer id": Deviation(
        "A request that is wrong is 4xx.", 422, "Invalid cursor format: VXNlcjphYmM="
    ),
    # Credentials.
    "whoami: API key in the access cookie works": _refused(
        "A cookie holds a session, never a key."
    ),
    "forged token key: any holder of PHOENIX_SECRET can mint ApiKey:<n>": _refused(
        "A key is random; no secret makes one."
    ),
    "forged token: exp claim in the past is ignored": _refused("A key is random."),
    "forged token: numeric jti": _refused("A request that is wrong is 4xx."),
    "delete user: user with a live session -> 500": Deviation(
        "Deletion works and ends every session.", 204, "", {"content-type": None}
    ),
    "whoami: the undeletable user is still signed in": _refused("The user is gone."),
    "delete user: same user after logout": Deviation("Gone.", 404, "User not found", TEXT),
    "whoami: deleted user's key within the cache window": _refused(
        "Nothing is cached, and one answer is given to all wrong credentials."
    ),
    "whoami: old access token right after a refresh that did not send it": _refused(
        "An access token dies with its refresh token, at once."
    ),
    "list users: demoted user's API key right after the change": Deviation(
        "Rights come from the store on each request.",
        403,
        "Only admin or system users can perform this action.",
        TEXT,
    ),
    "two processes: the key on process B right after": _refused("Nothing is cached."),
    "two processes: not locked on process B": Deviation(
        "All processes count together.",
        429,
        "Too many failed login attempts. Please try again later.",
        TEXT,
        cookies=[],
    ),
    "short lifetimes: expired access token, after the sweep": Deviation(
        "The token itself says when it expired.",
        body="Expired token",
        headers={"www-authenticate": CHALLENGE.replace("Invalid", "Expired")},
    ),
    "short lifetimes: login": Deviation(
        "Cookies are `Secure` when the root URL is https.",
        cookies=[
            f"phoenix-{name}; HttpOnly; Max-Age={seconds}; Path=/; SameSite=strict; Secure"
            for name, seconds in (
                ("access-token=<jwt AccessToken>", 3),
                ("refresh-token=<jwt RefreshToken>", 6),
                ("device=<jwt Device>", 15552000),
            )
        ],
    ),
    "restart with another PHOENIX_SECRET: API key": Deviation(
        "Keys do not depend on the secret behind sessions.",
        200,
        {"data": _user("admin", "ADMIN", email="admin@localhost")},
        {**JSON, "www-authenticate": None},
    ),
    # Signing out.
    "logout: anonymous": _clears(),
    "logout: cookie": _clears(),
    "logout: with an API key ends the owner's sessions": _clears(),
    "logout: refresh cookie only": _clears(),
    "logout: POST is refused": _clears(
        status=302, body="", headers={"allow": None, "location": "/login", "content-type": None}
    ),
    "cookie path: logout clears the wrong path": _clears("/phx", secure=True),
    "short lifetimes: logout under a root path": _clears(secure=True),
    "whoami: session after logout by API key": Deviation(
        "A leaked key must not sign its owner out.",
        200,
        {"data": _user("mem", "MEMBER")},
        {**JSON, "www-authenticate": None},
    ),
    "limits: logout shares the bucket": _clears(
        status=302, body="", headers={"location": "/login", "content-type": None}
    ),
    "limits: reset mail shares the bucket": Deviation(
        "Each route has a measure of its own.", 422, "Email required"
    ),
    # Other sites.
    "csrf: Origin other host": Deviation(
        BEARER, 200, {"data": _user("admin", "ADMIN", email="admin@localhost")}, JSON
    ),
    "csrf: Origin null": Deviation(
        BEARER, 200, {"data": _user("admin", "ADMIN", email="admin@localhost")}, JSON
    ),
    "csrf: Origin subdomain": Deviation(
        BEARER, 200, {"data": _user("admin", "ADMIN", email="admin@localhost")}, JSON
    ),
    "csrf: Referer other host": Deviation("It changes nothing and tells nothing.", 200, "OK", TEXT),
    "csrf: good Origin, bad Referer": Deviation(
        "401 would say: sign in again.", 403, NO_SCRIPT, TEXT
    ),
    # Authentication switched off.
    "auth off, then on: plant an ADMIN anonymously": NEEDS_AUTHENTICATION,
    "auth off, then on: the planted ADMIN signs in": Deviation(
        "There is none.",
        401,
        "Invalid email and/or password",
        {**TEXT, "www-authenticate": 'Bearer realm="Arize Phoenix"'},
        cookies=[],
    ),
    "auth off: create an ADMIN is open": NEEDS_AUTHENTICATION,
    "auth off: delete user is open": NEEDS_AUTHENTICATION,
    "auth off: delete default admin": NEEDS_AUTHENTICATION,
    "auth off: delete user bad id": NEEDS_AUTHENTICATION,
    "auth off: create user invalid": NEEDS_AUTHENTICATION,
}


@pytest.fixture
def second_database_url(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> Iterator[str]:
    """URL of one more empty database of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.new_database() as url:
        yield url


@pytest.mark.empty_database
def test_we_answer_as_phoenix_does_but_for_the_table(
    make_app: MakeApp, second_database_url: str
) -> None:
    with running_mail_server() as mail, time_machine.travel("2026-01-15T12:00:00Z") as clock:
        walk = Walk(make_app, second_database_url, clock, mail)
        assert_replayed(EXCHANGES, DEVIATIONS, lambda exchange: walk.send(exchange, BEFORE, PATHS))


def test_the_tables_name_exchanges_only() -> None:
    assert_table_is_valid(EXCHANGES, DEVIATIONS)
    assert set(BEFORE) | set(PATHS) <= {exchange["name"] for exchange in EXCHANGES}
