"""What the recording leaves out, by the name of the exchange: what came before, whose id it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import decode, encode
from tests.contract.auth_walk import ADMIN, MEMBER, SMTP_DOWN, Before, Paths, Walk
from tests.factories import SECRET, forge_jwt

if TYPE_CHECKING:
    from collections.abc import Callable


def _forge(
    who: str, claims: dict[str, Any], *, key: str = SECRET, algorithm: str = "HS256"
) -> Callable[[Walk], None]:
    """Let *who* hold a token in the form of Phoenix, which names a row and nothing else."""

    def forge(walk: Walk) -> None:
        text = forge_jwt({"typ": "JWT", "alg": algorithm}, claims, key.encode())
        for kind in ("ApiKey", "Foo", ""):
            walk.keep(who, kind, text)

    return forge


def _open_another_session(walk: Walk) -> None:
    tokens = walk.session(MEMBER)
    walk.keep("member's other session", "AccessToken", tokens["access"])
    walk.keep("member's other session", "RefreshToken", tokens["refresh"])
    walk.session(MEMBER, new=True)


def _sign_in_whom_to_delete(walk: Walk) -> None:
    walk.add_user("sess@example.com")
    tokens = walk.session("sess@example.com")
    walk.keep("that user's session (cookie)", "AccessToken", tokens["access"])


def _make_key_of_whom_to_delete(walk: Walk) -> None:
    walk.add_user("owner@example.com")
    walk.keep("API key of a deleted user", "ApiKey", walk.add_key("owner@example.com", "orphan"))


def _demote_an_admin(walk: Walk) -> None:
    walk.add_user("m3@example.com", "ADMIN")
    tokens = walk.session("m3@example.com")
    walk.keep("demoted user's session (cookie)", "AccessToken", tokens["access"])
    walk.keep("demoted user's API key", "ApiKey", walk.add_key("m3@example.com", "m3"))
    walk.demote("m3@example.com")


def _expire_access(walk: Walk) -> None:
    tokens = walk.session(ADMIN, new=True)
    walk.keep("expired admin session (bearer)", "AccessToken", tokens["access"])
    walk.keep("expired refresh cookie", "RefreshToken", tokens["refresh"])
    walk.wait(seconds=4)


def _sweep(walk: Walk) -> None:
    walk.wait(days=2)
    walk.session(ADMIN, new=True)


def _make_key_under_the_first_secret(walk: Walk) -> None:
    walk.use("auth")
    walk.session(ADMIN, new=True)
    walk.keep("admin API key made before", "ApiKey", walk.add_key(ADMIN, "made before"))
    walk.use("auth, restarted with another PHOENIX_SECRET")


def _make_key_to_delete(walk: Walk) -> None:
    walk.session(ADMIN, new=True)
    walk.keep("deleted admin API key", "ApiKey", walk.add_key(ADMIN, "shared"))


def _ask_again(walk: Walk) -> None:
    walk.receive_mail()
    walk.ask_for_reset(MEMBER)
    # Before the newer mail is there, but not before it was asked for.
    older = walk.text_of("anonymous", "PasswordResetToken")
    walk.receive_mail()
    walk.keep(
        "the newer link", "PasswordResetToken", walk.text_of("anonymous", "PasswordResetToken")
    )
    walk.keep("anonymous", "PasswordResetToken", older)


def _take_the_newer_link(walk: Walk) -> None:
    newer = walk.text_of("the newer link", "PasswordResetToken")
    walk.keep("anonymous", "PasswordResetToken", newer)


def _add_jane(walk: Walk) -> None:
    walk.use("auth")
    walk.session(ADMIN, new=True)
    walk.add_user("jane@example.com")
    walk.use(SMTP_DOWN)


BEFORE: Final[Before] = {
    "reset (SMTP on): earlier token is void once a newer one is issued": _ask_again,
    "reset (SMTP on): too short a password": _take_the_newer_link,
    "mail server down: reset mail for a known user": _add_jane,
    "delete user: user that never logged in": lambda walk: walk.add_user("never@example.com"),
    "delete user: user with a live session -> 500": _sign_in_whom_to_delete,
    "delete user: user who owns an API key": _make_key_of_whom_to_delete,
    "refresh: refresh cookie only": lambda walk: walk.drop("member", "RefreshToken"),
    "logout: cookie": _open_another_session,
    "logout: with an API key ends the owner's sessions": lambda walk: walk.session(
        MEMBER, new=True
    ),
    "forged token key: any holder of PHOENIX_SECRET can mint ApiKey:<n>": _forge(
        "forged JWT (HS256, PHOENIX_SECRET)", {"jti": "ApiKey:1"}
    ),
    "forged token: exp claim in the past is ignored": _forge(
        "forged JWT with exp=1", {"jti": "ApiKey:1", "exp": 1}
    ),
    "forged token: alg none": _forge("forged JWT alg none", {"jti": "ApiKey:1"}, algorithm="none"),
    "forged token: HS512": _forge("forged JWT HS512", {"jti": "ApiKey:1"}, algorithm="HS512"),
    "forged token: wrong secret": _forge(
        "forged JWT wrong secret", {"jti": "ApiKey:1"}, key=SECRET[::-1]
    ),
    "forged token: unknown id": _forge("forged JWT", {"jti": "ApiKey:9999"}),
    "forged token: unknown kind": _forge("forged JWT", {"jti": "Foo:1"}),
    "forged token: numeric jti": _forge("forged JWT", {"jti": 5}),
    "whoami: session after a role change": _demote_an_admin,
    "limits: 13th call to the shared /auth bucket in a minute": lambda walk: walk.fail(
        "ghost@example.com", 12
    ),
    "brute force: 5th failure": lambda walk: walk.fail("s@example.com", 4),
    "brute force: unknown e-mails lock too": lambda walk: walk.fail("ghost@example.com", 5),
    "brute force: after the lock ends": lambda walk: walk.wait(minutes=5),
    "short lifetimes: expired access token, before the sweep": _expire_access,
    "short lifetimes: expired refresh token, before the sweep": lambda walk: walk.wait(seconds=3),
    "short lifetimes: expired refresh token, after the sweep": _sweep,
    "brute force off: login after 7 failures": lambda walk: walk.fail(ADMIN, 7),
    "restart with another PHOENIX_SECRET: API key": _make_key_under_the_first_secret,
    "two processes: delete a key on process A": _make_key_to_delete,
    "two processes: locked on process A": lambda walk: walk.fail(ADMIN, 5),
}


def _id_of(name: str) -> Callable[[Walk], str]:
    return lambda walk: walk.ids[name]


def _id(kind: str, number: int) -> Callable[[Walk], str]:
    return lambda _: encode(kind, number)


def _user_key_as_system_key(walk: Walk) -> str:
    _, number = decode(walk.ids["k1"]) or ("", 0)
    return encode("SystemApiKey", number)


PATHS: Final[Paths] = {
    "list users: next page (cursor row is included)": Walk.next_cursor,
    "list users: last page has next_cursor null": _id("User", 2),
    "list users: cursor of another node type is accepted": _id("Project", 2),
    "list users: cursor past the end": _id("User", 0),
    "PATCH one user does not exist in REST": _id_of(MEMBER),
    "GET one user does not exist in REST": _id_of(MEMBER),
    "list keys: all users, next page": Walk.next_cursor,
    "list keys: all users, cursor of the wrong type": _id("User", 1),
    "delete key: someone else's looks missing": _id_of("k1"),
    "delete key: missing": _id("UserApiKey", 9999),
    "delete key: system id on the user path": _id_of("sk"),
    "delete key: user id on the system path": _id_of("k1"),
    "delete key: user key number dressed as a system id": _user_key_as_system_key,
    "delete key: system key may not delete user keys": _id_of("k1"),
    "delete key: system key may not delete system keys": _id_of("sk"),
    "delete key: member may not delete system keys": _id_of("sk"),
    "delete key: anonymous": _id_of("k1"),
    "delete key: own, by session": _id_of("k2"),
    "delete key: a key may delete itself": _id_of("vk"),
    "delete key: admin deletes a member's key": _id_of("n"),
    "delete key: admin secret deletes an admin's key": _id_of("ak"),
    "delete key: system key, by admin": _id_of("sk2"),
    "delete key: system key, by admin secret": _id_of("sk"),
    "PATCH a key does not exist": _id_of("k1"),
    "delete user: wrong node type": _id("Project", 1),
    "delete user: missing": _id("User", 9999),
    "delete user: default admin": _id_of(ADMIN),
    "delete user: system user": _id_of("system@localhost"),
    "delete user: user that never logged in": _id_of("never@example.com"),
    "delete user: user with a live session -> 500": _id_of("sess@example.com"),
    "delete user: same user after logout": _id_of("sess@example.com"),
    "delete user: user who owns an API key": _id_of("owner@example.com"),
    "delete user: admin deletes another never-signed-in admin": _id_of("ad2@example.com"),
    "two processes: delete a key on process A": _id_of("shared"),
    "auth off: delete user is open": _id("User", 3),
    "auth off: delete default admin": _id_of(ADMIN),
}
