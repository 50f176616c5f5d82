"""GlobalIDs."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.global_ids import MAX_ID, decode, decode_as, encode

kinds = st.sampled_from(["User", "UserApiKey", "SystemApiKey", "Dataset"])
numbers = st.integers(0, MAX_ID)


@given(kinds, numbers)
def test_what_is_encoded_is_decoded(kind: str, number: int) -> None:
    assert decode(encode(kind, number)) == (kind, number)
    assert decode_as(kind, encode(kind, number)) == number
    assert decode_as(f"{kind}x", encode(kind, number)) is None


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_whatever_is_decoded_is_the_only_text_for_it(text: str) -> None:
    decoded = decode(text)

    assert decoded is None or encode(*decoded) == text


@given(kinds, numbers, st.text(min_size=1, max_size=3))
def test_nothing_may_stand_before_or_after(kind: str, number: int, more: str) -> None:
    text = encode(kind, number)

    assert decode(text + more) is None
    assert decode_as(kind, more + text) is None


def test_loose_spellings_are_refused() -> None:
    for inner in (
        "User:02",
        "User: 2",
        "User:+2",
        "User:-2",
        "User:2 ",
        "User:٢",
        "User:",
        ":",
        "2",
    ):
        assert decode(base64.b64encode(inner.encode()).decode()) is None
    assert encode("User", 2) == "VXNlcjoy"
    assert decode(encode("User", MAX_ID + 1)) is None
    assert decode("VXNlcjoxMA") is None
