"""Files of JSON lines: what becomes of their values, and how a fault is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.datasets.limits import UploadLimits
from phoenix_web.errors import Invalid, PayloadTooLarge, PhoenixError
from tests.support.forms import LIMITS, File, Read, examples_of


def read(data: str | bytes, limits: UploadLimits = LIMITS, **fields: Any) -> list[Read]:
    raw = data if isinstance(data, bytes) else data.encode()
    return examples_of(File(raw, "application/jsonl", name="x.jsonl"), limits, **fields)


def refusal(data: str | bytes, limits: UploadLimits = LIMITS, **fields: Any) -> str:
    with pytest.raises((Invalid, PayloadTooLarge)) as refused:
        read(data, limits, **fields)
    return refused.value.message


def test_values_keep_their_types_and_absent_keys_stay_absent() -> None:
    data = '{"q":1,"a":{"x":null},"z":0}\r\n{"q":"two","zz":2}\n{}\n{"q":null,"a":[1.50,true]}'

    examples = read(data, inputs=["q", "nope"], outputs=["a"], metadata=["q"])

    assert examples == [
        Read({"q": 1}, {"a": {"x": None}}, {"q": 1}),
        Read({"q": "two"}, {}, {"q": "two"}),
        Read({}),
        Read({"q": None}, {"a": [1.5, True]}, {"q": None}),
    ]
    assert read("") == []


def test_only_line_feeds_end_a_line() -> None:
    text = "a\u2028b\u2029c\x85d"

    assert read(f'{{"q":"{text}"}}\n', inputs=["q"]) == [Read({"q": text})]


def test_ids_and_splits_are_read_from_keys() -> None:
    lines = [
        '{"s":["t1"," t2 ",null,"",5,true],"id":"j1","span":7}',
        '{"s":"[\\"a\\",\\"b\\"]","id":5,"span":null}',
        '{"s":0,"id":1.5,"span":" x "}',
        '{"s":{"k":1},"id":" nan ","span":""}',
        '{"s":3,"id":null}',
        '{"s":" x "}',
    ]

    examples = read("\n".join(lines), split="s", example_id="id", span_id="span")

    assert [example.splits for example in examples] == [
        ("t1", "t2", "5", "true"),
        ("a", "b"),
        (),
        ('{"k": 1}',),
        ("3",),
        ("x",),
    ]
    assert [example.external_id for example in examples] == ["j1", "5", "1.5", None, None, None]
    assert [example.span_id for example in examples] == ["7", None, " x ", None, None, None]


def test_splits_may_have_a_key_each() -> None:
    data = '{"a":"x","b":[1]}\n{"a":0,"b":null}\n{}\n'

    examples = read(data, splits=["a", "b"])

    assert [example.splits for example in examples] == [("x", "[1]"), (), ()]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"q":1}\n\n{"q":2}', "Line 2: Expecting value: character 1"),
        ('{"q":1}\n{"q"', "Line 2: Expecting ':' delimiter: character 5"),
        ('{"q":1} {"q":2}', "Line 1: Extra data: character 9"),
        ("5", "Line 1: a line should be a JSON object"),
        ("{}\n[]", "Line 2: a line should be a JSON object"),
        ("{}\nnull", "Line 2: a line should be a JSON object"),
        ('\ufeff{"q":1}', "Line 1: Unexpected UTF-8 BOM (decode using utf-8-sig): character 1"),
        ('{"q":NaN}', "Line 1: NaN is not allowed: JSON has no such number"),
        ('{"q":-Infinity}', "Line 1: -Infinity is not allowed: JSON has no such number"),
        ('{"q":1e400}', "Line 1: a number is out of range"),
        (
            '{"q":18446744073709551616}',
            "Line 1: An integer is out of range: at most 64 bits are allowed",
        ),
        ('{"q":"\\u0000"}', "Line 1: The character U+0000 is not allowed"),
        ('{"q":"\0"}', "Line 1: Invalid control character at: character 7"),
        ('{"q":"\\ud800"}', "Line 1: Text with half a surrogate pair is not allowed"),
        (
            b'{"q":"\xff"}',
            "Line 1: 'utf-8' codec can't decode byte 0xff in position 6: invalid start byte",
        ),
        ('{"q":' + "[" * 200 + "]" * 200 + "}", "Line 1: nested deeper than 200 levels"),
        ('{"q":' + "[" * 9999 + "]" * 9999 + "}", "Line 1: nested too deeply"),
        ('{"id":"a"}\n{"id":"a"}', "Line 2: Duplicate example_id in file: 'a'"),
        ('{"id":1}\n{"id":"1"}', "Line 2: Duplicate example_id in file: '1'"),
        ('{"id":true}', "Line 1: 'id' should be text or a number"),
        ('{"id":"\\ud800"}', "Line 1: Text with half a surrogate pair is not allowed"),
        ('{"s":["\\ud800"]}', "Line 1: Text with half a surrogate pair is not allowed"),
        ('{"s":"[\\"\\\\u0000\\"]"}', "Line 1: The character U+0000 is not allowed"),
    ],
)
def test_a_fault_is_named_with_its_line(data: str | bytes, message: str) -> None:
    assert refusal(data, inputs=["q"], example_id="id", split="s") == message


def test_objects_are_spread_over_their_bucket() -> None:
    data = '{"i":{"q":1,"n":null},"x":2}\n{"x":3}\n'

    examples = read(data, inputs=["i", "x"], outputs=["x"], flatten=["i", "other"])

    assert examples == [Read({"q": 1, "n": None, "x": 2}, {"x": 2}), Read({"x": 3}, {"x": 3})]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"a":null}', "Cannot flatten 'a': expected object"),
        ('{"a":"{}"}', "Cannot flatten 'a': expected object values"),
        ('{"a":[1]}', "Cannot flatten 'a': expected object values"),
        ('{"a":{"q":1},"b":{"q":1}}', "Cannot flatten 'b': keys {'q'} already emitted"),
        ('{"a":{"c":1}}', "Keys {'c'} conflict with flattened children"),
    ],
)
def test_what_cannot_be_spread_is_refused(data: str, message: str) -> None:
    assert refusal(data, inputs=["a", "b", "c"], flatten=["a", "b"]) == f"Line 1: {message}"


def test_the_limits_are_told() -> None:
    limits = UploadLimits(max_bytes=100, max_rows=1, max_row_bytes=10, max_depth=9)

    assert refusal("{}\n{}\n", limits) == "The file has more than 1 rows"
    assert refusal('{"q":12345}\n', limits) == "Line 1 is longer than 10 bytes"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=1)), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), _JSON), max_size=5),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_as_json_lines_is_read_back(
    rows: list[dict[str, Any]],
    is_ascii: bool,  # noqa: FBT001 - hypothesis passes by position
    end: str,
) -> None:
    data = "".join(json.dumps(row, ensure_ascii=is_ascii) + end for row in rows)

    examples = read(data, inputs=["a", "b", "c"])

    assert [example.input for example in examples] == rows


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    message = ""
    examples: list[Read] = []
    try:
        examples = read(data, inputs=["a"], example_id="id", split="b")
    except PhoenixError as error:
        message = error.message

    assert not message or message.startswith("Line ")
    assert len(examples) <= data.count(b"\n") + 1
