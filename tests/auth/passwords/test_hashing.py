"""Passwords."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.auth.passwords.hashing import Passwords

passwords = Passwords(8, 1)
strong = Passwords(8, 1, is_strong=True)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_hash_matches_its_password_and_no_other(one: str, other: str) -> None:
    hashed = passwords.hash(one)

    assert passwords.matches(one, hashed)
    assert passwords.matches(other, hashed) is (one == other)


def test_equal_passwords_have_different_hashes() -> None:
    assert passwords.hash("same password") != passwords.hash("same password")


def test_nothing_matches_where_there_is_no_hash() -> None:
    for password_hash in (None, "", "$argon2id$", "plain"):
        assert not passwords.matches("", password_hash)
        assert not passwords.matches("anything", password_hash)


def test_a_hash_of_other_parameters_is_outdated_and_still_matches() -> None:
    old = Passwords(16, 2).hash("correct horse")

    assert passwords.is_outdated(old)
    assert not passwords.is_outdated(passwords.hash("correct horse"))
    assert passwords.matches("correct horse", old)


def test_random_passwords_satisfy_every_policy_and_differ() -> None:
    made = [strong.random() for _ in range(50)]

    assert not any(map(strong.fault, made))
    assert len(set(made)) == 50
