"""CSV files: what becomes of their cells, and how a fault is named."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.datasets.formats import csv as csv_upload
from phoenix_web.datasets.limits import UploadLimits
from phoenix_web.errors import Invalid, PayloadTooLarge, PhoenixError
from tests.support.forms import LIMITS, File, Read, examples_of


def read(text: str | bytes, limits: UploadLimits = LIMITS, **fields: Any) -> list[Read]:
    return examples_of(File(text if isinstance(text, bytes) else text.encode()), limits, **fields)


def refusal(text: str | bytes, limits: UploadLimits = LIMITS, **fields: Any) -> str:
    with pytest.raises((Invalid, PayloadTooLarge)) as refused:
        read(text, limits, **fields)
    return refused.value.message


def test_every_cell_is_text_and_blank_ones_are_left_out() -> None:
    text = 'q,a,m\nwhat,1,2.50\n"x, y",true,\n null , ,NaN\n"[1,2]","say ""hi""",\t\n'

    examples = read(text, inputs=["q"], outputs=["a"], metadata=["m"])

    assert examples == [
        Read({"q": "what"}, {"a": "1"}, {"m": "2.50"}),
        Read({"q": "x, y"}, {"a": "true"}),
        Read({"q": " null "}, {}, {"m": "NaN"}),
        Read({"q": "[1,2]"}, {"a": 'say "hi"'}),
    ]


def test_lines_end_in_either_way_and_rows_may_be_ragged() -> None:
    text = 'q,a,m\r\n1,2\r\n1,2,3,4\r\n\r\n7,"8\r\n8",9\r\n'

    examples = read(text, inputs=["q", "q", ""], outputs=["a"], metadata=["m", "q"])

    assert examples == [
        Read({"q": "1"}, {"a": "2"}, {"q": "1"}),
        Read({"q": "1"}, {"a": "2"}, {"q": "1", "m": "3"}),
        Read({"q": "7"}, {"a": "8\r\n8"}, {"q": "7", "m": "9"}),
    ]
    assert list(examples[1].metadata) == ["q", "m"], "in the order of the columns"


def test_a_file_may_have_no_rows_and_an_upload_no_columns() -> None:
    assert read("q,a\n", inputs=["q"]) == []
    assert read("q,a") == []
    assert read("q\n1\n") == [Read({})]
    assert read('q\n"1\n2\n') == [Read({})], "a quote that is not closed takes the rest"


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("", {}, "Missing CSV column header"),
        ("\nq\n", {}, "Missing CSV column header: the first line is blank"),
        ("q,a,a\n1,2,3\n", {}, "Duplicated column header in CSV file: a"),
        ("q\n1\n", {"inputs": ["zz"]}, "input keys not found in column headers: 'zz'"),
        (
            "q\n1\n",
            {"outputs": ["z", "q", "a b"], "metadata": ["y"]},
            "output keys not found in column headers: 'z', 'a b'",
        ),
        ("q\n1\n", {"metadata": ["z"]}, "metadata keys not found in column headers: 'z'"),
        ("q\n1\n", {"splits": ["z"]}, "split keys not found in column headers: 'z'"),
        ("q\n1\n", {"split": "z"}, "split_key 'z' not found in column headers"),
        ("q\n1\n", {"span_id": "z"}, "span_id_key 'z' not found in column headers"),
        ("q\n1\n", {"example_id": "z"}, "example_id_key 'z' not found in column headers"),
        ("\ufeffq\n1\n", {"inputs": ["q"]}, "input keys not found in column headers: 'q'"),
        (b"q,a\n1,2\n3,\xff\n", {}, "Row 3: column 'a': not UTF-8"),
        (b'q,a\n1,"x\ny\xff"\n', {}, "Row 2: column 'a': not UTF-8"),
        (b"q,a\n1,2,\xed\xa0\x80\n", {}, "Row 2: column 3: not UTF-8"),
        (b"q,\xff\n1,2\n", {}, "Row 1: column 2: not UTF-8"),
        ("q,a\n".encode("utf-16"), {}, "Row 1: column 1: not UTF-8"),
        ("q,a\n\n1,b\0c\n", {}, "Row 3: column 'a': U+0000 is not allowed"),
        ("q,a\r1,2\r", {}, "Row 1: lines should end in \\n or \\r\\n"),
        ("q,a\n1,2\r3,4\n", {}, "Row 2: lines should end in \\n or \\r\\n"),
        ("q,id\n1,x\n2,x\n", {"example_id": "id"}, "Row 3: Duplicate example_id in file: 'x'"),
    ],
)
def test_a_fault_is_named_with_its_row_and_column(
    text: str | bytes, fields: dict[str, Any], message: str
) -> None:
    assert refusal(text, **fields) == message


