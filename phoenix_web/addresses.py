"""E-mail addresses and network addresses."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address
from typing import Final
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

#: 64 characters, @ and 255 (RFC 5321, section 4.5.3.1).
_LONGEST: Final = 320


def is_email_address(text: str) -> bool:
    """Return whether *text* is an e-mail address; its domain need not exist or be public."""
    if len(text) > _LONGEST:
        return False
    try:
        validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return True


def normal_email(email: str) -> str:
    """Return *email* as it is stored and compared: trimmed, in lower case and NFC."""
    return normalize("NFC", email.strip().lower())


def to_ascii(address: str) -> str:
    """Return *address* with its domain as ASCII (IDNA), or unchanged if that is impossible."""
    try:
        valid = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return address
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"


def client_network(address: str | None) -> str | None:
    """Return the network of *address* to count clients by, or None for an invalid address.

    This is the /64 of an IPv6 address, because a single client usually controls all of it. An IPv4
    address, also when mapped to IPv6, is counted by itself.
    """
    try:
        ip = ip_address(_without_port(address or ""))
    except ValueError:
        return None
    if ip.version == 4:  # noqa: PLR2004 - the version's name
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(IPv6Network((int(ip), 64), strict=False))


def _without_port(text: str) -> str:
    """Return *text* without the port that some proxies add to `X-Forwarded-For`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, rest = text.partition(":")
    return text if ":" in rest else host
