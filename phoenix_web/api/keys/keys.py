"""`/v1/user/api_keys`, `/v1/users/api_keys` and `/v1/system/api_keys`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.keys.payloads import (
    ApiKey,
    ApiKeysResponse,
    CreateApiKeyData,
    CreateApiKeyRequestBody,
    CreatedApiKey,
    CreatedApiKeyResponse,
    KeyOwner,
    UserApiKey,
    UserApiKeysResponse,
)
from phoenix_web.api.paging import PageQuery, respond_page
from phoenix_web.api.payloads import no_content, respond
from phoenix_web.auth.credentials.issuer import issue_key, revoke_key
from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import CredentialKind, Permission, Role
from phoenix_web.store.accounts.keys import KeyStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web.guard import current_actor, current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.auth.credentials.issuer import IssuedKey
    from phoenix_web.store.accounts.keys import KeyInfo, OwnedKey
    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("api_keys", __name__, url_prefix="/v1")


@routes.get("/user/api_keys")
@requires(Permission.KEY_READ)
@declares(ApiKeysResponse)
def list_own_keys() -> Response:
    """List API keys of the current user.

    Empty for system keys and the admin secret.
    """
    principal = current_principal()
    if principal.kind in {CredentialKind.SYSTEM_KEY, CredentialKind.ADMIN_SECRET}:
        return respond(ApiKeysResponse(data=[]))
    with services().database.reading() as session:
        keys = KeyStore(session).list_for(principal.user_id)
    return respond(ApiKeysResponse(data=[_to_payload("UserApiKey", key) for key in keys]))


@routes.post("/user/api_keys")
@requires(Permission.KEY_ISSUE)
@declares(CreatedApiKeyResponse, HTTPStatus.CREATED)
def create_own_key(body: CreateApiKeyRequestBody) -> Response:
    """Create an API key for the current user.

    Only this response contains the text of the key.
    """
    owner = current_principal().user
    assert owner is not None  # noqa: S101 - KEY_ISSUE is for sessions, which have a user
    return _issue("UserApiKey", body.data, owner)


@routes.delete("/user/api_keys/<key_id>")
@requires(Permission.KEY_REVOKE)
@declares()
def revoke_user_key(key_id: str) -> Response:
    """Revoke an API key of a user.

    Administrators can revoke the keys of all users, other users only their own.
    """
    principal = current_principal()
    with services().database.transaction() as session:
        keys = KeyStore(session)
        number = require_id("UserApiKey", key_id)
        if principal.role is Role.ADMIN:
            key = keys.find_user_key(number)
        else:
            key = keys.find_owned(number, principal.user_id)
        if key is None:
            raise NotFound("API key not found")
        revoke_key(session, key, actor=current_actor())
    return no_content()


@routes.get("/users/api_keys")
@requires(Permission.KEY_READ_ALL)
@declares(UserApiKeysResponse)
def list_all_keys(query: PageQuery) -> Response:
    """List API keys of all users."""
    cursor = query.first_id("UserApiKey", "Invalid UserApiKey GlobalID format")
    with services().database.reading() as session:
        page = KeyStore(session).page_of_user_keys(query.limit, cursor)
    return respond_page(UserApiKeysResponse, "UserApiKey", page, _to_owned_payload)


@routes.get("/system/api_keys")
@requires(Permission.SYSTEM_KEY_READ)
@declares(ApiKeysResponse)
def list_system_keys() -> Response:
    """List system keys."""
    with services().database.reading() as session:
        keys = KeyStore(session).list_for(UserStore(session).find_system_user().id)
    return respond(ApiKeysResponse(data=[_to_payload("SystemApiKey", key) for key in keys]))


@routes.post("/system/api_keys")
@requires(Permission.SYSTEM_KEY_ISSUE)
@declares(CreatedApiKeyResponse, HTTPStatus.CREATED)
def create_system_key(body: CreateApiKeyRequestBody) -> Response:
    """Create a system key.

    Only this response contains the text of the key.
    """
    with services().database.reading() as session:
        owner = UserStore(session).find_system_user()
    return _issue("SystemApiKey", body.data, owner)


@routes.delete("/system/api_keys/<key_id>")
@requires(Permission.SYSTEM_KEY_REVOKE)
@declares()
def revoke_system_key(key_id: str) -> Response:
    """Revoke a system key."""
    with services().database.transaction() as session:
        number = require_id("SystemApiKey", key_id)
        key = KeyStore(session).find_owned(number, UserStore(session).find_system_user().id)
        if key is None:
            raise NotFound("System API key not found")
        revoke_key(session, key, actor=current_actor())
    return no_content()


def _issue(kind: str, data: CreateApiKeyData, owner: UserInfo) -> Response:
    with services().database.transaction() as session:
        issued = issue_key(
            session,
            owner,
            data.name,
            actor=current_actor(),
            description=data.description,
            expires_at=data.expires_at,
        )
    return respond(_to_created_payload(kind, issued, data), HTTPStatus.CREATED)


def _to_created_payload(
    kind: str, issued: IssuedKey, data: CreateApiKeyData
) -> CreatedApiKeyResponse:
    # The expiry time has the offset of the request; lists return it in UTC.
    payload = _to_payload(kind, issued.key).model_copy(update={"expires_at": data.expires_at})
    return CreatedApiKeyResponse(data=CreatedApiKey(**dict(payload), key=issued.text))


def _to_payload(kind: str, key: KeyInfo) -> ApiKey:
    return ApiKey(
        id=encode(kind, key.id),
        name=key.name,
        description=key.description,
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


def _to_owned_payload(owned: OwnedKey) -> UserApiKey:
    key = owned.key
    owner = KeyOwner(id=encode("User", key.user_id), username=owned.username, email=owned.email)
    return UserApiKey(**dict(_to_payload("UserApiKey", key)), user=owner)
