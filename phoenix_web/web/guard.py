"""Authentication, authorization and rate limits of requests.

Requests are authenticated before a view runs: by `authenticate_api` for the API and in `ui` for the
pages. Each view declares `@requires(permission)` or `@public`; a test rejects views without either.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from flask import current_app, g, request

from phoenix_web.addresses import client_network
from phoenix_web.audit.events import Actor
from phoenix_web.auth.credentials.principal import ANONYMOUS, Principal
from phoenix_web.errors import Forbidden, InvalidCredential
from phoenix_web.policy import CredentialKind
from phoenix_web.web.same_site import SAFE_METHODS, refuse_cross_site
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from phoenix_web.errors import Quota
    from phoenix_web.policy import Permission
    from phoenix_web.store.accounts.users import UserInfo

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

ACCESS_COOKIE: Final = "phoenix-access-token"
REFRESH_COOKIE: Final = "phoenix-refresh-token"
DEVICE_COOKIE: Final = "phoenix-device"
SECOND_FACTOR_REQUIRED: Final = (
    "Two-step sign-in is required. Set it up on the profile page, then sign in again."
)


def mark(view: Callable[Parameters, Result], **marks: object) -> Callable[Parameters, Result]:
    """Set the attributes *marks* on *view*; `functools.wraps` copies them to later decorators."""
    vars(view).update(marks)
    return view


def public(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Mark *view* as public: credentials of the request are ignored."""
    return mark(view, is_public=True)


def requires(
    permission: Permission,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Decorate a view to require *permission*; raises `Forbidden` before the view runs."""

    def decorate(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(view)
        def guarded(*args: Parameters.args, **values: Parameters.kwargs) -> Result:
            current_principal().require(permission)
            return view(*args, **values)

        return mark(guarded, permission=permission)

    return decorate


def limited(
    quota: Quota,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Decorate a view to limit each client network to *quota*; raises `TooManyRequests`.

    Place it between `@public` and `@declares`, so that rejected input is not read.
    """

    def decorate(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(view)
        def guarded(*args: Parameters.args, **values: Parameters.kwargs) -> Result:
            check_rate_limit(quota)
            return view(*args, **values)

        return mark(guarded, is_limited=True)

    return decorate


def check_rate_limit(quota: Quota) -> None:
    """Count the request against the *quota* of the client's network; raise `TooManyRequests`.

    For pages that show the error themselves; other views use `@limited`.
    """
    network = client_network(request.remote_addr)
    # Behind a socket, or a proxy without forwarding headers, there is no address to limit on.
    if network is not None:
        services().rate_limits.acquire(quota, network)


def current_principal() -> Principal:
    """Return the authenticated principal of this request."""
    return cast("Principal", g.principal)


def signed_in_user() -> UserInfo:
    """Return the user of the session, for views whose permission requires a session."""
    user = current_principal().user
    assert user is not None  # noqa: S101 - a session has a user
    return user


def acting_admin_id() -> int | None:
    """Return the id of the administrator who makes this request; None for the admin secret."""
    principal = current_principal()
    return None if principal.kind is CredentialKind.ADMIN_SECRET else principal.user_id


def uses_cookie_auth() -> bool:
    """Return whether an API request uses the session cookie rather than a header."""
    return not request.environ.get("HTTP_AUTHORIZATION")


def device_cookie() -> str | None:
    """Return the device cookie, or None if it is missing or duplicated.

    Another host of the domain may have set the second one, as with session cookies.
    """
    cookies = request.cookies.getlist(DEVICE_COOKIE)
    return cookies[0] if len(cookies) == 1 else None


def current_actor() -> Actor:
    """Return the audit actor of this request; without a user in public views."""
    return actor_of(g.get("principal"))


def actor_of(principal: Principal | None) -> Actor:
    """Return *principal* as the audit actor, with the address and user agent of this request."""
    user = principal.user if principal else None
    return Actor(
        user_id=user.id if user else None,
        name=user.username if user else None,
        credential_kind=principal.kind.value if principal else None,
        credential_id=principal.credential_id if principal else None,
        address=request.remote_addr,
        agent=request.user_agent.string,
    )


def is_public_view() -> bool:
    """Return whether the view of this request is `@public`."""
    view = current_app.view_functions[cast("str", request.endpoint)]
    return getattr(view, "is_public", False)


def authenticate_api() -> None:
    """Authenticate an API request; raise `InvalidCredential` or `Forbidden`.

    Cross-site requests, and sessions without a required second factor, are forbidden. If there is
    an `Authorization` header, cookies are ignored, even if the header is invalid.
    """
    if not is_public_view():
        g.principal = api_principal()
        if lacks_second_factor(g.principal):
            raise Forbidden(SECOND_FACTOR_REQUIRED)


def lacks_second_factor(principal: Principal) -> bool:
    """Return whether *principal* is a session whose user must set up a second factor first.

    Keys and the admin secret are exempt.
    """
    user = principal.user
    return (
        services().settings.require_mfa
        and principal.kind is CredentialKind.SESSION
        and user is not None
        and user.auth_method == "LOCAL"
        and user.mfa_enrolled_at is None
    )


def api_principal() -> Principal:
    """Return the principal of the header or cookie; raise `InvalidCredential`."""
    if not services().settings.enable_auth:
        return ANONYMOUS
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header:
        principal = services().verifier.verify_bearer(bearer(header))
        if principal.is_first_use:
            assert principal.credential_id is not None  # noqa: S101 - it is a key
            services().usage.record_first_use(principal.credential_id, actor_of(principal))
        return principal
    cookie = session_cookie(ACCESS_COOKIE)
    if not cookie:
        raise InvalidCredential("no credential")
    if request.method not in SAFE_METHODS:
        refuse_cross_site(allows_programs=True)
    return services().verifier.verify_session(cookie)


def session_cookie(name: str) -> str | None:
    """Return the cookie *name*, or None; raise `InvalidCredential` if it is duplicated.

    Another host of the domain could set a second cookie, which would come first.
    """
    values = request.cookies.getlist(name)
    if len(values) > 1:
        raise InvalidCredential(f"{len(values)} cookies named {name}")
    return values[0] if values else None


def session_of_cookies() -> tuple[int, int] | None:
    """Return *(user id, session id)* of the cookies, even if expired, or None; without renewal."""
    try:
        cookie = session_cookie(ACCESS_COOKIE) or ""
        principal = services().verifier.verify_session(cookie, allow_expired=True)
    except InvalidCredential:
        found = services().sessions.find_refresh_token(request.cookies.get(REFRESH_COOKIE, ""))
        return None if found is None else (found.user_id, found.session_id)
    return session_of(principal)


def session_of(principal: Principal) -> tuple[int, int]:
    """Return *(user id, session id)* of the *principal* of a session."""
    assert principal.credential_id is not None  # noqa: S101 - sessions have one
    return principal.user_id, principal.credential_id


def has_credential() -> bool:
    """Return whether the request has a credential, valid or not (RFC 6750 section 3.1)."""
    return bool(request.environ.get("HTTP_AUTHORIZATION") or request.cookies.get(ACCESS_COOKIE))


def bearer(header: str) -> str:
    """Return the token of an `Authorization` header.

    Raises `InvalidCredential` unless the header is `Bearer`, one space and one word.
    """
    scheme, _, token = header.partition(" ")
    is_word = token.isascii() and token.isprintable() and token and " " not in token
    if scheme.lower() != "bearer" or not is_word:
        raise InvalidCredential("malformed Authorization header")
    return token