def test_ids_and_splits_are_read_from_columns() -> None:
    text = (
        "q,s,id,span\n"
        "1, train ,i1, s1 \n"
        '2,"[""a"", null, "" b "", """", 5, ""a""]", i2 ,NaN\n'
        '3,"{""k"":1}",,\n'
        "4,[bad,nan,x\n"
        "5,[NaN],i5,y\n"
        "6, ,i6,\n"
    )

    examples = read(text, inputs=["q"], split="s", example_id="id", span_id="span")

    assert [example.splits for example in examples] == [
        ("train",),
        ("a", "b", "5"),
        ('{"k":1}',),
        ("[bad",),
        ("[NaN]",),
        (),
    ]
    assert [example.external_id for example in examples] == ["i1", " i2 ", None, None, "i5", "i6"]
    assert [example.span_id for example in examples] == [" s1 ", None, None, "x", "y", None]


def test_splits_may_have_a_column_each() -> None:
    examples = read("a,b\n x ,y\n,y\nx,x\n", splits=["a", "b"])

    assert [example.splits for example in examples] == [("x", "y"), ("y",), ("x",)]


def test_columns_with_dots_unfold_and_hold_json() -> None:
    text = (
        "input.q,input.x.y,input.x.z,output.a,plain,input.odd..\n"
        'what,"[1,2]","{""k"": [1.5]}",true," {""n"": null} ",1\n'
        "1,2, ,3,{bad},[NaN]\n"
    )

    examples = read(
        text,
        inputs=["input.q", "input.x.y", "input.x.z", "input.odd.."],
        outputs=["output.a", "plain"],
        metadata=["input.q"],
    )

    assert examples == [
        Read(
            {"q": "what", "x": {"y": [1, 2], "z": {"k": [1.5]}}, "odd": {"": {"": "1"}}},
            {"a": "true", "plain": {"n": None}},
            {"input.q": "what"},
        ),
        Read(
            {"q": "1", "x": {"y": "2"}, "odd": {"": {"": "[NaN]"}}},
            {"a": "3", "plain": "{bad}"},
            {"input.q": "1"},
        ),
    ]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("input.a,input.a.b", "'input.a' and 'input.a.b'"),
        ("input.a.b,input.a", "'input.a.b' and 'input.a'"),
        ("input.a.b,input.a.b.c", "'input.a.b' and 'input.a.b.c'"),
        ("a,input.a", "'a' and 'input.a'"),
    ],
)
def test_columns_that_contradict_each_other_are_named(header: str, columns: str) -> None:
    inputs = header.split(",")

    assert read(f"{header}\n1,\n,2\n\n", inputs=inputs), "each row has but one of them"
    message = refusal(f"{header}\n1,\n1,2\n", inputs=inputs)
    assert message == f"Row 3: columns {columns} contradict each other"


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("[18446744073709551616]", "An integer is out of range: at most 64 bits are allowed"),
        (r'["\u0000"]', "The character U+0000 is not allowed"),
    ],
)
def test_json_in_a_cell_must_be_storable(cell: str, fault: str) -> None:
    quoted = cell.replace('"', '""')

    message = refusal(f'input.q\n"{quoted}"\n', inputs=["input.q"])

    assert message == f"Row 2: column 'input.q': {fault}"


@pytest.mark.parametrize("levels", [201, 5_000, 200_000])
def test_json_in_a_cell_may_not_be_deep(levels: int) -> None:
    cell = "[" * levels + "]" * levels

    message = refusal(f"input.q\n{cell}\n", inputs=["input.q"])

    assert message == "Row 2: nested deeper than 200 levels"
    key = "input" + ".a" * levels
    shown = key[:100] + "…"
    message = refusal(f"{key}\n1\n", inputs=[key])
    assert message == f"column '{shown}' is nested deeper than 200 levels"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('[""\\ud800""]', "Text with half a surrogate pair is not allowed"),
        ("[1e400]", "a number is out of range"),
    ],
)
def test_what_no_json_can_say_is_refused(cell: str, message: str) -> None:
    assert refusal(f'input.q\n"{cell}"\n', inputs=["input.q"]) == f"Row 2: {message}"
    if "ud800" in cell:
        assert refusal(f'q\n"{cell}"\n', split="q") == f"Row 2: {message}"


