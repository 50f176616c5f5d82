"""What a mail address looks like."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

#: 64 characters, @ and 255 (RFC 5321, section 4.5.3.1).
_LONGEST: Final = 320


def is_address(text: str) -> bool:
    """Tell whether *text* is a mail address; the domain need not exist, nor be a public one."""
    if len(text) > _LONGEST:
        return False
    try:
        validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return True


def ascii_form(address: str) -> str:
    """Return *address* with its domain in the ASCII that servers know, or as it is if none can."""
    try:
        told = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return address
    return told.ascii_email or f"{told.local_part}@{told.ascii_domain}"
