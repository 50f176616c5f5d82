"""Which passwords are acceptable, and how strong they are said to be."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.auth.passwords import common_passwords
from phoenix_web.auth.passwords.policy import MAX_LENGTH, MIN_LENGTH, Strength, fault, rate

BOB = ("bob.smith@example.com", "Bob Smithereens")


def text_of(length: int) -> str:
    """Return some letters that form no word and follow from nothing."""
    return "".join(chr(0x4E00 + 7919 * n % 20000) for n in range(length))


@pytest.mark.parametrize("length", [0, MIN_LENGTH - 1, MIN_LENGTH, MAX_LENGTH, MAX_LENGTH + 1])
def test_length_is_counted_in_characters(length: int) -> None:
    is_good = MIN_LENGTH <= length <= MAX_LENGTH

    assert (fault(text_of(length)) is None) is is_good


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "PASSWORD1234",
        "motherfucker",
        "Password2026!",
        "password-password",
        "PasswordPassword",
        "Password1Password1",
        "pass-pass-pass",
        "p.a.s.s.w.o.r.d",
        "  dragonfly  ",
        "letmein!!!!!!!",
        "123iloveyou456",
        "qwertyuiop[]\\",
        "123456123456",
        # In letters as wide as Chinese ones.
        "".join(chr(ord(letter) + 0xFEE0) for letter in "password1234"),
    ],
)
def test_a_common_password_is_refused_whatever_is_added_to_it(password: str) -> None:
    assert "common" in (fault(password) or "")


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaa",
        "------------",
        "ababababababab",
        "xyxyxyxyxyxy!!",
        "123123123123",
        "012345678901",
        "abcdefghijklm",
        "ZYXWVUTSRQPO",
        "asdfghjklzxcv",
        "hijklmnopqrs-1",
    ],
)
def test_a_few_characters_again_and_again_are_refused(password: str) -> None:
    told = fault(password)

    assert told is not None
    assert "simple repetition or sequence" in told or "common" in told


@pytest.mark.parametrize(
    "password",
    [
        "Bob.Smith@Example.com",
        "bobsmithexamplecom",
        "bob smithereens",
        "bobsmith12345",
        "Smithereens!!!",
        "smithereens-smithereens",
        "1-smith-2-bobsmith",
    ],
)
def test_ones_own_name_and_address_are_refused(password: str) -> None:
    assert "based on the name or e-mail address" in (fault(password, BOB) or "")
    assert fault(f"{password} with many more and quite different words", BOB) is None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "seven quiet lighthouses",
        "bob likes green tea",
        "example of a password",
        "839201938475",
        "horse-8412-onion",
        "pässwörter sind lang ♥",
        "the cat sat on it",
        "!@#$%^&*()_+",
    ],
)
def test_what_is_none_of_these_is_good(password: str) -> None:
    assert fault(password, BOB) is None


@pytest.mark.parametrize("names", [("", ""), ("***", "@"), ("a@b.c", "x")])
def test_names_without_words_refuse_nothing(names: tuple[str, str]) -> None:
    assert fault("!@#$%^&*()_+", names) is None
    assert fault("correct horse battery staple", names) is None


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("onlylowerwords", ["digit", "uppercase", "special"]),
        ("ONLYUPPERWORDS", ["digit", "lowercase", "special"]),
        ("Onlynospecial1", ["special"]),
        ("Nothing lacks 1!", []),
    ],
)
def test_a_strong_policy_names_what_is_missing(password: str, missing: list[str]) -> None:
    told = fault(password, is_strong=True) or ""

    kinds = ("digit", "uppercase", "lowercase", "special")
    assert [word for word in kinds if word in told] == missing
    assert bool(told) is bool(missing)
    assert fault(password) is None


@given(st.text(max_size=MAX_LENGTH), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_judged(password: str, email: str, username: str) -> None:
    told = rate(password, (email, username))

    if told is None:
        assert not password
    else:
        refused = fault(password, (email, username)) is not None
        assert (told.strength is Strength.REFUSED) is refused


@pytest.mark.parametrize("letter", ["\ufdfa", "1", "a1", "-", "a"])
def test_no_text_takes_long_to_judge(letter: str) -> None:
    """Some letters stand for eighteen others."""
    password = (letter * MAX_LENGTH)[: MAX_LENGTH - 1] + "x"
    assert len(unicodedata.normalize("NFKC", "\ufdfa")) == 18
    begin = time.perf_counter()

    rate(password, BOB)
    rate("a" * 1_000_000, BOB)

    assert time.perf_counter() - begin < 0.5


def test_strength_is_told_from_weak_to_strong() -> None:
    told = [
        rate(password, BOB)
        for password in (
            "seven",
            "password1234",
            "aabbccddeeffgg",
            "seven green tea",
            "seven quiet lighthouses",
        )
    ]

    assert [one and one.strength for one in told] == [
        Strength.REFUSED,
        Strength.REFUSED,
        Strength.FAIR,
        Strength.GOOD,
        Strength.STRONG,
    ]
    assert told[0] is not None
    assert told[0].text == "5 of at least 12 characters"


def test_the_list_is_one_text_and_holds_what_it_should() -> None:
    assert common_passwords.is_common("123456")
    assert common_passwords.is_common("fallen_angel")
    assert not common_passwords.is_common("")
    assert not common_passwords.is_common("123456\n123456789")
    assert not common_passwords.is_common("\ud800")
