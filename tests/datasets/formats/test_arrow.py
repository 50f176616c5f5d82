"""Arrow files, as pandas writes them: what becomes of their values, and what is refused."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from phoenix_web.errors import Invalid, PayloadTooLarge, UnsupportedMediaType
from tests.support.forms import LIMITS, File, Read, examples_of

ARROW = "application/x-pandas-pyarrow"


@pytest.fixture
def arrow() -> Any:
    return pytest.importorskip("pyarrow")


def stream(arrow: Any, columns: Any, **options: Any) -> bytes:
    table = columns if isinstance(columns, arrow.Table) else arrow.table(columns)
    written = io.BytesIO()
    with arrow.ipc.new_stream(written, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=2)
    return written.getvalue()


def read(data: bytes, **fields: Any) -> list[Read]:
    return examples_of(File(data, ARROW, name="t.arrow"), LIMITS, **fields)


def refusal(data: bytes, **fields: Any) -> str:
    with pytest.raises((Invalid, PayloadTooLarge)) as refused:
        read(data, **fields)
    return refused.value.message


def test_without_pyarrow_the_answer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.ipc"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(UnsupportedMediaType, match="pip install 'phoenix-web\\[arrow\\]'"):
        read(b"anything")


def test_values_keep_their_types_and_nulls_are_null(arrow: Any) -> None:
    data = stream(
        arrow,
        {
            "a": [1, 2, 3],
            "q": ["x", None, "é"],
            "f": [1.5, float("nan"), None],
            "b": [True, None, False],
            "n": arrow.nulls(3),
            "l": [["a", None], [], None],
            "s": [{"k": 1, "t": [date(2020, 1, 2)]}, None, {"k": None, "t": None}],
            "c": arrow.array(["u", None, "u"]).dictionary_encode(),
        },
    )

    examples = read(data, inputs=["q", "a"], outputs=["f", "b", "n"], metadata=["l", "s", "c"])

    assert examples == [
        Read(
            {"a": 1, "q": "x"},
            {"f": 1.5, "b": True, "n": None},
            {"l": ["a", None], "s": {"k": 1, "t": ["2020-01-02"]}, "c": "u"},
        ),
        Read(
            {"a": 2, "q": None},
            {"f": None, "b": None, "n": None},
            {"l": [], "s": None, "c": None},
        ),
        Read(
            {"a": 3, "q": "é"},
            {"f": None, "b": False, "n": None},
            {"l": None, "s": {"k": None, "t": None}, "c": "u"},
        ),
    ]


def test_times_and_decimals_become_text(arrow: Any) -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    data = stream(
        arrow,
        {
            "utc": arrow.array([moment], arrow.timestamp("us", "UTC")),
            "local": arrow.array([moment.replace(tzinfo=None)], arrow.timestamp("ns")),
            "day": [date(2020, 1, 2)],
            "price": [Decimal("1.50")],
        },
    )

    (example,) = read(data, inputs=["utc", "local", "day", "price"])

    assert example.input == {
        "utc": "2020-01-02T03:04:05.000006+00:00",
        "local": "2020-01-02T03:04:05.000006",
        "day": "2020-01-02",
        "price": "1.50",
    }


def test_ids_and_splits_are_read_from_columns(arrow: Any) -> None:
    data = stream(
        arrow,
        {"id": [5, None, 7], "s": [["a", "b"], None, []], "t": ["x", None, ' ["y"] ']},
    )

    listed = read(data, example_id="id", split="s")
    named = read(data, span_id="id", split="t")

    assert [example.external_id for example in listed] == ["5", None, "7"]
    assert [example.splits for example in listed] == [("a", "b"), (), ()]
    assert [example.span_id for example in named] == ["5", None, "7"]
    assert [example.splits for example in named] == [("x",), (), ("y",)]


def test_of_repeated_columns_the_last_counts_and_an_index_is_no_column(arrow: Any) -> None:
    table = arrow.table([[1], [2], [3]], names=["a", "a", "__index_level_0__"])
    table = table.replace_schema_metadata({"pandas": '{"index_columns": ["__index_level_0__"]}'})

    assert read(stream(arrow, table), inputs=["a"]) == [Read({"a": 2})]
    message = refusal(stream(arrow, table), inputs=["__index_level_0__"])
    assert message == "input keys not found in column headers: '__index_level_0__'"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([b"x"], "binary"),
        ([timedelta(days=1)], "duration[us]"),
        ([[b"x"]], "binary"),
        ([{"k": b"x"}], "binary"),
    ],
)
def test_values_that_json_has_not_are_refused_with_their_column(
    arrow: Any, values: list[Any], kind: str
) -> None:
    data = stream(arrow, {"q": values, "ok": [1]})

    message = refusal(data, inputs=["q"])

    assert message == f"Column 'q': values of type {kind} cannot be stored as JSON"
    assert read(data, inputs=["ok"]) == [Read({"ok": 1})]


def test_moments_that_python_has_not_are_refused_with_their_column(arrow: Any) -> None:
    column = arrow.array([2**62], arrow.timestamp("s"))

    message = refusal(stream(arrow, {"q": column}), inputs=["q"])

    assert message == "Column 'q': a value of type timestamp[s] cannot be stored as JSON"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["ok", "a\0b"], "Row 2: The character U+0000 is not allowed"),
        ([1.0, float("inf")], "Row 2: a number is out of range"),
    ],
)
def test_a_row_that_cannot_be_stored_is_named(arrow: Any, values: list[Any], message: str) -> None:
    assert refusal(stream(arrow, {"q": values}), inputs=["q"]) == message


def test_repeated_ids_are_named(arrow: Any) -> None:
    message = refusal(stream(arrow, {"id": ["x", "y", "x"]}), example_id="id")

    assert message == "Row 3: Duplicate example_id in file: 'x'"


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_file_is_refused_before_it_is_unpacked(arrow: Any, codec: str) -> None:
    options = arrow.ipc.IpcWriteOptions(compression=codec)

    message = refusal(stream(arrow, {"q": ["x" * 1000]}, options=options), inputs=["q"])

    assert message == "Compressed Arrow files are not supported"


def test_lists_of_nothing_do_not_fill_the_memory(arrow: Any) -> None:
    offsets = arrow.array([0, 2**31 - 1], arrow.int32())
    column = arrow.ListArray.from_arrays(offsets, arrow.nulls(2**31 - 1))

    message = refusal(stream(arrow, {"q": column}), inputs=["q"])

    assert message == "The lists of a batch have more than 33554432 elements"


def test_what_is_no_arrow_stream_is_refused(arrow: Any) -> None:
    data = stream(arrow, {"q": ["x", "y", "z"], "n": [1, 2, 3]})

    for wrong in (b"", b"garbage", data[:50], data[: len(data) // 2], b"\xff" * 200):
        assert refusal(wrong, inputs=["q"]) == "File is not valid pyarrow"


def test_no_changed_byte_breaks_the_reader(arrow: Any) -> None:
    data = stream(arrow, {"q": ["x", "y", None], "l": [[1], [], None]})

    for position in range(0, len(data), 3):
        changed = bytearray(data)
        changed[position] ^= 0x41
        with suppress(Invalid, PayloadTooLarge):
            assert len(read(bytes(changed), inputs=["q", "l"])) <= 3
