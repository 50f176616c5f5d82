"""What is there before the first request."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from phoenix_web.audit.events import AuditAction
from phoenix_web.auth.passwords.policy import MIN_LENGTH
from phoenix_web.policy import Role
from phoenix_web.server.bootstrap import prepare
from phoenix_web.settings import ConfigError
from phoenix_web.settings.key_files import session_secret
from phoenix_web.settings.rules import secret_fault
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.reading import AuditFilters, AuditStore
from phoenix_web.store.database import Database
from tests.factories import DEFAULT_ADMIN_PASSWORD, SECRET, make_settings

if TYPE_CHECKING:
    from pathlib import Path

    from phoenix_web.settings import Settings
    from phoenix_web.store.accounts.users import UserInfo

pytestmark = pytest.mark.empty_database


@pytest.fixture
def changed(database_url: str, tmp_path: Path) -> Any:
    """Call it for settings on the test's database with changes."""
    return lambda **changes: make_settings(database_url, tmp_path, **changes)


def _users(settings: Settings) -> list[UserInfo]:
    database = Database(settings.database_url)
    with database.reading() as session:
        users = UserStore(session).page(100, None).items
    database.dispose()
    return users[::-1]


def _prepare_at_once(settings: Settings, times: int) -> list[str | None]:
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(lambda _: prepare(settings, is_start=True), range(times)))


def test_the_system_user_and_the_first_administrator_are_made(settings: Settings) -> None:
    prepare(settings)

    system, admin = _users(settings)
    assert (system.id, system.email, system.role) == (1, "system@localhost", Role.SYSTEM)
    assert (admin.id, admin.email, admin.role) == (2, "admin@localhost", Role.ADMIN)
    assert admin.password_needs_reset


def test_many_may_prepare_at_once_and_one_tells_the_password(changed: Any) -> None:
    settings = changed(default_admin_initial_password=None, admins="Ann=ann@example.com")

    passwords = [password for password in _prepare_at_once(settings, 6) if password is not None]

    assert len(passwords) == 1
    assert len(passwords[0]) >= MIN_LENGTH
    assert [user.email for user in _users(settings)] == [
        "system@localhost",
        "admin@localhost",
        "ann@example.com",
    ]


def test_a_configured_password_is_told_by_nobody_and_does_not_change_later(
    changed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert prepare(changed()) is None
    before = _users(changed())

    assert prepare(changed(default_admin_initial_password=SecretStr("another-password-1"))) is None
    assert _users(changed()) == before
    assert DEFAULT_ADMIN_PASSWORD not in caplog.text


def test_an_invented_password_is_told_once_and_not_logged(
    changed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = changed(default_admin_initial_password=None)
    password = prepare(settings)

    assert password is not None
    assert password not in caplog.text
    assert prepare(settings) is None


def test_a_bad_initial_password_stops_the_start_and_makes_nobody(changed: Any) -> None:
    with pytest.raises(ConfigError, match="PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD: Password must"):
        prepare(changed(default_admin_initial_password=SecretStr("admin")))

    assert _users(changed()) == []


def test_configured_administrators_are_added_once_and_change_nobody(changed: Any) -> None:
    prepare(changed(admins="Ann=Ann@Example.com;Bob=bob@example.com"))
    first = _users(changed())
    prepare(changed(admins="ANN=other@example.com;Carol=BOB@example.com;admin=x@example.com"))

    assert _users(changed()) == first
    assert [(user.username, user.email, user.role) for user in first[2:]] == [
        ("Ann", "ann@example.com", Role.ADMIN),
        ("Bob", "bob@example.com", Role.ADMIN),
    ]
    assert all(user.password_needs_reset for user in first[2:])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_secret_is_made_once_for_this_folder_and_for_its_owners_eyes(changed: Any) -> None:
    settings = changed(secret=None)
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: session_secret(settings), range(8)))

    file = settings.working_dir / "secret"
    assert secrets == {file.read_text(encoding="utf-8")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(next(iter(secrets))) >= 43
    assert list(settings.working_dir.glob(".secret*")) == []


def test_a_configured_secret_leaves_no_file(changed: Any) -> None:
    settings = changed()

    assert session_secret(settings) == SECRET
    assert secret_fault(SECRET) is None
    assert not (settings.working_dir / "secret").exists()


def _settings_events(settings: Settings) -> list[tuple[str, dict[str, str]]]:
    database = Database(settings.database_url)
    with database.reading() as session:
        page = AuditStore(session).page(AuditFilters(action=AuditAction.SETTINGS_CHANGED), 10)
    database.dispose()
    return [(line.subject_label, json.loads(line.detail)["settings"]) for line in page.items[::-1]]


def test_a_start_with_other_settings_is_recorded_once_and_tells_no_secret(
    changed: Any, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: prepare(changed(), is_start=True), range(3)))
    # Neither a command nor another host of the same database is a change.
    prepare(changed(refresh_reuse_seconds=9))
    other_host = {"port": 1, "workers": 9, "working_dir": tmp_path / "other"}
    prepare(changed().model_copy(update=other_host), is_start=True)
    prepare(changed(admin_secret=None, admins="Ann=ann@example.com"), is_start=True)

    (_, first), (names, second) = _settings_events(changed())

    assert names == "admin_secret, admins"
    assert first["secret"] == first["admin_secret"] == first["sql_database_url"] == "set"
    assert first["password_hash_iterations"] == "1"
    assert {*first} - {*second} == {"admin_secret"}
    assert "ann@example.com" in second["admins"]


def test_a_folder_that_cannot_hold_a_key_is_told_with_what_to_set_instead(
    changed: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    settings = changed(audit_key=None).model_copy(update={"working_dir": tmp_path / "file"})

    with pytest.raises(ConfigError, match="Set PHOENIX_AUDIT_KEY instead"):
        prepare(settings)
    prepare(settings.model_copy(update={"audit_key": SecretStr("a1" * 20)}))
