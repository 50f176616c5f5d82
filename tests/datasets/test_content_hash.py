"""Two contents are the same when their hashes are equal, and only then."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.datasets.content_hash import HASH_LENGTH, canonical_json, content_hash

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=12
)


def hash_of(value: Any) -> bytes:
    return content_hash(canonical_json(value))


def is_same(one: Any, other: Any) -> bool:
    """Compare as the contract does: numbers by value, but never with truth values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1e3", "1000"),
        ("-0.0", "0"),
        ("1e16", "10000000000000000"),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":{"c":[1.0],"b":0}}', '{"a":{"b":-0.0,"c":[1]}}'),
        ('"\\u00e9"', '"é"'),
        ("9007199254740992", "9007199254740992.0"),
    ],
)
def test_two_spellings_of_one_content_have_one_hash(one: str, other: str) -> None:
    assert hash_of(json.loads(one)) == hash_of(json.loads(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"),
        ("0", "false"),
        ("1", '"1"'),
        ("1.5", '"1.5"'),
        ('{"a":null}', "{}"),
        ("[1,2]", "[2,1]"),
        ('"a b"', '"a  b"'),
        ('"\\u00e9"', '"e\\u0301"'),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740993", "9007199254740992.0"),
        ("18446744073709551615", "18446744073709551614"),
        ('{"a":{"b":1}}', '{"a.b":1}'),
        ("1e-7", "1e-8"),
    ],
)
def test_different_contents_have_different_hashes(one: str, other: str) -> None:
    assert hash_of(json.loads(one)) != hash_of(json.loads(other))


@given(VALUES, VALUES)
def test_hashes_are_equal_exactly_when_contents_are(one: Any, other: Any) -> None:
    assert (hash_of(one) == hash_of(other)) is is_same(one, other)


@given(VALUES)
def test_a_copy_through_json_keeps_the_hash(value: Any) -> None:
    copy = json.loads(json.dumps(value))

    assert hash_of(copy) == hash_of(value)
    assert len(hash_of(value)) == HASH_LENGTH


@given(st.dictionaries(_KEYS, VALUES, min_size=1))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))

    assert hash_of(turned) == hash_of(value)


def test_the_canonical_form_of_ordinary_json_is_that_of_rfc_8785() -> None:
    value = {"b": [1.0, 0.5, -0.0, "é\n"], "a": {"y": None, "x": True}}

    assert canonical_json(value) == '{"a":{"x":true,"y":null},"b":[1,0.5,0,"é\\n"]}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_has_no_canonical_form(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": [number]})
