"""The walk through the recorded exchanges about users, keys and sessions, with real credentials.

Each exchange says by whom it was made (`as`) and on which server. What the recording leaves out
(who signs in, whose key a path names, how much time passes) is told here, by exchange.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.users import UserStore
from tests.contract.replay import fill
from tests.factories import ADMIN_SECRET, SECRET, services_of
from tests.support.calls import cookies_of, log_in
from tests.support.mail_server import link_in

if TYPE_CHECKING:
    import time_machine
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.support.mail_server import MailServer

Exchange = dict[str, Any]
Before = Mapping[str, Callable[["Walk"], Any]]
Paths = Mapping[str, Callable[["Walk"], str]]

CSRF: Final = "auth, CSRF origins, secure cookies, cookie path, strong passwords"
SMTP: Final = "auth, SMTP, no CSRF list"
SMTP_DOWN: Final = (
    "auth, storage limit exceeded, mail server down, client registration disabled, "
    "brute-force protection off, strong passwords, no initial password"
)
SHORT: Final = "auth, access 3 s, refresh 6 s, root path /phx"
#: How each server of the recording was configured; those without authentication had a database
#: of their own.
SERVERS: Final[dict[str, dict[str, Any]]] = {
    "auth": {"admins": "john=john@example.com"},
    "auth, default limits": {"disable_rate_limit": False},
    "auth, two processes on one database": {},
    CSRF: {
        "csrf_trusted_origins": "https://phx.example.com",
        "use_secure_cookies": True,
        "cookies_path": "/phx",
        "enable_strong_password_policy": True,
    },
    SHORT: {
        "access_token_expiry_minutes": 3 / 60,
        "refresh_token_expiry_minutes": 6 / 60,
        "root_url": "https://phx.example.com/phx",
        "host_root_path": "/phx",
    },
    "auth, restarted with another PHOENIX_SECRET": {
        "secret": SECRET[::-1],
        "default_admin_initial_password": "Changed-Pass1!",
    },
    SMTP: {},
    SMTP_DOWN: {},
    "noauth": {"enable_auth": False},
    "auth, same database restarted with auth on": {},
    "auth, brute-force protection off": {"disable_brute_force_login_protection": True},
}
WITHOUT_AUTH: Final = {
    "noauth",
    "auth, same database restarted with auth on",
    "auth, brute-force protection off",
}
#: Which of the keys that are made on the way each actor uses.
KEYS: Final = {
    "member API key": "k1",
    "member API key (cookie)": "k1",
    "deleted member API key": "k2",
    "member API key in the body": "k1",
    "viewer API key": "vk",
    "admin API key": "ak",
    "system API key": "sk",
}
#: Our passwords are longer than those of the recording.
PASSWORDS: Final = {
    "pass": "passes for a password",
    "evil": "evil of some kind",
    "admin": "what the admin knows",
    "newpass": "a new one for a reset",
}
BASE_URL: Final = "http://localhost"
ADMIN: Final = "admin@localhost"
MEMBER: Final = "mem@example.com"
VIEWER: Final = "vie@example.com"


class Walk:
    """Everything that one replay has made so far."""

    def __init__(
        self,
        make_app: MakeApp,
        second_database: str,
        clock: time_machine.Traveller,
        mail_server: MailServer,
    ) -> None:
        """Start on two empty databases: that of *make_app*, and *second_database*."""
        self._make_app = make_app
        self._mail_server = mail_server
        self._second_database = second_database
        self._clock = clock
        self._apps: dict[tuple[str, str], Flask] = {}
        self.client: FlaskClient
        self._app: Flask
        #: The ids of users by e-mail, and of keys by name, with the texts of the keys.
        self.ids = {ADMIN: encode("User", 2), "system@localhost": encode("User", 1)}
        self.texts: dict[str, str] = {}
        self._passwords = {ADMIN: "Initial-Pass1!"}
        #: The tokens of each user's newest session.
        self._sessions: dict[str, dict[str, str]] = {}
        #: Texts that an actor of the recording holds, by actor and kind.
        self._kept: dict[tuple[str, str], str] = {}
        self._last: Any = None

    def send(self, exchange: Exchange, before: Before, paths: Paths) -> TestResponse:
        """Return our answer to the request of *exchange*, after what must happen *before* it.

        Of *paths* comes the id that stands in the path.
        """
        name = exchange["name"]
        self.use(exchange["server"], "B" if "process B" in name else "A")
        before.get(name, _nothing)(self)
        request, who = exchange["request"], exchange["as"]
        headers = {
            header: self._filled(value, who, header)
            for header, value in (request.get("headers") or {}).items()
        }
        path = fill(
            request["path"],
            lambda kind, type_: (
                paths[name](self) if kind == "GlobalID" else self._text(who, type_, "path")
            ),
        )
        response = self.client.open(
            path,
            method=request["method"],
            headers=headers,
            data=self._body(request.get("body"), who),
        )
        self._remember(exchange, response)
        return response

    def use(self, server: str, process: str = "A") -> None:
        """Let a *process* of *server* answer; it starts when it is first spoken to."""
        if (server, process) not in self._apps:
            changes = {"default_admin_initial_password": "Initial-Pass1!", **SERVERS[server]}
            if server in WITHOUT_AUTH:
                changes["sql_database_url"] = self._second_database
                changes["default_admin_initial_password"] = PASSWORDS["admin"]
            if server in {SMTP, SMTP_DOWN}:
                port = self._mail_server.port if server == SMTP else 1  # where nothing listens
                changes |= {"smtp_hostname": "127.0.0.1", "smtp_port": port, "root_url": BASE_URL}
            self._apps[server, process] = self._make_app(**changes)
        self._app = self._apps[server, process]
        self.client = self._app.test_client(use_cookies=False)

    def _body(self, body: Any, who: str) -> Any:
        if body is None or isinstance(body, str):
            return body
        user = body.get("user", body) if isinstance(body, dict) else {}
        if isinstance(user, dict) and user.get("password") in PASSWORDS:
            user["password"] = PASSWORDS[user["password"]]
        return self._filled(json.dumps(body), who, "body")

    def _remember(self, exchange: Exchange, response: TestResponse) -> None:
        self._last = response.get_json() if response.is_json and response.data else None
        if response.status_code == 201 and self._last:
            made = self._last["data"]
            self.ids[made.get("email") or made["name"]] = made["id"]
            if "key" in made:
                self.texts[made["name"]] = made["key"]
            else:
                password = exchange["request"]["body"]["user"].get("password")
                self._passwords[made["email"]] = password
        if exchange["name"].startswith("refresh:") and response.status_code == 204:
            self._kept["old member access token", "AccessToken"] = self._sessions[MEMBER]["access"]
            self._kept["member", "RefreshToken"] = self._sessions[MEMBER]["refresh"]
            self._sessions[MEMBER] = _tokens(response)

    def _filled(self, text: str, who: str, place: str) -> str:
        for name, value in (
            ("<PHOENIX_ADMIN_SECRET upper-cased>", ADMIN_SECRET.upper()),
            ("<PHOENIX_ADMIN_SECRET>", ADMIN_SECRET),
            ("<PHOENIX_SECRET>", SECRET),
            ("<base_url>", BASE_URL),
        ):
            text = text.replace(name, value)
        return fill(text, lambda _, type_: self._text(who, type_, place))

    def _text(self, who: str, kind: str, place: str) -> str:
        """Return the credential of *kind* that *who* puts in *place*."""
        if (who, kind) in self._kept:
            return self._kept[who, kind]
        if kind == "ApiKey":
            return self.texts[KEYS[who]]
        email = MEMBER
        if who.startswith("viewer"):
            email = VIEWER
        elif who in {"admin session (bearer)", "admin session (cookie)"} or (
            who.startswith("admin refresh token")
            or (who.endswith("+ admin cookie") and place == "Cookie")
        ):
            email = ADMIN
        return self.session(email)["access" if kind == "AccessToken" else "refresh"]

    def session(self, email: str, *, new: bool = False) -> dict[str, str]:
        """Return the tokens of the user's session; open one when there is none, or a *new* one."""
        if new or email not in self._sessions:
            response = log_in(self.client, email, self._passwords[email])
            self._sessions[email] = _tokens(response)
        return self._sessions[email]

    def keep(self, who: str, kind: str, text: str) -> None:
        """Let *who* hold *text* from now on."""
        self._kept[who, kind] = text

    def add_user(self, email: str, role: str = "MEMBER") -> None:
        """Add a user through the API."""
        user = {"email": email, "username": email.partition("@")[0], "role": role}
        user |= {"auth_method": "LOCAL", "password": PASSWORDS["pass"]}
        response = self.client.post("/v1/users", json={"user": user}, headers=self.as_admin())
        self.ids[email] = response.json["data"]["id"]  # type: ignore[index]  # it was made
        self._passwords[email] = PASSWORDS["pass"]

    def add_key(self, email: str, name: str) -> str:
        """Make a key of the user through the API and return its text."""
        headers = {"Authorization": f"Bearer {self.session(email)['access']}"}
        response = self.client.post(
            "/v1/user/api_keys", json={"data": {"name": name}}, headers=headers
        )
        made = response.json["data"]  # type: ignore[index]  # it was made
        self.ids[name], self.texts[name] = made["id"], made["key"]
        return str(made["key"])

    def as_admin(self) -> dict[str, str]:
        """Return the headers of the first administrator."""
        return {"Authorization": f"Bearer {self.session(ADMIN)['access']}"}

    def demote(self, email: str) -> None:
        """Make the user a viewer; the API offers no such route."""
        with services_of(self._app).database.transaction() as session:
            users = UserStore(session)
            user = users.find_by_email(email)
            assert user is not None
            users.set_role(user.id, Role.VIEWER)

    def fail(self, email: str, times: int) -> None:
        """Try to sign in with a wrong password."""
        for _ in range(times):
            log_in(self.client, email, "wrong password")

    def receive_mail(self) -> None:
        """Let the mails leave, and the member hold the link of the newest one."""
        mail = services_of(self._app).mail
        assert mail is not None
        mail.sender.send_due()
        messages = self._mail_server.messages
        assert [message["To"] for message in messages] == [MEMBER] * len(messages)
        token = link_in(messages[-1]).partition("token=")[2]
        self.keep("anonymous", "PasswordResetToken", token)

    def ask_for_reset(self, email: str) -> None:
        """Ask for a link by mail."""
        self.client.post("/auth/password-reset-email", json={"email": email})

    def text_of(self, who: str, kind: str) -> str:
        """Return the text of *kind* that *who* holds."""
        return self._kept[who, kind]

    def drop(self, who: str, kind: str) -> None:
        """Let *who* hold what belongs to the newest session again."""
        del self._kept[who, kind]

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self._clock.shift(timedelta(**time))

    def next_cursor(self) -> str:
        """Return the cursor that the last answer gave."""
        return str(self._last["next_cursor"])


def _tokens(response: TestResponse) -> dict[str, str]:
    cookies = cookies_of(response)
    return {kind: cookies[f"phoenix-{kind}-token"] for kind in ("access", "refresh")}


def _nothing(_walk: Walk) -> None:
    """Let nothing happen."""