def test_objects_are_spread_over_their_bucket() -> None:
    text = 'input,output,x\n"{""q"":1,""z"":[1],""n"":null}",o1,{}\n"{""q"":2}",o2,\n'

    examples = read(
        text, inputs=["input", "x"], outputs=["output"], flatten=["input", "other", "output.z"]
    )

    assert examples == [
        Read({"q": 1, "z": [1], "x": "{}"}, {"output": "o1"}),
        Read({"q": 2}, {"output": "o2"}),
    ]


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("a\nnotjson\n", {}, "Cannot flatten 'a': expected object values"),
        ("a,b\n,x\n", {}, "Cannot flatten 'a': expected object values"),
        ('a\n"[1]"\n', {}, "Cannot flatten 'a': expected object values"),
        (
            'a,b\n"{""q"":1,""r"":2}","{""r"":2,""q"":2}"\n',
            {"inputs": ["a", "b"], "flatten": ["b", "a"]},
            "Cannot flatten 'b': keys {'q', 'r'} already emitted",
        ),
        (
            'a,q\n"{""q"":1}",2\n',
            {"inputs": ["a", "q"]},
            "Keys {'q'} conflict with flattened children",
        ),
    ],
)
def test_what_cannot_be_spread_is_refused(text: str, fields: dict[str, Any], message: str) -> None:
    assert refusal(text, **{"inputs": ["a"], "flatten": ["a"], **fields}) == f"Row 2: {message}"


def test_the_limits_are_told() -> None:
    limits = UploadLimits(max_bytes=100, max_rows=2, max_row_bytes=20, max_depth=9)

    assert len(read("q\n1\n2\n", limits)) == 2
    assert refusal("q\n1\n2\n3\n", limits) == "The file has more than 2 rows"
    assert refusal(f"q\n1\n{'x' * 21}\n", limits) == "Row 3 is longer than 20 bytes"
    assert refusal('q\n"' + "x\n" * 20 + '"\n', limits) == "Row 2 is longer than 20 bytes"
    name = "n" * 15
    wide = UploadLimits(max_bytes=5, max_rows=10, max_row_bytes=20, max_depth=9)
    message = refusal(f"{name}\n1\n2\n3\n", wide, inputs=[name])
    assert message == "The examples are larger than 20 bytes"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_is_as_long_as_a_row_may_be(quote: str) -> None:
    text = "x" * 10_000_000
    limits = replace(LIMITS, max_row_bytes=len(text) + 3, max_bytes=10**8)
    before = csv.field_size_limit(131_072)
    try:
        example, last = read(f"q\n{quote}{text}{quote}\n1\n", limits, inputs=["q"])
        too_long = refusal(f"q\n{quote}{text}xxx{quote}\n", limits)
    finally:
        csv.field_size_limit(before)

    assert example == Read({"q": text})
    assert last == Read({"q": "1"})
    assert too_long == f"Row 2 is longer than {limits.max_row_bytes} bytes"


def test_importing_the_reader_leaves_the_limit_of_the_csv_module() -> None:
    program = (
        "import csv; before = csv.field_size_limit(); import phoenix_web;"
        "assert csv.field_size_limit() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_limit_that_is_lowered_between_two_rows_refuses_no_cell() -> None:
    text = "x" * 200_000
    rows = csv_upload.CsvRows(io.BytesIO(f"q\n1\n{text}\n".encode()), 10**6)
    before = csv.field_size_limit()
    try:
        remaining = iter(rows)
        assert next(remaining) == (2, {"q": "1"})
        csv.field_size_limit(10)
        assert next(remaining) == (3, {"q": text})
    finally:
        csv.field_size_limit(before)


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(rows: int) -> int:
        data = b"q,id\n" + b"".join(b"a question about something,%d\n" % n for n in range(rows))
        tracemalloc.start()
        try:
            assert len(read_count(data)) == rows
            return tracemalloc.get_traced_memory()[1] - len(data)
        finally:
            tracemalloc.stop()

    class Counted(list[None]):
        pass

    def read_count(data: bytes) -> Counted:
        return Counted(None for _ in csv_upload.CsvRows(io.BytesIO(data), 10**6))

    assert peak(20_000) < peak(2_000) + 400_000


#: What a cell may hold: any text that a database can store.
_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.data())
def test_what_was_written_as_csv_is_read_back(data: st.DataObject) -> None:
    headers = data.draw(
        st.lists(_TEXTS.filter(lambda name: name and "." not in name), min_size=1, unique=True)
    )
    width = len(headers)
    rows = data.draw(st.lists(st.lists(_TEXTS, min_size=width, max_size=width), max_size=5))
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(headers)
    writer.writerows(rows)

    examples = read(written.getvalue().encode(), inputs=headers)

    expected = [
        {name: cell for name, cell in zip(headers, row, strict=True) if cell.strip()}
        for row in rows
    ]
    assert [example.input for example in examples] == expected


@given(st.binary(max_size=200), st.sampled_from([["a"], ["input.a", "b"], []]))
def test_no_bytes_break_the_reader(data: bytes, inputs: list[str]) -> None:
    message = ""
    examples: list[Read] = []
    try:
        examples = read(b"a,b,input.a,id\n" + data, inputs=inputs, example_id="id", split="b")
    except PhoenixError as error:
        message = error.message

    assert not message or message.startswith("Row ")
    assert len(examples) <= data.count(b"\n") + 1
