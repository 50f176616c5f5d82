"""What a JSON upload may say, and with which text the rest is refused."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.datasets.formats.json import read
from phoenix_web.errors import Invalid
from tests.support.forms import LIMITS

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import IncomingExample, Upload

MAX_DEPTH = LIMITS.max_depth
LISTED = "Input should be a list containing only dictionary objects"
OUTPUTS = "outputs should be a list of same length as input containing only dictionary objects"
METADATA = "metadata should be a list of same length as input containing only dictionary objects"


def stored(raw: bytes, max_depth: int = MAX_DEPTH) -> list[IncomingExample]:
    """Return the examples of the upload in *raw*."""
    with closing(read(raw, replace(LIMITS, max_depth=max_depth)).examples) as examples:
        return list(examples)


def said(raw: bytes) -> Upload:
    """Return the upload in *raw*, but for its examples."""
    upload = read(raw, LIMITS)
    upload.examples.close()
    return upload


def body(**fields: Any) -> bytes:
    return json.dumps({"name": "e", "inputs": [{"a": 1}], **fields}).encode()


def refusal(raw: bytes, max_depth: int = MAX_DEPTH) -> str:
    with pytest.raises(Invalid) as refused:
        read(raw, replace(LIMITS, max_depth=max_depth))
    return refused.value.message


def nested(levels: int) -> str:
    """Return the JSON of an object of *levels* levels."""
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


def with_input(text: str) -> bytes:
    return f'{{"name":"e","inputs":[{text}]}}'.encode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": None}, "Dataset name is required"),
        ({"name": ""}, "Dataset name is required"),
        ({"name": 0}, "Dataset name is required"),
        ({"name": {"a": 1}}, "Dataset name must be a string"),
        ({"name": ["a"]}, "Dataset name must be a string"),
        ({"description": {}}, "Dataset description must be a string"),
        ({"inputs": None}, "input is required"),
        ({"inputs": {}}, LISTED),
        ({"inputs": [1]}, LISTED),
        ({"inputs": False}, LISTED),
        ({"outputs": [{}, {}]}, OUTPUTS),
        ({"outputs": [None]}, OUTPUTS),
        ({"outputs": "x"}, OUTPUTS),
        ({"metadata": [{}, {}]}, METADATA),
        ({"splits": "train"}, "splits must be a list"),
        ({"splits": ["a", "b"]}, "splits must have same length as inputs (2 != 1)"),
        ({"splits": [5]}, "Split value must be a string, list of strings, or None, got int"),
        ({"splits": [{}]}, "Split value must be a string, list of strings, or None, got dict"),
        ({"splits": [["a", 5]]}, "Split value must be a string or None, got int"),
        ({"splits": [["a", True]]}, "Split value must be a string or None, got bool"),
        ({"span_ids": "x"}, "span_ids must be a list"),
        ({"span_ids": ["x", "y"]}, "span_ids must have same length as inputs (2 != 1)"),
        ({"span_ids": [1.5]}, "Span ID must be a string or None, got float"),
        ({"example_ids": "x"}, "example_ids must be a list"),
        ({"example_ids": []}, "example_ids must have same length as inputs (0 != 1)"),
        ({"example_ids": [5]}, "example_ids must contain only strings or None"),
        (
            {"inputs": [{}, {}], "example_ids": ["x", "x"]},
            "Duplicate example_id in request: 'x'",
        ),
        ({"inputs": [{}, {}], "example_ids": ["", ""]}, "Duplicate example_id in request: ''"),
        ({"action": "Replace"}, "Invalid dateset action: replace"),
        ({"action": 5}, "Invalid dateset action: 5"),
    ],
)
def test_a_wrong_field_is_refused_with_the_text_of_the_contract(
    fields: dict[str, Any], message: str
) -> None:
    assert refusal(body(**fields)) == message


def test_the_first_fault_in_the_order_of_the_contract_is_told() -> None:
    faults = [
        ("name", "", "Dataset name is required"),
        ("inputs", 1, LISTED),
        ("outputs", 1, OUTPUTS),
        ("metadata", 1, METADATA),
        ("splits", 1, "splits must be a list"),
        ("span_ids", 1, "span_ids must be a list"),
        ("example_ids", 1, "example_ids must be a list"),
        ("action", "x", "Invalid dateset action: x"),
    ]

    for first in range(len(faults)):
        fields = {field: value for field, value, _ in faults[first:]}
        assert refusal(body(**fields)) == faults[first][2]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"{bad", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\x1f\x8b", "'utf-8' codec can't decode byte 0x8b in position 1: invalid start byte"),
        (b"[1]", "The body should be a JSON object"),
        (b"null", "The body should be a JSON object"),
        (b'"x"', "The body should be a JSON object"),
        (with_input('{"a":NaN}'), "NaN is not allowed: JSON has no such number"),
        (with_input('{"a":-Infinity}'), "-Infinity is not allowed: JSON has no such number"),
        (with_input('{"a":1e400}'), "Example 0: a number is out of range"),
        (
            with_input('{},{"a":"\\ud800"}'),
            "Example 1: Text with half a surrogate pair is not allowed",
        ),
        (body(name="\ud800"), "Text with half a surrogate pair is not allowed"),
        (body(splits=["\udc00"]), "Text with half a surrogate pair is not allowed"),
        (body(example_ids=["\udc00"]), "Text with half a surrogate pair is not allowed"),
        (body(span_ids=["\udc00"]), "Text with half a surrogate pair is not allowed"),
        (body(description="\udc00"), "Text with half a surrogate pair is not allowed"),
        (body(name="a\x00"), "The character U+0000 is not allowed"),
        (with_input('{"a\\u0000":1}'), "The character U+0000 is not allowed"),
        (with_input('{"a":"\\\\\\u0000"}'), "The character U+0000 is not allowed"),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused(raw: bytes, message: str) -> None:
    assert refusal(raw) == message


@pytest.mark.parametrize("digits", [str(2**64), str(-(2**63) - 1), "9" * 30, "1" * 5000])
def test_an_integer_beyond_64_bits_is_refused(digits: str) -> None:
    message = refusal(with_input(f'{{"a":{digits}}}'))

    assert message == "An integer is out of range: at most 64 bits are allowed"


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 10**18, 2**53 + 1])
def test_an_integer_of_64_bits_is_kept_digit_by_digit(number: int) -> None:
    assert stored(with_input(f'{{"a":{number}}}'))[0].input_json == f'{{"a":{number}}}'


def test_an_escaped_backslash_before_u0000_is_ordinary_text() -> None:
    [example] = stored(with_input('{"a":"\\\\u0000"}'))

    assert json.loads(example.input_json) == {"a": "\\u0000"}


@pytest.mark.parametrize("levels", [1, 199, 200])
def test_nesting_up_to_the_limit_is_stored(levels: int) -> None:
    assert stored(with_input(nested(levels)))[0].input_json == nested(levels)


@pytest.mark.parametrize("levels", [201, 300, 500])
def test_deeper_nesting_is_refused(levels: int) -> None:
    assert refusal(with_input(nested(levels))) == "Example 0: nested deeper than 200 levels"


@pytest.mark.parametrize("raw", [with_input(nested(100_000)), b"[" * 1_000_000])
def test_absurd_nesting_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "The body is nested too deeply"


def test_the_limit_of_depth_is_the_one_that_is_set() -> None:
    many = '{"a":[{},{},{},{}],"b":"[[[[{{{{"}'

    assert stored(with_input(many), 3)[0].input_json == many
    assert refusal(with_input(many), 2) == "Example 0: nested deeper than 2 levels"


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (1.5, "1.5"), (True, "true"), (" pad ", " pad "), (" ", " ")]
)
def test_a_name_is_stored_as_its_text(value: Any, text: str) -> None:
    assert said(body(name=value)).name == text


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_description_is_empty(value: Any) -> None:
    assert said(body(description=value)).description == ""


@pytest.mark.parametrize("action", [None, "", "create", "CREATE", [], 0, False])
def test_an_upload_creates_unless_it_says_otherwise(action: Any) -> None:
    assert said(body(action=action)).action is UploadAction.CREATE


@pytest.mark.parametrize("action", ["append", "Append", "update", "UPDATE"])
def test_an_action_is_known_in_any_case(action: str) -> None:
    assert said(body(action=action)).action == action.lower()


@pytest.mark.parametrize(
    ("fields", "are_given"),
    [({}, False), ({"splits": None}, False), ({"splits": [None]}, True), ({"splits": ["a"]}, True)],
)
def test_splits_are_given_when_there_is_a_list(fields: dict[str, Any], *, are_given: bool) -> None:
    assert said(body(**fields)).are_splits_given is are_given


@pytest.mark.parametrize("absent", [None, [], "", 0, False])
def test_absent_outputs_and_metadata_are_empty_objects(absent: Any) -> None:
    [example] = stored(body(outputs=absent, metadata=absent))

    assert (example.output_json, example.metadata_json) == ("{}", "{}")


def test_splits_are_trimmed_merged_and_blank_ones_skipped() -> None:
    splits = [" train ", ["a", "", None, " a", "b"], None, "  "]

    examples = stored(body(inputs=[{}, {}, {}, {}], splits=splits))

    assert [example.splits for example in examples] == [("train",), ("a", "b"), (), ()]


def test_example_ids_are_kept_as_sent_and_span_ids_are_trimmed() -> None:
    raw = body(inputs=[{}, {}, {}], example_ids=[" x ", "", None], span_ids=[" s ", " ", None])

    examples = stored(raw)

    assert [example.external_id for example in examples] == [" x ", "", None]
    assert [example.span_id for example in examples] == ["s", None, None]


#: Every text but those that no upload may hold.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_OBJECTS = st.dictionaries(
    _TEXTS,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | _TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
        max_leaves=8,
    ),
)


@given(sent=_OBJECTS, output=_OBJECTS, metadata=_OBJECTS, is_ascii=st.booleans())
def test_what_is_stored_is_what_was_sent(
    *, sent: dict[str, Any], output: dict[str, Any], metadata: dict[str, Any], is_ascii: bool
) -> None:
    fields = {"name": "x", "inputs": [sent], "outputs": [output], "metadata": [metadata]}

    [example] = stored(json.dumps(fields, ensure_ascii=is_ascii).encode())

    assert repr(json.loads(example.input_json)) == repr(sent)
    assert repr(json.loads(example.output_json)) == repr(output)
    assert repr(json.loads(example.metadata_json)) == repr(metadata)


@given(st.binary(max_size=200))
def test_a_body_of_any_bytes_is_refused_and_never_a_failure(raw: bytes) -> None:
    assert refusal(b"{" + raw)
