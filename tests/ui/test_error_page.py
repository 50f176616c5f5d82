"""Sentences of error pages."""

from __future__ import annotations

import pytest

from phoenix_web.errors import (
    Conflict,
    LastAdministrator,
    PermissionDenied,
    PhoenixError,
    Quota,
    TooManyFailures,
    TooManyRequests,
    UserNotFound,
)
from phoenix_web.policy import Refusal
from phoenix_web.ui.error_page import message_for

QUOTA = Quota("sign-in", 12, 60)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionDenied(Refusal.ADMINS_ONLY), "Only administrators can do this."),
        (PermissionDenied(Refusal.SESSIONS_ONLY), Refusal.SESSIONS_ONLY.value),
        (UserNotFound(), "This user does not exist. They may have been deleted."),
        (
            LastAdministrator(),
            "This is the last active administrator. Make another user an administrator first.",
        ),
        (
            TooManyRequests("Too Many Requests", 1, QUOTA),
            "Too many requests. You can try again in a second.",
        ),
        (
            TooManyFailures("Too many failed login attempts.", 7201, QUOTA),
            "Too many failed attempts. You can try again in 3 hours.",
        ),
        (Conflict("Another text."), "Another text."),
    ],
)
def test_the_type_of_an_error_chooses_its_sentence(error: PhoenixError, sentence: str) -> None:
    assert message_for(error) == sentence
