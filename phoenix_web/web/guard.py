"""The Flask side of the lock: who is calling, may they, and how often.

A door authenticates before its views run (`authenticate_api`, `ui.door`); a view says what it
needs by `@requires(permission)`, or `@public`. A test refuses a view that says neither.
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
    """Give *view* the attributes *marks*; `wraps` hands them on to what decorates it next."""
    vars(view).update(marks)
    return view


def public(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Mark *view* as open to everybody; a bad credential is not even looked at."""
    return mark(view, is_public=True)


def requires(
    permission: Permission,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Let only callers with *permission* into the view; the others get 403 before it runs."""

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
    """Let each network into the view as often as *quota* says; the others get 429 before it runs.

    It stands between `@public` and `@declares`: nobody's input is read for it.
    """

    def decorate(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(view)
        def guarded(*args: Parameters.args, **values: Parameters.kwargs) -> Result:
            check_rate_limit(quota)
            return view(*args, **values)

        return mark(guarded, is_limited=True)

    return decorate


def check_rate_limit(quota: Quota) -> None:
    """Take one from the *quota* of the caller's network; raise `TooManyRequests` without one left.

    For a page that shows the refusal itself; otherwise `limited` says the same.
    """
    network = client_network(request.remote_addr)
    # Behind a socket, or a proxy that tells no address, there is nobody to tell from others.
    if network is not None:
        services().rate_limits.acquire(quota, network)


def current_principal() -> Principal:
    """Return whom the door has let in."""
    return cast("Principal", g.principal)


def signed_in_user() -> UserInfo:
    """Return the user behind the caller's session, for views whose permission asks for one."""
    user = current_principal().user
    assert user is not None  # noqa: S101 - a session has a user
    return user


def acting_admin_id() -> int | None:
    """Return the user in whose name the caller administers; None for the admin secret."""
    principal = current_principal()
    return None if principal.kind is CredentialKind.ADMIN_SECRET else principal.user_id


def uses_cookie_auth() -> bool:
    """Tell whether the caller of the API is known by the session's cookie, not by the header."""
    return not request.environ.get("HTTP_AUTHORIZATION")


def device_cookie() -> str | None:
    """Return the cookie of a known device, or None without one, and for two of them.

    As with the cookies of a session, another host of the domain may have set a second one.
    """
    cookies = request.cookies.getlist(DEVICE_COOKIE)
    return cookies[0] if len(cookies) == 1 else None


def current_actor() -> Actor:
    """Return, for the audit log, who makes this request and from where.

    Before the door has let somebody in, and in a public view, that is nobody.
    """
    return actor_of(g.get("principal"))


def actor_of(principal: Principal | None) -> Actor:
    """Return, for the audit log, that *principal* makes this request, or nobody who is known."""
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
    """Tell whether the view of this request is `@public`."""
    view = current_app.view_functions[cast("str", request.endpoint)]
    return getattr(view, "is_public", False)


def authenticate_api() -> None:
    """Learn who calls the API; raise `InvalidCredential` or `Forbidden`.

    Forbidden are foreign sites, and sessions that lack a second factor where one is required.
    The `Authorization` header, if there is one, decides alone: a wrong one is never rescued by a
    good cookie.
    """
    if not is_public_view():
        g.principal = api_principal()
        if lacks_second_factor(g.principal):
            raise Forbidden(SECOND_FACTOR_REQUIRED)


def lacks_second_factor(principal: Principal) -> bool:
    """Tell whether *principal* is a session that opens nothing before its user has set one up.

    Keys, and the admin secret, are nobody's sign-in.
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
    """Return the caller by header or cookie; raise `InvalidCredential` without a good one."""
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
    """Return the cookie *name*, or None without one; raise `InvalidCredential` for two of them.

    A neighbour of our domain can set a second one, which would come first.
    """
    values = request.cookies.getlist(name)
    if len(values) > 1:
        raise InvalidCredential(f"{len(values)} cookies named {name}")
    return values[0] if values else None


def session_of_cookies() -> tuple[int, int] | None:
    """Return *(user id, session id)* of the cookies, even expired ones, or None; renews nothing."""
    try:
        cookie = session_cookie(ACCESS_COOKIE) or ""
        principal = services().verifier.verify_session(cookie, allow_expired=True)
    except InvalidCredential:
        found = services().sessions.find_refresh_token(request.cookies.get(REFRESH_COOKIE, ""))
        return None if found is None else (found.user_id, found.session_id)
    return session_of(principal)


def session_of(principal: Principal) -> tuple[int, int]:
    """Return *(user id, session id)* of the *principal* of a session."""
    assert principal.credential_id is not None  # noqa: S101 - a session's principal names it
    return principal.user_id, principal.credential_id


def has_credential() -> bool:
    """Tell whether the request carries a credential, good or bad (RFC 6750 section 3.1)."""
    return bool(request.environ.get("HTTP_AUTHORIZATION") or request.cookies.get(ACCESS_COOKIE))


def bearer(header: str) -> str:
    """Return the token of an `Authorization` header: one scheme, one space, one word.

    Raises `InvalidCredential` for any other form.
    """
    scheme, _, token = header.partition(" ")
    is_word = token.isascii() and token.isprintable() and token and " " not in token
    if scheme.lower() != "bearer" or not is_word:
        raise InvalidCredential("malformed Authorization header")
    return token
