"""Passwords."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.auth.passwords import hashing
from phoenix_web.auth.passwords.hashing import Passwords
from phoenix_web.errors import Unavailable

if TYPE_CHECKING:
    import pytest

passwords = Passwords(8, 1)
strong = Passwords(8, 1, is_strong=True)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_hash_matches_its_password_and_no_other(one: str, other: str) -> None:
    hashed = passwords.hash(one)

    assert passwords.verify(one, hashed)
    assert passwords.verify(other, hashed) is (one == other)


def test_equal_passwords_have_different_hashes() -> None:
    assert passwords.hash("same password") != passwords.hash("same password")


def test_nothing_matches_where_there_is_no_hash() -> None:
    for password_hash in (None, "", "$argon2id$", "plain"):
        assert not passwords.verify("", password_hash)
        assert not passwords.verify("anything", password_hash)


def test_a_hash_of_other_parameters_is_outdated_and_still_matches() -> None:
    old = Passwords(16, 2).hash("correct horse")

    assert passwords.needs_rehash(old)
    assert not passwords.needs_rehash(passwords.hash("correct horse"))
    assert passwords.verify("correct horse", old)


def test_random_passwords_satisfy_every_policy_and_differ() -> None:
    made = [strong.generate() for _ in range(50)]

    assert not any(map(strong.fault, made))
    assert len(set(made)) == 50


def test_of_many_threads_at_once_a_bounded_number_waits_and_the_others_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing, "_MAX_WAITING", 3)
    own = Passwords(8, 1)
    refused = threading.Semaphore(0)

    def hash_or_refuse(_number: int) -> bool:
        try:
            own.hash("correct horse")
        except Unavailable:
            refused.release()
            return False
        return True

    with ThreadPoolExecutor(10) as threads, own.hashing_slot():
        answers = threads.map(hash_or_refuse, range(10))
        for _ in range(7):
            assert refused.acquire(timeout=10)
        # The queue is full; the thread whose turn it is does not need a place in it.
        assert own.hash("correct horse")

    assert sorted(answers) == [False] * 7 + [True] * 3
