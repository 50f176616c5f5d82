"""Password policy (NIST SP 800-63B section 3.1.1) and strength estimate.

Nothing here hashes, so pages can also call it while a user types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from phoenix_web.auth.passwords.common_passwords import is_common

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128
_SPECIAL: Final = "!@#$%^&*()_+"
#: Minimum number of unpredictable characters in a strong password.
_STRONG_LENGTH: Final = 20
#: Shorter words also occur in good passwords by chance.
_SHORTEST_WORD: Final = 4
#: Sequences of digits, letters and keyboard keys, checked in both directions.
_SEQUENCES: Final = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)
_NOT_LETTERS: Final = r"[\W\d_]+"

_COMMON: Final = "Password must not be a commonly used password, with or without additions"
_REPEATED: Final = "Password must not be a simple repetition or sequence"
_NAMES: Final = "Password must not be based on the name or e-mail address"


class Strength(StrEnum):
    """The strength of a password, from weak to strong."""

    REFUSED = "refused"
    FAIR = "fair"
    GOOD = "good"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Rating:
    """A strength with the text that the page shows while a user types."""

    strength: Strength
    text: str


def fault(password: str, names: Iterable[str] = (), *, is_strong: bool = False) -> str | None:
    """Return why *password* is not acceptable for a user with *names*, or None.

    *is_strong* requires a mix of characters.
    """
    if len(password) < MIN_LENGTH:
        return f"Password must be at least {MIN_LENGTH} characters long"
    if len(password) > MAX_LENGTH:
        return f"Password must be at most {MAX_LENGTH} characters long"
    if is_strong and (missing := _missing_kinds(password)):
        return f"Password must contain at least {', at least '.join(missing)}"
    folded = _fold(password)
    variants = _variants(folded)
    if any(len(variant) >= _SHORTEST_WORD and is_common(variant) for variant in variants):
        return _COMMON
    if any(_is_sequence(text) for text in variants if 2 * len(text) >= len(folded)):
        return _REPEATED
    return _NAMES if _is_based_on(password, names) else None


def rate(password: str, names: Iterable[str] = (), *, is_strong: bool = False) -> Rating | None:
    """Return the strength of *password*, or None if it is empty."""
    if not password:
        return None
    if len(password) < MIN_LENGTH:
        text = f"{len(password)} of at least {MIN_LENGTH} characters"
        return Rating(Strength.REFUSED, text)
    reason = fault(password, names, is_strong=is_strong)
    if reason is not None:
        return Rating(Strength.REFUSED, reason)
    count = _count_unpredictable(_fold(password))
    if count < MIN_LENGTH:
        return Rating(Strength.FAIR, "Fair. Add words to make it stronger.")
    if count < _STRONG_LENGTH:
        return Rating(Strength.GOOD, "Good. A longer password is stronger.")
    return Rating(Strength.STRONG, "Strong.")


def _missing_kinds(password: str) -> list[str]:
    kinds = (
        ("one digit", str.isdigit),
        ("one uppercase letter", str.isupper),
        ("one lowercase letter", str.islower),
        ("one special character", _SPECIAL.__contains__),
    )
    return [kind for kind, is_one in kinds if not any(map(is_one, password))]


def _fold(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _variants(folded: str) -> set[str]:
    """Return *folded* and its variants without the usual additions to a common password.

    These are characters other than letters at either end, punctuation anywhere, and repetitions
    of the whole.
    """
    variants, new = set(), {folded}
    while new:
        variant = new.pop()
        variants.add(variant)
        letters = re.sub(rf"^{_NOT_LETTERS}|{_NOT_LETTERS}$", "", variant)
        simpler = {letters, re.sub(r"[\W_]+", "", variant), _repeated_unit(variant)}
        new |= {text for text in simpler if text} - variants
    return variants


def _repeated_unit(text: str) -> str:
    """Return the shortest text that *text* is a repetition of."""
    return text[: (text + text).find(text, 1)]


def _is_sequence(text: str) -> bool:
    if len(_repeated_unit(text)) < _SHORTEST_WORD:
        return True
    return any(text in run or text[::-1] in run for run in _SEQUENCES)


def _is_based_on(password: str, names: Iterable[str]) -> bool:
    """Return whether *password* is one of *names*, or consists mostly of their words."""
    stripped = _strip_punctuation(password)
    words = set()
    for name in names:
        if stripped and _strip_punctuation(name) == stripped:
            return True
        local_part = name.rpartition("@")[0] or name
        words |= {_strip_punctuation(local_part), *re.split(r"[\W_]+", _fold(local_part))}
    rest = stripped
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD:
            rest = rest.replace(word, "")
    return 2 * len(rest) < len(stripped)


def _strip_punctuation(text: str) -> str:
    return re.sub(r"[\W_]+", "", _fold(text))


def _count_unpredictable(folded: str) -> int:
    """Return the number of characters that neither repeat nor continue the one before."""
    follows = sum(abs(ord(other) - ord(one)) <= 1 for one, other in pairwise(folded))
    return len(folded) - follows
