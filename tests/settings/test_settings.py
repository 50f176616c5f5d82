"""Settings: names, rules and texts of the environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import pytest

from phoenix_web.settings import ConfigError, Settings, load
from tests.factories import ADMIN_SECRET, SECRET

if TYPE_CHECKING:
    from pathlib import Path

POSTGRES: Final = "postgresql+psycopg://u:hunter2-hunter2@h/d"


def _load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"PHOENIX_{name}", value)
    return load()


def _faults(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(monkeypatch, **variables)
    return caught.value.faults


def test_without_configuration_authentication_is_on_and_the_database_embedded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = _load(monkeypatch)

    assert settings.enable_auth
    assert settings.database_url.startswith("sqlite:")
    assert settings.secret is None
    assert (settings.host, settings.port) == ("0.0.0.0", 6006)  # noqa: S104 - the documented default
    assert settings.access_lifetime.total_seconds() == 600
    assert settings.refresh_lifetime.days == 7


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"SECRET": ""}, "PHOENIX_SECRET: Phoenix secret must be non-empty"),
        (
            {"RATE_LIMIT_STORAGE_URL": "memcached://localhost"},
            "PHOENIX_RATE_LIMIT_STORAGE_URL must be a URL such as redis://localhost:6379/0",
        ),
        (
            {"RATE_LIMIT_STORAGE_URL": "redis://localhost:port"},
            "PHOENIX_RATE_LIMIT_STORAGE_URL must be a URL such as redis://localhost:6379/0",
        ),
        (
            {"RATE_LIMIT_STORAGE_URL": "redis://localhost?socket_timeout=soon"},
            "PHOENIX_RATE_LIMIT_STORAGE_URL must be a URL such as redis://localhost:6379/0",
        ),
        (
            {"SECRET": "with a blank in it 0123456789 abcdef"},
            "PHOENIX_SECRET: Phoenix secret must not contain whitespace characters",
        ),
        (
            {"SECRET": "ä0123456789abcdef0123456789abcdef"},
            "PHOENIX_SECRET: Phoenix secret must contain only ASCII characters",
        ),
        (
            {"SECRET": "short0"},
            "PHOENIX_SECRET: Phoenix secret must be at least 32 characters long",
        ),
        (
            {"SECRET": "SHORT"},
            (
                "PHOENIX_SECRET: Phoenix secret must be at least 32 characters long, "
                "at least one digit, and at least one lowercase letter"
            ),
        ),
        ({"SECRET": "a" * 32}, "PHOENIX_SECRET: Phoenix secret must be at least one digit"),
        (
            {"ADMIN_SECRET": "short0"},
            "PHOENIX_ADMIN_SECRET: Phoenix secret must be at least 32 characters long",
        ),
        (
            {"AUDIT_KEY": "short0"},
            "PHOENIX_AUDIT_KEY: Phoenix secret must be at least 32 characters long",
        ),
        (
            {"SECRET": SECRET, "AUDIT_KEY": SECRET},
            "`PHOENIX_AUDIT_KEY` must be different from `PHOENIX_SECRET`",
        ),
        (
            {"SECRET": SECRET, "ADMIN_SECRET": SECRET},
            "`PHOENIX_ADMIN_SECRET` must be different from `PHOENIX_SECRET`",
        ),
        (
            {"SQL_DATABASE_URL": POSTGRES},
            "`PHOENIX_SECRET` must be set when auth is enabled with `PHOENIX_ENABLE_AUTH`",
        ),
        (
            {"SQL_DATABASE_URL": "mysql://u@h/d"},
            "PHOENIX_SQL_DATABASE_URL: `mysql` is not a supported SQL backend/dialect.",
        ),
        ({"SQL_DATABASE_URL": "junk"}, "PHOENIX_SQL_DATABASE_URL: must be a database URL"),
        (
            {"POSTGRES_HOST": "h", "POSTGRES_USER": "u", "SECRET": SECRET},
            (
                "The environment variable PHOENIX_POSTGRES_PASSWORD is not set. "
                "Please set it to the password for the PostgreSQL database."
            ),
        ),
        (
            {"ENABLE_AUTH": "1"},
            "PHOENIX_ENABLE_AUTH must be set to TRUE or FALSE (case-insensitive). Got: 1",
        ),
        (
            {"ENABLE_AUTH": ""},
            "PHOENIX_ENABLE_AUTH must be set to TRUE or FALSE (case-insensitive). Got: ",
        ),
        (
            {"USE_SECURE_COOKIES": "yes"},
            "PHOENIX_USE_SECURE_COOKIES must be set to TRUE or FALSE (case-insensitive). Got: yes",
        ),
        (
            {"ACCESS_TOKEN_EXPIRY_MINUTES": "x"},
            (
                "Invalid value for environment variable PHOENIX_ACCESS_TOKEN_EXPIRY_MINUTES: x. "
                "Value must be a number."
            ),
        ),
        (
            {"ACCESS_TOKEN_EXPIRY_MINUTES": "0"},
            "PHOENIX_ACCESS_TOKEN_EXPIRY_MINUTES: Input should be greater than 0",
        ),
        (
            {"REFRESH_TOKEN_EXPIRY_MINUTES": "-1"},
            "PHOENIX_REFRESH_TOKEN_EXPIRY_MINUTES: Input should be greater than 0",
        ),
        (
            {"BRUTE_FORCE_LOGIN_PROTECTION_MAX_ATTEMPTS": "five"},
            (
                "Invalid value for environment variable "
                "PHOENIX_BRUTE_FORCE_LOGIN_PROTECTION_MAX_ATTEMPTS: five. Value must be an integer."
            ),
        ),
        (
            {"PORT": "abc"},
            "Invalid value for environment variable PHOENIX_PORT: abc. Value must be an integer.",
        ),
        (
            {"HOST_ROOT_PATH": "phx"},
            (
                "Invalid value for environment variable PHOENIX_HOST_ROOT_PATH: phx. "
                "Value must start with '/'"
            ),
        ),
        (
            {"HOST_ROOT_PATH": "/phx/"},
            (
                "Invalid value for environment variable PHOENIX_HOST_ROOT_PATH: /phx/. "
                "Value cannot end with '/'"
            ),
        ),
        (
            {"ROOT_URL": "phoenix.example"},
            "The environment variable `PHOENIX_ROOT_URL` must be a valid URL.",
        ),
        (
            {"ROOT_URL": "javascript://x"},
            "The environment variable `PHOENIX_ROOT_URL` must be a valid URL.",
        ),
        (
            {"CSRF_TRUSTED_ORIGINS": "https://a.example,b"},
            (
                "The environment variable `PHOENIX_CSRF_TRUSTED_ORIGINS` contains a url with "
                "missing hostname. Please ensure that each url has a valid hostname."
            ),
        ),
        (
            {"LOGGING_LEVEL": "loud"},
            (
                "Invalid value `loud` for env var `PHOENIX_LOGGING_LEVEL`. Valid values are: "
                "CRITICAL, FATAL, ERROR, WARN, WARNING, INFO and DEBUG (case-insensitive)."
            ),
        ),
        ({"SUPPORT_EMAIL": "x"}, "Invalid email in PHOENIX_SUPPORT_EMAIL: 'x'"),
        (
            {"ADMINS": "junk"},
            "Invalid format in PHOENIX_ADMINS: 'junk'. Expected format: 'username=email'",
        ),
        ({"ADMINS": "A=b"}, "Invalid email in PHOENIX_ADMINS: 'b'"),
        (
            {"ADMINS": "A=a@x.example;A=b@x.example"},
            "Duplicate username in PHOENIX_ADMINS: 'A'",
        ),
        (
            {"ADMINS": "A=a@x.example;B=A@x.example"},
            "Duplicate email in PHOENIX_ADMINS: 'a@x.example'",
        ),
        (
            {"DISABLE_BASIC_AUTH": "true"},
            (
                "PHOENIX_DISABLE_BASIC_AUTH is set, but no alternative authentication methods are "
                "configured. Please configure at least one of: OAuth2 (PHOENIX_OAUTH2_*) or LDAP "
                "(PHOENIX_LDAP_HOST)."
            ),
        ),
    ],
)
def test_a_wrong_variable_stops_the_start_with_the_contracts_text(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], text: str
) -> None:
    assert _faults(monkeypatch, **variables) == [text]


def test_redis_without_its_library_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)

    (fault,) = _faults(monkeypatch, RATE_LIMIT_STORAGE_URL="redis://:hunter2-hunter2@localhost")

    assert fault.startswith("PHOENIX_RATE_LIMIT_STORAGE_URL needs the library for Redis: ")
    assert "hunter2" not in fault


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = _faults(
        monkeypatch,
        SECRET="short",
        ADMIN_SECRET="SHORT",
        PORT="x",
        ENABLE_AUTH="maybe",
        HOST_ROOT_PATH="x",
        ADMINS="x",
        LOGGING_LEVEL="x",
    )

    assert len(faults) == 7
    assert len([fault for fault in faults if "PHOENIX_" in fault]) == 7


def test_no_fault_and_no_representation_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"SECRET": "hunter2 hunter2", "ADMIN_SECRET": "hunter2"}
    wrong["SQL_DATABASE_URL"] = "mysql://u:hunter2@h/d"
    wrong["DEFAULT_ADMIN_INITIAL_PASSWORD"] = "hunter2-hunter2"
    assert "hunter2" not in "".join(_faults(monkeypatch, **wrong))

    right = {"SECRET": SECRET, "ADMIN_SECRET": ADMIN_SECRET, "SQL_DATABASE_URL": POSTGRES}
    shown = repr(_load(monkeypatch, **right))
    assert not [text for text in (SECRET, ADMIN_SECRET, "hunter2") if text in shown]


@pytest.mark.parametrize(
    ("text", "truth"),
    [("true", True), (" TRUE ", True), ("True", True), ("false", False), ("FALSE", False)],
)
def test_booleans_are_read_in_any_case(
    monkeypatch: pytest.MonkeyPatch, text: str, *, truth: bool
) -> None:
    assert _load(monkeypatch, ENABLE_AUTH=text).enable_auth is truth


def test_every_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = {
        "SECRET": SECRET,
        "ADMIN_SECRET": ADMIN_SECRET,
        "SQL_DATABASE_URL": POSTGRES,
        "DEFAULT_ADMIN_INITIAL_PASSWORD": "from-a-file-1234",
        "POSTGRES_PASSWORD": "from-a-file",
    }
    for name, value in told.items():
        (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
        monkeypatch.setenv(f"PHOENIX_{name}_FILE", str(tmp_path / name))

    settings = load()

    for name, value in told.items():
        assert getattr(settings, name.lower()).get_secret_value() == value


def test_a_file_is_checked_as_a_variable_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("short0", encoding="utf-8")

    faults = _faults(monkeypatch, SECRET_FILE=str(tmp_path / "secret"), PORT="x")

    assert faults[0] == "PHOENIX_SECRET: Phoenix secret must be at least 32 characters long"
    assert len(faults) == 2


def test_a_file_that_cannot_be_read_is_named_with_all_other_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    files = {
        "SECRET": (tmp_path / "none", "No such file or directory"),
        "ADMIN_SECRET": (tmp_path, "Is a directory"),
        "POSTGRES_PASSWORD": (tmp_path / "binary", "not UTF-8"),
    }
    variables = {f"{name}_FILE": str(path) for name, (path, _) in files.items()}

    faults = _faults(monkeypatch, PORT="x", **variables)

    expected = {
        f"PHOENIX_{name}_FILE: cannot read {path}: {reason}"
        for name, (path, reason) in files.items()
    }
    assert expected < set(faults)
    assert len(faults) == 4


def test_only_secrets_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("7007", encoding="utf-8")

    assert _load(monkeypatch, PORT_FILE=str(tmp_path / "port")).port == 6006


def test_an_admin_secret_may_stand_alone_with_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _load(monkeypatch, ADMIN_SECRET=ADMIN_SECRET).admin_secret is not None


def test_postgresql_without_authentication_needs_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, SQL_DATABASE_URL=POSTGRES, ENABLE_AUTH="false")

    assert settings.secret is None


def test_a_postgresql_url_is_made_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"POSTGRES_HOST": "h", "POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p@ss/word"}

    settings = _load(monkeypatch, SECRET=SECRET, POSTGRES_DB="d", POSTGRES_PORT="5433", **parts)

    assert settings.database_url == "postgresql+psycopg://u:p%40ss%2Fword@h:5433/d"


def test_the_url_decides_over_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"POSTGRES_HOST": "h", "POSTGRES_USER": "u"}

    settings = _load(monkeypatch, SQL_DATABASE_URL="sqlite:///x.db", **parts)

    assert settings.database_url == "sqlite:///x.db"


def test_administrators_are_named_with_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, ADMINS=" Ann, PhD=Ann@X.example ; a=b=c@x.example;")

    assert settings.admins == {"Ann, PhD": "ann@x.example", "a=b": "c@x.example"}


def test_settings_are_never_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch)

    with pytest.raises(ValueError, match="frozen"):
        settings.enable_auth = False  # type: ignore[misc]  # that is what is refused
    with pytest.raises(ValueError, match="extra"):
        Settings(unknown=1)  # type: ignore[call-arg]  # that is what is refused


def test_cookies_are_secure_when_the_root_url_is_unless_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not _load(monkeypatch).has_secure_cookies
    assert _load(monkeypatch, ROOT_URL="https://x.example").has_secure_cookies
    assert not _load(monkeypatch, USE_SECURE_COOKIES="false").has_secure_cookies


def test_origins_are_compared_in_lower_case_without_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    told = " HTTPS://A.example/path , http://b.example:8080 ,"

    assert _load(monkeypatch, CSRF_TRUSTED_ORIGINS=told).csrf_trusted_origins == (
        "https://a.example",
        "http://b.example:8080",
    )


def test_mail_is_off_unless_a_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch)
    names = ("SMTP_HOSTNAME", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_MAIL_FROM")
    blank = _load(monkeypatch, **dict.fromkeys(names, ""))

    assert settings.smtp_hostname is None
    assert settings == blank
    assert settings.smtp_port == 587
    assert settings.smtp_validate_certs
    assert not settings.smtp_allow_plaintext


def test_mail_needs_an_address_for_its_links(monkeypatch: pytest.MonkeyPatch) -> None:
    [fault] = _faults(monkeypatch, SMTP_HOSTNAME="mail.example.com")

    assert "PHOENIX_ROOT_URL must be set" in fault
    monkeypatch.setenv("PHOENIX_ROOT_URL", "https://phx.example.com")
    assert _load(monkeypatch).smtp_hostname == "mail.example.com"


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"SMTP_USERNAME": "u"}, "SMTP password is required"),
        ({"SMTP_PASSWORD": "hunter2-hunter2"}, "SMTP username is required"),
        ({"SMTP_PORT": "0"}, "PHOENIX_SMTP_PORT: "),
        ({"SMTP_PORT": "65536"}, "PHOENIX_SMTP_PORT: "),
        ({"SMTP_PORT": "many"}, "PHOENIX_SMTP_PORT: many. Value must be an integer."),
        ({"SMTP_MAIL_FROM": "nobody"}, "Invalid email in PHOENIX_SMTP_MAIL_FROM: 'nobody'"),
        (
            {"SMTP_VALIDATE_CERTS": "0"},
            "PHOENIX_SMTP_VALIDATE_CERTS must be set to TRUE or FALSE (case-insensitive). Got: 0",
        ),
    ],
)
def test_wrong_settings_of_mail_are_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], text: str
) -> None:
    [fault] = _faults(monkeypatch, **variables)

    assert text in fault
    assert "hunter2" not in fault


def test_the_password_of_mail_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("hunter2\n", encoding="utf-8")

    settings = _load(monkeypatch, SMTP_USERNAME="u", SMTP_PASSWORD_FILE=str(tmp_path / "password"))

    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == "hunter2"
