"""The text of a key."""

from __future__ import annotations

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.auth.credentials import key_text

PREFIXES = (key_text.USER_KEY, key_text.SYSTEM_KEY, key_text.REFRESH_TOKEN)
BASE62 = string.digits + string.ascii_letters
texts = st.sampled_from(PREFIXES).map(key_text.generate)


@given(st.sampled_from(PREFIXES))
def test_a_minted_text_is_well_formed_for_its_own_prefix_only(prefix: str) -> None:
    text = key_text.generate(prefix)

    assert re.fullmatch(rf"{prefix}[0-9A-Za-z]{{49}}", text)
    assert [key_text.is_well_formed(text, other) for other in PREFIXES] == [
        other == prefix for other in PREFIXES
    ]
    assert key_text.is_well_formed(text, *PREFIXES)


@given(texts, st.data())
def test_every_change_of_one_character_is_noticed(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(BASE62) | st.characters())
    changed = text[:place] + other + text[place + 1 :]

    assert key_text.is_well_formed(changed, *PREFIXES) is (changed == text)


def test_every_change_at_every_place_is_noticed() -> None:
    text = key_text.generate(key_text.USER_KEY)
    for place, character in enumerate(text):
        for other in set(BASE62) - {character}:
            assert not key_text.is_well_formed(text[:place] + other + text[place + 1 :], *PREFIXES)


@given(texts, st.data())
def test_two_characters_that_change_places_are_noticed(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(6, len(text) - 2))
    first, second = text[place], text[place + 1]
    swapped = text[:place] + second + first + text[place + 2 :]

    assert key_text.is_well_formed(swapped, *PREFIXES) is (first == second)


@given(st.text())
def test_no_other_text_is_well_formed(text: str) -> None:
    assert not key_text.is_well_formed(text, *PREFIXES)


@given(texts, st.text(min_size=1, max_size=3))
def test_nothing_may_stand_before_or_after(text: str, more: str) -> None:
    assert not key_text.is_well_formed(text + more, *PREFIXES)
    assert not key_text.is_well_formed(more + text, *PREFIXES)


def test_no_text_is_minted_twice() -> None:
    assert len({key_text.generate(key_text.USER_KEY) for _ in range(2000)}) == 2000


def test_every_place_of_the_random_part_varies() -> None:
    minted = [key_text.generate(key_text.USER_KEY)[6:49] for _ in range(400)]
    # 256 bits fill 43 places of base 62 to 256.03, so the first one holds nearly every digit, too.
    assert all(len({text[place] for text in minted}) > 40 for place in range(43))


@given(texts)
def test_a_hint_tells_four_random_characters(text: str) -> None:
    assert text.startswith(key_text.hint(text))
    assert len(key_text.hint(text)) == 10


@given(texts, texts)
def test_a_digest_is_32_bytes_that_only_its_text_has(one: str, other: str) -> None:
    assert len(key_text.digest(one)) == 32
    assert (key_text.digest(one) == key_text.digest(other)) is (one == other)
