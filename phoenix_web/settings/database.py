"""Settings of the database and the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from phoenix_web.paths import default_working_dir
from phoenix_web.settings.rules import Integer

if TYPE_CHECKING:
    from collections.abc import Mapping


class DatabaseSettings(BaseSettings):
    """The database settings; validated first, since the rules for secrets depend on them."""

    working_dir: Path = Field(default_factory=default_working_dir)
    sql_database_url: SecretStr | None = Field(None, description="SQLite or PostgreSQL URL")
    postgres_host: str | None = None
    postgres_port: Integer = 5432
    postgres_user: str | None = None
    postgres_password: SecretStr | None = Field(None, validate_default=True)
    postgres_db: str | None = None

    @property
    def database_url(self) -> str:
        """Return the database URL, including its password."""
        if self.sql_database_url is not None:
            return self.sql_database_url.get_secret_value()
        if self.postgres_host and self.postgres_user and self.postgres_password:
            url = URL.create(
                "postgresql+psycopg",
                self.postgres_user,
                self.postgres_password.get_secret_value(),
                self.postgres_host,
                self.postgres_port,
                self.postgres_db or "postgres",
            )
            return url.render_as_string(hide_password=False)
        return f"sqlite:///{self.working_dir.expanduser().resolve() / 'phoenix.db'}"

    @field_validator("sql_database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            url = make_url(value.get_secret_value())
            backend = url.get_backend_name()
        except ArgumentError:
            raise ValueError("must be a database URL") from None
        if backend == "sqlite" and url.database in {None, "", ":memory:"}:
            raise ValueError("must name a file: an in-memory database is private to each process")
        if backend not in {"sqlite", "postgresql"}:
            raise ValueError(f"`{backend}` is not a supported SQL backend/dialect.")
        return value

    @field_validator("postgres_password")
    @classmethod
    def _check_password(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("sql_database_url") is None and not is_sqlite(info.data):
            raise ValueError(
                "The environment variable PHOENIX_POSTGRES_PASSWORD is not set. "
                "Please set it to the password for the PostgreSQL database."
            )
        return value


def is_sqlite(data: Mapping[str, Any]) -> bool:
    """Return whether *data*, the settings validated so far, select SQLite."""
    url = data.get("sql_database_url")
    if url is not None:
        return make_url(url.get_secret_value()).get_backend_name() == "sqlite"
    return not (data.get("postgres_host") and data.get("postgres_user"))
