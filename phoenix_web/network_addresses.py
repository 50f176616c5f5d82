"""By what part of its network address a client is counted."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address


def network_of(address: str | None) -> str | None:
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
