"""Server secrets: configured, or generated once in the working directory."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from phoenix_web.settings.rules import secret_fault
from phoenix_web.settings.settings import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from phoenix_web.settings.settings import Settings


def session_secret(settings: Settings) -> str:
    """Return the secret that signs tokens: configured, or generated in the working directory."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    return _stored_secret(settings, "secret", "PHOENIX_SECRET")


def audit_key(settings: Settings) -> str:
    """Return the key of the audit log: configured, or generated in the working directory."""
    if settings.audit_key is not None:
        return settings.audit_key.get_secret_value()
    return _stored_secret(settings, "audit.key", "PHOENIX_AUDIT_KEY")


def _stored_secret(settings: Settings, name: str, variable: str) -> str:
    """Return the content of the file *name* in the working directory; create it if missing."""
    path = settings.working_dir.expanduser().resolve() / name
    try:
        if not path.exists():
            _write_secret(path)
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}. Set {variable} instead."]) from error
    if fault := secret_fault(secret):
        raise ConfigError([f"{path}: {fault}"])
    return secret


def _write_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"a1{secrets.token_urlsafe(48)}")
        os.fsync(descriptor)
    try:
        # Linking is atomic: if several processes start at once, one creates the file.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
