"""No token that we did not sign opens anything, and no claim raises anybody's rights."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.auth.credentials.access_tokens import derive_key
from tests.factories import SECRET, forge_jwt

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.factories import SignedIn

#: What we sign with: an attacker who knew it could forge a token, but no session for it.
KEY: Final = derive_key(SECRET, "access token")
HEADER: Final = {"typ": "at+jwt", "alg": "HS256"}


def _claims(text: str) -> dict[str, Any]:
    part = text.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _status(client: FlaskClient, text: str) -> int:
    return client.get("/v1/user", headers={"Authorization": f"Bearer {text}"}).status_code


def test_the_forger_of_these_tests_can_sign(client: FlaskClient, member: SignedIn) -> None:
    """Otherwise every refusal below would prove nothing."""
    assert _status(client, forge_jwt(HEADER, _claims(member.access_token), KEY)) == 200


OTHER_SIGNATURES: Final[list[tuple[dict[str, Any], bytes]]] = [
    ({"alg": "none"}, b""),
    ({"alg": "None"}, b""),
    ({"alg": ""}, b""),
    ({"alg": "HS384"}, KEY),
    ({"alg": "HS512"}, KEY),
    ({"alg": "RS256"}, KEY),
    ({"alg": "HS256"}, b"wrong"),
    ({"alg": "HS256"}, SECRET.encode()),
    ({"alg": "HS256"}, b""),
    ({"alg": "HS256", "typ": "JWT"}, KEY),
    ({"alg": "HS256", "typ": None}, KEY),
    ({"alg": "HS256", "crit": ["x"], "x": 1}, KEY),
    ({"alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}, b"x"),
    ({"alg": "HS256", "jku": "https://evil.example/keys", "kid": "../../dev/null"}, b""),
    ({"alg": ["HS256"]}, KEY),
    ({"alg": 5}, KEY),
]


def test_a_token_with_another_signature_or_type_is_refused(
    client: FlaskClient, member: SignedIn
) -> None:
    claims = _claims(member.access_token)
    for header, key in OTHER_SIGNATURES:
        assert _status(client, forge_jwt({**HEADER, **header}, claims, key)) == 401, header


def test_hints_to_a_key_are_ignored(client: FlaskClient, member: SignedIn) -> None:
    header = {**HEADER, "kid": "' OR 1=1", "jku": "https://evil.example", "x5u": "file:///etc"}

    assert _status(client, forge_jwt(header, _claims(member.access_token), KEY)) == 200


OTHER_CLAIMS: Final[list[dict[str, Any]]] = [
    {"iss": "somebody else"},
    {"iss": None},
    {"aud": "another"},
    {"aud": ["another"]},
    {"exp": 1},
    {"exp": "never"},
    {"exp": None},
    {"nbf": 4_000_000_000},
    {"nbf": "x"},
    {"iat": 4_000_000_000},
    {"iat": "x"},
    {"sub": "1"},
    {"sub": 1},
    {"sub": "x"},
    {"sub": "9" * 400},
    {"sid": 9999},
    {"sid": "1"},
    {"sid": None},
    {"sid": True},
    {"sid": 1.5},
    {"sid": -1},
    {"sid": 2**63},
    {"sid": 2**200},
    {"role": "ADMIN"},
    {"role": "SYSTEM"},
    {"role": "ROOT"},
    {"role": ["MEMBER"]},
    {"role": {}},
    {"role": None},
    {"jti": "another"},
    {"jti": 5},
    {"jti": None},
]


def test_a_token_with_another_claim_is_refused(client: FlaskClient, member: SignedIn) -> None:
    claims = _claims(member.access_token)
    for change in OTHER_CLAIMS:
        assert _status(client, forge_jwt(HEADER, {**claims, **change}, KEY)) == 401, change


def test_a_token_without_a_claim_is_refused(client: FlaskClient, member: SignedIn) -> None:
    claims = _claims(member.access_token)
    for name in claims:
        fewer = {other: value for other, value in claims.items() if other != name}
        assert _status(client, forge_jwt(HEADER, fewer, KEY)) == 401, name


def test_junk_in_the_form_of_a_token_is_refused(client: FlaskClient) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("=")
    for text in (
        "a.b.c",
        "...",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        "eyJhbGciOiJIUzI1NiJ9." * 2,
        f"{'e' * 3000}.e.e",
        "bnVsbA.bnVsbA.bnVsbA",
        "W10.W10.W10",
        f"{nested}.e30.e30",
        "gICA.gICA.gICA",
    ):
        assert _status(client, text) == 401, text


def test_every_changed_character_of_a_token_is_noticed(
    client: FlaskClient, member: SignedIn
) -> None:
    text = member.access_token
    places = [place for place in range(0, len(text) - 1, 7) if text[place] != "."]

    for place in places:
        changed = "A" if text[place] != "A" else "B"
        assert _status(client, f"{text[:place]}{changed}{text[place + 1 :]}") == 401
