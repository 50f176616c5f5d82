"""Secrets in files that `PHOENIX_..._FILE` variables name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A placeholder for a secret in an unreadable file; validation rejects it with `fault`."""

    fault: str


class SecretFiles(EnvSettingsSource):
    """A settings source that reads secrets from the files of `..._FILE` variables."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the text of the file that the variable names, or None if it is not set."""
        is_secret = SecretStr in get_args(field.annotation)
        path = (
            self.env_vars.get(f"{self.env_prefix}{field_name}_FILE".lower()) if is_secret else None
        )
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            name = f"{self.env_prefix}{field_name.upper()}_FILE"
            return Unreadable(f"{name}: cannot read {path}: {reason}"), field_name, False
