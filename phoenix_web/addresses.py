"""Mail addresses and network addresses."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address
from typing import Final

from email_validator import EmailNotValidError, validate_email

#: 64 characters, @ and 255 (RFC 5321, section 4.5.3.1).
_LONGEST: Final = 320


def is_email_address(text: str) -> bool:
    """Tell whether *text* is a mail address; the domain need not exist, nor be a public one."""
    if len(text) > _LONGEST:
        return False
    try:
        validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return True


def to_ascii(address: str) -> str:
    """Return *address* with its domain in the ASCII that servers know, or as it is if none can."""
    try:
        told = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return address
    return told.ascii_email or f"{told.local_part}@{told.ascii_domain}"


def client_network(address: str | None) -> str | None:
    """Return what the clients at *address* share, or None when it is no address.

    One customer of a provider holds a whole IPv6 /64, and could send each request from another
    address in it; an IPv4 address counts alone, however it was written.
    """
    try:
        found = ip_address(_without_port(address or ""))
    except ValueError:
        return None
    if found.version == 4:  # noqa: PLR2004 - the version's name
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))


def _without_port(text: str) -> str:
    """Return *text* without the port that some proxies add in `X-Forwarded-For`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, rest = text.partition(":")
    return text if ":" in rest else host
