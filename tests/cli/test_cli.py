"""The command line, as a script sees it: standard output, standard error, exit code."""

from __future__ import annotations

import io
import json
import os
import pwd
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
import time_machine
from sqlalchemy import text

from phoenix_web import cli, create_app
from phoenix_web.policy import Role
from phoenix_web.settings import Settings, load
from phoenix_web.store.accounts.mfa import MfaStore, SecondFactor
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.reading import AuditStore
from phoenix_web.store.database import Database
from phoenix_web.store.mail.outbox import OutboxStore
from tests import factories
from tests.support.audit_log import by, what
from tests.support.mail_server import running_mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from phoenix_web.audit.events import AuditEntry

PASSWORD = "a long enough password"
OPERATOR = pwd.getpwuid(os.getuid()).pw_name


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Command(Protocol):
    def __call__(self, *words: str, stdin: str = "") -> Result: ...


@pytest.fixture
def environment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    variables = {
        "PHOENIX_SQL_DATABASE_URL": database_url,
        "PHOENIX_WORKING_DIR": str(tmp_path),
        "PHOENIX_SECRET": "a1" * 20,
        "PHOENIX_AUDIT_KEY": factories.AUDIT_KEY,
        "PHOENIX_PASSWORD_HASH_MEMORY_KIB": "8",
        "PHOENIX_PASSWORD_HASH_ITERATIONS": "1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def run(
    environment: dict[str, str],  # noqa: ARG001 - the commands read it
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    def run(*words: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["phoenix-web", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return Result(int(stopped.value.code or 0), printed.out, printed.err)

    return run


def _status(environment: dict[str, str], key: str) -> int:
    """Return how the API answers *key*."""
    app = create_app(
        Settings(
            sql_database_url=environment["PHOENIX_SQL_DATABASE_URL"],
            working_dir=environment["PHOENIX_WORKING_DIR"],
        )
    )
    try:
        answer = app.test_client().get("/v1/user", headers={"Authorization": f"Bearer {key}"})
        return answer.status_code
    finally:
        app.extensions["phoenix_web"].database.dispose()


@pytest.mark.empty_database
def test_an_upgrade_prints_the_first_password_alone_and_once(run: Command) -> None:
    first, second = run("db", "upgrade"), run("db", "upgrade")

    assert first.code == second.code == 0
    assert len(first.out.strip()) >= 12
    assert first.out.strip() not in first.err
    assert second.out == ""


def test_an_issued_key_is_the_only_output_and_opens_the_api(
    run: Command, environment: dict[str, str]
) -> None:
    run("users", "add", "bob@example.com")

    issued = run("keys", "issue", "ci", "--user", "bob@example.com")

    assert issued.code == 0
    assert issued.out.startswith("phx_u_")
    assert issued.out.count("\n") == 1
    assert _status(environment, issued.out.strip()) == 200


def test_a_key_without_a_user_is_a_system_key(run: Command, environment: dict[str, str]) -> None:
    issued = run("keys", "issue", "backup")

    assert issued.out.startswith("phx_s_")
    assert _status(environment, issued.out.strip()) == 200


def test_a_revoked_key_is_refused_and_no_longer_listed(
    run: Command, environment: dict[str, str]
) -> None:
    key = run("keys", "issue", "ci").out.strip()
    (listed,) = [json.loads(line) for line in run("keys", "list", "--json").out.splitlines()]

    revoked = run("keys", "revoke", listed["id"])

    assert revoked.code == 0
    assert _status(environment, key) == 401
    assert run("keys", "list").out == ""


def test_a_list_shows_a_hint_and_never_the_key(run: Command) -> None:
    run("users", "add", "bob@example.com")
    key = run("keys", "issue", "ci", "--user", "bob@example.com", "--expires-in-days", "7").out
    run("keys", "issue", "other")

    listed = run("keys", "list", "--user", "bob@example.com").out

    assert key.strip() not in listed
    assert key[:10] in listed
    assert len(listed.splitlines()) == 1


def test_a_password_on_standard_input_is_not_printed(run: Command) -> None:
    added = run("users", "add", "bob@example.com", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert added.code == 0
    assert PASSWORD not in added.out + added.err


def test_a_new_password_ends_the_sessions_and_signs_in(
    run: Command, environment: dict[str, str]
) -> None:
    run("users", "add", "bob@example.com", "--password-stdin", stdin=f"{PASSWORD}\n")
    app = create_app(
        Settings(
            sql_database_url=environment["PHOENIX_SQL_DATABASE_URL"],
            working_dir=environment["PHOENIX_WORKING_DIR"],
        )
    )
    client = app.test_client()
    client.post("/auth/login", json={"email": "bob@example.com", "password": PASSWORD})

    password = run("users", "set-password", "bob@example.com").out.strip()

    assert client.get("/v1/user").status_code == 401
    for attempt, status in ((PASSWORD, 401), (password, 204)):
        login = {"email": "bob@example.com", "password": attempt}
        assert client.post("/auth/login", json=login).status_code == status
    app.extensions["phoenix_web"].database.dispose()


def test_a_deactivated_users_keys_are_refused_until_they_are_reactivated(
    run: Command, environment: dict[str, str]
) -> None:
    run("users", "add", "bob@example.com")
    key = run("keys", "issue", "ci", "--user", "bob@example.com").out.strip()
    told = []

    for command in ("deactivate", "deactivate", "reactivate"):
        done = run("users", command, "bob@example.com")
        told.append((done.code, done.out, _status(environment, key)))

    assert told == [(0, "", 401), (0, "", 401), (0, "", 200)]


def test_users_are_listed_with_what_they_have_open(run: Command, database: Database) -> None:
    run("users", "add", "bob@example.com", "--username", "bob", "--role", "VIEWER")
    run("keys", "issue", "ci", "--user", "bob@example.com")
    run("users", "set-role", "bob@example.com", "MEMBER")
    run("users", "deactivate", "bob@example.com")
    with database.transaction() as session:
        UserStore(session).add(email="eve@example.com", username="eve", role=Role.VIEWER)

    eve, *listed = [json.loads(line) for line in run("users", "list", "--json").out.splitlines()]
    found = run("users", "list", "--search", "BOB").out

    assert (eve["email"], eve["state"]) == ("eve@example.com", "uninvited")
    assert [user["email"] for user in listed] == ["bob@example.com", "admin@localhost"]
    assert {name: value for name, value in listed[0].items() if name != "id"} == {
        "email": "bob@example.com",
        "username": "bob",
        "role": "MEMBER",
        "state": "deactivated",
        "last_sign_in_at": None,
        "mfa": "off",
        "keys": 1,
        "sessions": 0,
    }
    assert found.split("\t")[1:] == [
        *("bob@example.com", "bob", "MEMBER", "deactivated", "never", "off", "1", "0\n")
    ]


def test_a_deleted_user_is_gone(run: Command, environment: dict[str, str]) -> None:
    run("users", "add", "bob@example.com")
    key = run("keys", "issue", "ci", "--user", "bob@example.com").out.strip()

    assert run("users", "delete", "bob@example.com").code == 0
    assert _status(environment, key) == 401
    assert run("users", "delete", "bob@example.com").code == 3


NOT_UTF8 = "caf\udce9"


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        ("users add not-an-address", "", "Email must be a mail address"),
        (f"users add {NOT_UTF8}@example.com", "", "Email must be a mail address"),
        ("users add boss@example.com --username eve", "", "Email already exists"),
        ("users add a@example.com --username BOSS", "", "Username already exists"),
        (
            f"users add a@example.com --username {NOT_UTF8}",
            "",
            "Username must be UTF-8 text without the character U+0000",
        ),
        ("users add a@example.com --username ' '", "", "Username cannot be empty"),
        (
            "users add a@example.com --password-stdin",
            "short\n",
            "Password must be at least 12 characters long",
        ),
        (
            "users set-role admin@localhost VIEWER",
            "",
            "Cannot modify role for the default admin user",
        ),
        ("users deactivate boss@example.com", "", "Cannot remove the last active admin user"),
        ("users reactivate eve@example.com", "", "User eve@example.com does not exist"),
        ("users delete admin@localhost", "", "Cannot delete the default admin or system user"),
        (f"users delete {NOT_UTF8}", "", "User caf\\udce9 does not exist"),
        ("users set-password system@localhost", "", "Cannot modify the system user"),
        ("keys issue ci --user eve@example.com", "", "User eve@example.com does not exist"),
        ("keys issue ' '", "", "Name cannot be empty"),
        (f"keys issue {'x' * 257}", "", "Name must be at most 256 characters long"),
        (f"keys issue {NOT_UTF8}", "", "Name must be UTF-8 text without the character U+0000"),
        (
            f"keys issue ci --description {NOT_UTF8}",
            "",
            "Description must be UTF-8 text without the character U+0000",
        ),
        ("keys revoke VXNlckFwaUtleTo5OTk=", "", "Key VXNlckFwaUtleTo5OTk= does not exist"),
        ("keys revoke junk", "", "Key junk does not exist"),
    ],
)
def test_a_refused_command_says_why_exits_with_3_and_stores_nothing(
    run: Command, database: Database, words: str, stdin: str, sentence: str
) -> None:
    run("users", "add", "boss@example.com", "--username", "boss", "--role", "ADMIN")
    with database.transaction() as session:
        UserStore(session).set_active(2, is_active=False)
    users, events = run("users", "list").out, _lines(database)

    refused = run(*shlex.split(words), stdin=stdin)

    assert (refused.code, refused.out, refused.err) == (3, "", f"{sentence}\n")
    assert (run("users", "list").out, run("keys", "list").out) == (users, "")
    assert _lines(database) == events


def test_names_and_descriptions_of_commands_may_have_the_longest_form(run: Command) -> None:
    added = run("users", "add", "a@example.com", "--username", f" {'x' * 256} ")
    issued = run("keys", "issue", f" {'k' * 256} ", "--description", "d" * 4096)
    (key,) = [json.loads(line) for line in run("keys", "list", "--json").out.splitlines()]

    assert (added.code, issued.code) == (0, 0)
    assert key["name"] == "k" * 256
    assert "x" * 256 in run("users", "list", "--search", "a@").out


def test_a_search_that_is_not_text_finds_what_remains_of_it(run: Command) -> None:
    run("users", "add", "bob@example.com")

    found = run("users", "list", "--search", "\udce9bob")

    assert found.code == 0
    assert found.out.count("bob@example.com") >= 1


def test_an_administrator_of_the_settings_with_too_long_a_name_stops_the_start(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_ADMINS", f"{'x' * 257}=a@example.com")

    stopped = run("db", "upgrade")

    assert stopped.code == 1
    assert "PHOENIX_ADMINS: Username must be at most 256 characters long" in stopped.err


def test_wrong_configuration_exits_with_1_and_names_every_variable(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_PORT", "many")
    monkeypatch.setenv("PHOENIX_ENABLE_AUTH", "perhaps")

    stopped = run("serve")

    assert stopped.code == 1
    assert "PHOENIX_PORT" in stopped.err
    assert "PHOENIX_ENABLE_AUTH" in stopped.err


def test_wrong_usage_exits_with_2(run: Command) -> None:
    assert run("keys", "issue").code == 2
    assert run("users", "set-role", "admin@localhost", "SYSTEM").code == 2


def test_a_database_out_of_reach_exits_with_4(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_SQL_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")

    assert run("keys", "list").code == 4


def test_the_configuration_is_printed_without_its_secrets(
    run: Command, environment: dict[str, str]
) -> None:
    printed = run("config")

    assert printed.code == 0
    assert "PHOENIX_WORKERS=" in printed.out
    assert environment["PHOENIX_SECRET"] not in printed.out


def test_waiting_mails_are_sent_by_a_command(
    run: Command, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("mail", "send").code == 1
    with running_mail_server() as server:
        environment |= {
            "PHOENIX_SMTP_HOSTNAME": "127.0.0.1",
            "PHOENIX_SMTP_PORT": str(server.port),
            "PHOENIX_ROOT_URL": "https://phx.example.com",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert run("users", "add", "bob@example.com").code == 0
        app = create_app(load())
        asked = {"email": "bob@example.com"}
        assert app.test_client().post("/auth/password-reset-email", json=asked).status_code == 204
        app.extensions["phoenix_web"].database.dispose()

        told = run("mail", "send")
        again = run("mail", "send")

    assert (told.code, told.out, told.err) == (0, "", "1 sent, 0 postponed, 0 abandoned\n")
    assert again.err == "0 sent, 0 postponed, 0 abandoned\n"
    assert [message["To"] for message in server.messages] == ["bob@example.com"]

    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        assert run("mail", "send").code == 0
    database = Database(environment["PHOENIX_SQL_DATABASE_URL"])
    with database.reading() as session:
        assert OutboxStore(session).page(10, None, None).items == []
    database.dispose()


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    database = Database(environment["PHOENIX_SQL_DATABASE_URL"])
    yield database
    database.dispose()


def _lines(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(AuditStore(session).all())


def _do(database: Database, *statements: str) -> None:
    """Do something to the log as the owner of the database, whom no trigger stops."""
    is_sqlite = database.url.get_backend_name() == "sqlite"
    free = ["DROP TRIGGER audit_events_never_change", "DROP TRIGGER audit_events_stay"]
    with database.transaction() as session:
        for statement in free if is_sqlite else ["ALTER TABLE audit_events DISABLE TRIGGER ALL"]:
            session.execute(text(statement))
        for statement in statements:
            session.execute(text(statement))


def test_two_step_sign_in_is_reset_once_and_recorded(run: Command, database: Database) -> None:
    run("users", "add", "bob@example.com", "--username", "bob")
    with database.transaction() as session:
        bob = UserStore(session).find_by_email("bob@example.com")
        assert bob is not None
        MfaStore(session).enrol(bob.id, SecondFactor("A" * 32, 0), [b"x" * 32])
    listed = run("users", "list", "--json", "--search", "bob").out

    done, again = (run("users", "reset-mfa", "bob@example.com") for _ in range(2))

    assert json.loads(listed)["mfa"] == "on"
    assert json.loads(run("users", "list", "--json", "--search", "bob").out)["mfa"] == "off"
    told = "Reset two-step sign-in of bob@example.com. Their sessions have ended.\n"
    assert (done.code, done.out, done.err) == (0, "", told)
    assert (again.code, again.out) == (3, "")
    assert "Two-step sign-in is not on" in again.err
    assert [what(line) for line in _lines(database) if line.action.startswith("mfa.")] == [
        ("mfa.removed", "success", "User", "bob")
    ]


def test_what_commands_do_is_recorded_with_the_user_of_the_machine(
    run: Command, database: Database
) -> None:
    run("users", "add", "bob@example.com", "--username", "bob")
    run("users", "set-password", "bob@example.com")
    for words in (("set-role", "VIEWER"), ("deactivate",), ("deactivate",), ("reactivate",)):
        run("users", words[0], "bob@example.com", *words[1:])
    run("keys", "issue", "ci", "--user", "bob@example.com")
    run("keys", "issue", "backup")
    for key in [json.loads(line) for line in run("keys", "list", "--json").out.splitlines()]:
        run("keys", "revoke", key["id"])
    run("keys", "issue", "  ")
    run("users", "add", "bob@example.com")
    run("users", "delete", "bob@example.com")

    done = [line for line in _lines(database) if line.credential_kind != "server"]
    assert [what(line) for line in done] == [
        ("user.created", "success", "User", "bob"),
        ("user.password_changed", "success", "User", "bob"),
        ("user.role_changed", "success", "User", "bob"),
        ("user.deactivated", "success", "User", "bob"),
        ("user.reactivated", "success", "User", "bob"),
        ("key.issued", "success", "UserApiKey", "ci"),
        ("key.issued", "success", "SystemApiKey", "backup"),
        ("key.revoked", "success", "SystemApiKey", "backup"),
        ("key.revoked", "success", "UserApiKey", "ci"),
        ("user.deleted", "success", "User", "bob"),
    ]
    assert {by(line) for line in done} == {(OPERATOR, "command line", None)}
    assert {(line.actor_id, line.address) for line in done} == {(None, None)}


def test_a_log_is_proved_and_its_head_is_the_only_output(run: Command, database: Database) -> None:
    run("db", "upgrade")
    first = run("audit", "verify")
    run("keys", "issue", "ci")

    second = run("audit", "verify", "--head", first.out)

    newest = _lines(database)[-1]
    assert (first.code, second.code) == (0, 0)
    assert second.out == f"{newest.number}:{newest.mac.hex()}\n"
    assert f"Events 1 to {newest.number} are unchanged." in second.err


def test_a_changed_line_exits_with_5_and_says_which(run: Command, database: Database) -> None:
    run("keys", "issue", "ci")
    _do(database, "UPDATE audit_events SET subject_label = 'other' WHERE id = 2")

    answer = run("audit", "verify")

    assert (answer.code, answer.out) == (5, "")
    assert "event 2 was changed or moved" in answer.err


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_line_that_cannot_be_read_any_more_exits_with_5(run: Command, database: Database) -> None:
    run("db", "upgrade")
    _do(database, "UPDATE audit_events SET at = 'never' WHERE id = 1")

    answer = run("audit", "verify")

    assert (answer.code, answer.out) == (5, "")
    assert "Traceback" not in answer.err


def test_a_log_that_was_put_back_to_an_older_copy_shows_against_a_saved_head(
    run: Command, database: Database
) -> None:
    run("db", "upgrade")
    with database.reading() as session:
        link = session.execute(text("SELECT link FROM audit_state")).scalar_one()
    run("keys", "issue", "ci")
    head = run("audit", "verify").out
    _do(database, "DELETE FROM audit_events WHERE id = 3", "UPDATE audit_state SET number = 2")
    with database.transaction() as session:
        session.execute(text("UPDATE audit_state SET link = :link"), {"link": link})

    alone, against_head = run("audit", "verify"), run("audit", "verify", "--head", head)

    assert alone.code == 0
    assert (against_head.code, against_head.out) == (5, "")
    assert "before the saved head 3" in against_head.err


@pytest.mark.empty_database
def test_a_pruned_log_is_proved_from_where_it_begins(run: Command, database: Database) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=40)
    with time_machine.travel(long_ago):
        run("db", "upgrade")
        run("keys", "issue", "old")
        old_head = run("audit", "verify").out
    run("keys", "issue", "new")
    day = (long_ago + timedelta(days=2)).date().isoformat()

    pruned = run("audit", "prune", "--before", day)
    again = run("audit", "prune", "--before", day)
    proved = run("audit", "verify", "--head", old_head)

    assert (pruned.code, pruned.out, pruned.err) == (0, "", "Removed 3 events.\n")
    assert again.err == "Removed 0 events.\n"
    new, removal = _lines(database)
    assert (new.number, what(removal)[:2]) == (4, ("audit.pruned", "success"))
    assert by(removal) == (OPERATOR, "command line", None)
    assert proved.code == 0
    assert "Events 4 to 5 are unchanged." in proved.err
    assert "Retention has removed events 1 to 3." in proved.err


def test_lines_of_another_key_need_that_key(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old_key = tmp_path / "old.key"
    old_key.write_text(factories.AUDIT_KEY)
    monkeypatch.setenv("PHOENIX_AUDIT_KEY", "b2" * 20)
    run("keys", "issue", "ci")

    alone = run("audit", "verify")
    with_both = run("audit", "verify", "--key-file", str(old_key))

    assert alone.code == 5
    assert "which was not given" in alone.err
    assert with_both.code == 0


@pytest.mark.empty_database
def test_a_wrong_head_or_day_is_refused_and_so_is_a_log_that_never_was(run: Command) -> None:
    assert run("audit", "verify").code == 5
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert run("audit", "prune", "--before", "2001-01-01").code == 3
    assert run("audit", "prune", "--before", tomorrow).code == 3
    assert run("audit", "prune", "--before", "x").code == 2
    assert run("audit", "verify", "--head", "x").code == 2
