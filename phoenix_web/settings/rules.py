"""Validators of single settings. Each raises `ValueError`, with the text of the contract."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr, ValidationInfo

from phoenix_web.addresses import is_email_address

_MIN_SECRET_LENGTH = 32
#: Credentials and database number are optional; `redis+unix` has the path of a socket.
_REDIS_URL: Final = re.compile(r"rediss?://([^/?#@]*@)?[^/?#@]+(/\d*)?|redis\+unix:///[^?#]+")


def boolean(value: Any, info: ValidationInfo) -> Any:
    """Parse *value*, `true` or `false` in any case."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in {"true", "false"}:
        raise ValueError(
            f"{_name(info)} must be set to TRUE or FALSE (case-insensitive). Got: {value}"
        )
    return text == "true"


def integer(value: Any, info: ValidationInfo) -> Any:
    """Parse *value* as an integer."""
    return _number(value, info, int, "an integer")


def number(value: Any, info: ValidationInfo) -> Any:
    """Parse *value* as a number."""
    return _number(value, info, float, "a number")


Boolean = Annotated[bool, BeforeValidator(boolean)]
Integer = Annotated[int, BeforeValidator(integer)]
Number = Annotated[float, BeforeValidator(number)]


def admins(value: Any) -> Any:
    """Parse `Name=mail;Name 2=mail2` as `{username: email}`; the last `=` separates."""
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in value.split(";"))):
        username, separator, email = entry.rpartition("=")
        username, email = username.strip(), email.strip().lower()
        if not separator or not username:
            raise ValueError(
                f"Invalid format in PHOENIX_ADMINS: '{entry}'. Expected format: 'username=email'"
            )
        if not is_email_address(email):
            raise ValueError(f"Invalid email in PHOENIX_ADMINS: '{email}'")
        if username in found:
            raise ValueError(f"Duplicate username in PHOENIX_ADMINS: '{username}'")
        if email in found.values():
            raise ValueError(f"Duplicate email in PHOENIX_ADMINS: '{email}'")
        found[username] = email
    return found


def email_address(value: Any, info: ValidationInfo) -> Any:
    """Return *value* if it is an e-mail address."""
    if isinstance(value, str) and not is_email_address(value):
        raise ValueError(f"Invalid email in {_name(info)}: '{value}'")
    return value


def origin(value: Any, info: ValidationInfo) -> Any:
    """Return *value*, an http or https URL, without a trailing slash."""
    if not isinstance(value, str):
        return value
    parts = _scheme_and_host(value)
    if parts is None or parts[0] not in {"http", "https"}:
        raise ValueError(f"The environment variable `{_name(info)}` must be a valid URL.")
    return value.strip().rstrip("/")


def origins(value: Any, info: ValidationInfo) -> Any:
    """Return the origins (scheme, host and port) of a comma-separated list of URLs."""
    if not isinstance(value, str):
        return value
    found = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        parts = _scheme_and_host(entry)
        if parts is None:
            raise ValueError(
                f"The environment variable `{_name(info)}` contains a url with missing hostname. "
                "Please ensure that each url has a valid hostname."
            )
        found.append("://".join(parts).lower())
    return tuple(found)


def root_path(value: Any, info: ValidationInfo) -> Any:
    """Return the path prefix of a proxy: empty, or with a leading and no trailing `/`."""
    text = f"Invalid value for environment variable {_name(info)}: {value}. Value"
    if value and not str(value).startswith("/"):
        raise ValueError(f"{text} must start with '/'")
    if value and str(value).endswith("/"):
        raise ValueError(f"{text} cannot end with '/'")
    return value


def redis_url(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    """Return *value*, a Redis URL, if the library is installed; errors do not echo it."""
    if value is None:
        return None
    url = value.get_secret_value()
    is_socket = url.startswith("redis+unix:")
    if not _REDIS_URL.fullmatch(url) or not (is_socket or _scheme_and_host(url)):
        raise ValueError(f"{_name(info)} must be a URL such as redis://localhost:6379/0")
    if find_spec("redis") is None:
        raise ValueError(
            f"{_name(info)} needs the library for Redis: pip install 'phoenix-web[redis]'"
        )
    return value


def secret_fault(secret: str) -> str | None:
    """Return why *secret* is too weak for the server, or None; the text does not echo it."""
    if not secret:
        return "Phoenix secret must be non-empty"
    if any(character.isspace() for character in secret):
        return "Phoenix secret must not contain whitespace characters"
    if not secret.isascii():
        return "Phoenix secret must contain only ASCII characters"
    faults = [
        text
        for text, is_met in (
            (f"at least {_MIN_SECRET_LENGTH} characters long", len(secret) >= _MIN_SECRET_LENGTH),
            ("at least one digit", any(character.isdigit() for character in secret)),
            ("at least one lowercase letter", any(character.islower() for character in secret)),
        )
        if not is_met
    ]
    if not faults:
        return None
    if len(faults) > 1:
        faults[-1] = f"and {faults[-1]}"
    return f"Phoenix secret must be {', '.join(faults)}"


def _number(value: Any, info: ValidationInfo, kind: type[int | float], what: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return kind(value)
    except ValueError:
        raise ValueError(
            f"Invalid value for environment variable {_name(info)}: {value}. Value must be {what}."
        ) from None


def none_if_blank(value: Any) -> Any:
    """Return None for a blank variable."""
    return None if isinstance(value, str) and not value.strip() else value


def _scheme_and_host(url: str) -> tuple[str, str] | None:
    """Return the scheme and the `host:port` of *url*, or None without a host."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port  # reading the port checks that it is a number
    except ValueError:
        return None
    return (parts.scheme, parts.netloc) if host else None


def _name(info: ValidationInfo) -> str:
    return f"PHOENIX_{info.field_name}".upper()
