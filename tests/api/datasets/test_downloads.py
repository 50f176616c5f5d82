"""Downloads: CSV, JSON lines, and the two forms that OpenAI reads."""

from __future__ import annotations

import csv
import json
from io import StringIO
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from phoenix_web.global_ids import encode
from tests.support.calls import upload_dataset

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

FORMS = ["csv", "jsonl", "jsonl/openai_ft", "jsonl/openai_evals"]
UNKNOWN = encode("Dataset", 999999)
VERSION = encode("DatasetVersion", 999999)


def download(client: FlaskClient, caller: SignedIn, dataset_id: str, form: str) -> TestResponse:
    return client.get(f"/v1/datasets/{dataset_id}/{form}", headers=caller.headers)


def rows(told: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(told.text, newline="")))


@pytest.fixture
def recorded(client: FlaskClient, member: SignedIn) -> dict[str, Any]:
    """Return the upload whose downloads are recorded of Phoenix 20.26.1."""
    return upload_dataset(
        client,
        member,
        name="dl ünï",
        inputs=[
            {"q": "a,b", "n": {"x": 1, "y": {"z": [1, "é"]}}, "e": {}},
            {"q": "line\nbreak", "t": True, "f": 1.5, "nul": None},
            {
                "q": "last",
                "messages": [{"role": "user", "content": "hi"}],
                "tools": [{"type": "function"}],
            },
        ],
        outputs=[
            {"o": 1},
            {"o": None},
            {"messages": [{"role": "assistant", "content": "yo"}]},
        ],
        example_ids=["a", None, "c"],
        splits=["s,1", ["é", "b"], None],
    )


def test_csv_is_as_recorded_but_for_numbers_and_booleans(
    client: FlaskClient, member: SignedIn, recorded: dict[str, Any]
) -> None:
    told = download(client, member, recorded["dataset_id"], "csv")

    assert told.headers["Content-Type"] == "text/csv"
    assert told.headers["Content-Disposition"] == (
        "attachment; filename*=UTF-8''dl%20%C3%BCn%C3%AF.csv"
    )
    lines = told.text.split("\n")
    assert lines[0] == (
        "id,node_id,input.q,input.n.x,input.n.y.z,output.o,splits,"
        "input.t,input.f,input.nul,input.messages,input.tools,output.messages"
    )
    first, second, third = rows(told)
    assert lines[1] == f'a,{first["node_id"]},"a,b",1,"[1, ""é""]",1,"[""s,1""]",,,,,,'
    assert second["id"] == second["node_id"]
    assert (second["input.q"], second["input.t"], second["input.f"]) == (
        "line\nbreak",
        "true",
        "1.5",
    )
    assert (second["input.nul"], second["output.o"], second["splits"]) == ("", "", '["b", "é"]')
    assert third["input.messages"] == '[{"role": "user", "content": "hi"}]'
    assert third["splits"] == "[]"


def test_jsonl_is_as_recorded(
    client: FlaskClient, member: SignedIn, recorded: dict[str, Any]
) -> None:
    told = download(client, member, recorded["dataset_id"], "jsonl")

    assert told.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert told.headers["Content-Disposition"].endswith("dl%20%C3%BCn%C3%AF.jsonl")
    lines = told.text.splitlines()
    nodes = [json.loads(line)["node_id"] for line in lines]
    assert lines[0] == (
        f'{{"id": "a", "node_id": "{nodes[0]}", "input": {{"q": "a,b", "n": {{"x": 1, '
        '"y": {"z": [1, "é"]}}, "e": {}}, "output": {"o": 1}, "metadata": {}, "splits": ["s,1"]}'
    )
    assert json.loads(lines[1])["id"] == nodes[1]
    assert json.loads(lines[1])["splits"] == ["b", "é"]
    assert told.text.endswith("\n")


def test_the_forms_of_openai_are_as_recorded(
    client: FlaskClient, member: SignedIn, recorded: dict[str, Any]
) -> None:
    fine_tuning = download(client, member, recorded["dataset_id"], "jsonl/openai_ft")
    evals = download(client, member, recorded["dataset_id"], "jsonl/openai_evals")

    assert fine_tuning.text == (
        '{"messages": []}\n{"messages": []}\n'
        '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}],'
        ' "tools": [{"type": "function"}]}\n'
    )
    assert evals.text == (
        '{"messages": [], "ideal": ""}\n{"messages": [], "ideal": ""}\n'
        '{"messages": [{"role": "user", "content": "hi"}], "ideal": "yo"}\n'
    )


def test_messages_that_are_none_are_left_out(client: FlaskClient, member: SignedIn) -> None:
    odd: list[Any] = ["text", {"a": 1}, 5, ["last"], [{"content": 5}], []]
    made = upload_dataset(
        client,
        member,
        inputs=[{"messages": messages} for messages in odd],
        outputs=[{"messages": messages} for messages in odd],
    )

    fine_tuning = download(client, member, made["dataset_id"], "jsonl/openai_ft")
    evals = download(client, member, made["dataset_id"], "jsonl/openai_evals")

    lists = [messages if isinstance(messages, list) else [] for messages in odd]
    assert [json.loads(line)["messages"] for line in fine_tuning.text.splitlines()] == [
        messages + messages for messages in lists
    ]
    assert [json.loads(line)["ideal"] for line in evals.text.splitlines()] == [""] * 6


def test_numbers_stay_what_they_are_where_others_lack_them(
    client: FlaskClient, member: SignedIn
) -> None:
    values = [1, 1.0, 2**64 - 1, -(2**63), 0.1, 1e16, True, False, "true", "1", None]
    made = upload_dataset(client, member, inputs=[{"a": value} for value in values] + [{"b": 1}])

    told = rows(download(client, member, made["dataset_id"], "csv"))

    assert [row["input.a"] for row in told] == [
        "1",
        "1.0",
        "18446744073709551615",
        "-9223372036854775808",
        "0.1",
        "1e+16",
        "true",
        "false",
        "true",
        "1",
        "",
        "",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_formulas_are_guarded_when_asked_and_numbers_are_none(
    client: FlaskClient, member: SignedIn, start: str
) -> None:
    text = f"{start}1+1"
    made = upload_dataset(client, member, inputs=[{"a": text, "b": -5}], example_ids=[text])

    [plain] = rows(download(client, member, made["dataset_id"], "csv"))
    [safe] = rows(download(client, member, made["dataset_id"], "csv?safe=true"))

    assert (plain["id"], plain["input.a"], plain["input.b"]) == (text, text, "-5")
    assert (safe["id"], safe["input.a"], safe["input.b"]) == (f"'{text}", f"'{text}", "-5")


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_dataset_is_an_empty_file(
    client: FlaskClient, member: SignedIn, form: str
) -> None:
    made = upload_dataset(client, member, inputs=[])

    told = download(client, member, made["dataset_id"], form)

    assert (told.status_code, told.text) == (200, "\n" if form == "csv" else "")


@pytest.mark.parametrize("form", FORMS)
def test_a_download_is_of_the_version_that_was_asked_for(
    client: FlaskClient, member: SignedIn, form: str
) -> None:
    first = upload_dataset(client, member, inputs=[{"messages": [1]}], example_ids=["a"])
    upload_dataset(
        client, member, inputs=[{"messages": [2]}, {"messages": [3]}], example_ids=["a", "b"]
    )
    dataset_id = first["dataset_id"]

    old = download(client, member, dataset_id, f"{form}?version_id={first['version_id']}")
    new = download(client, member, dataset_id, f"{form}?version_id=")

    assert "[1]" in old.text
    assert "[2]" not in old.text
    assert "[1]" not in new.text
    assert "[3]" in new.text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("dataset_id", "version_id", "status", "text"),
    [
        ("zzz", "", 422, "Invalid dataset ID format: zzz"),
        (VERSION, "", 422, f"Invalid dataset ID format: {VERSION}"),
        (UNKNOWN, "bad", 422, "Invalid dataset version ID format: bad"),
        (UNKNOWN, UNKNOWN, 422, f"Invalid dataset version ID format: {UNKNOWN}"),
        (UNKNOWN, VERSION, 404, "Dataset does not exist."),
        ("", VERSION, 404, f"No dataset version with id {VERSION} can be found."),
    ],
)
def test_what_names_no_version_is_refused(  # noqa: PLR0913, PLR0917 - the columns of the table
    client: FlaskClient,
    member: SignedIn,
    form: str,
    dataset_id: str,
    version_id: str,
    status: int,
    text: str,
) -> None:
    known = upload_dataset(client, member)["dataset_id"]

    refused = download(client, member, dataset_id or known, f"{form}?version_id={version_id}")

    assert (refused.status_code, refused.text) == (status, text)


@pytest.mark.parametrize(
    "name", ['a"; filename="x', "a\r\nX-Evil: 1", "../../etc/passwd", "a;b", "ü" * 5000]
)
def test_no_name_breaks_out_of_the_header(client: FlaskClient, member: SignedIn, name: str) -> None:
    made = upload_dataset(client, member, name=name)

    told = download(client, member, made["dataset_id"], "csv")

    assert told.status_code == 200
    assert "X-Evil" not in told.headers
    assert told.headers["Content-Disposition"] == (
        f"attachment; filename*=UTF-8''{quote(name[:200])}.csv"
    )


def test_columns_that_appear_late_leave_the_rows_before_whole(
    client: FlaskClient, member: SignedIn
) -> None:
    inputs = [{"a": f'"{n}"\n', **({f"late{n}": n} if n % 700 == 699 else {})} for n in range(2500)]
    made = upload_dataset(client, member, inputs=inputs, splits=[None] * 2499 + ["train"])

    told = rows(download(client, member, made["dataset_id"], "csv"))

    assert list(told[0]) == [
        *["id", "node_id", "input.a", "splits"],
        *["input.late699", "input.late1399", "input.late2099"],
    ]
    assert [row["input.a"] for row in told] == [f'"{n}"\n' for n in range(2500)]
    assert [row["input.late1399"] for row in told if row["input.late1399"]] == ["1399"]
    assert {len(row) for row in told} == {7}


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
)
_KEYS = st.text(st.sampled_from("ab.,\"'\n\r é"), min_size=1, max_size=4)
_OBJECTS = st.dictionaries(
    _KEYS, st.recursive(_VALUES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner))
)


def test_every_text_comes_back_from_csv_and_every_value_from_jsonl(
    client: FlaskClient, member: SignedIn
) -> None:
    numbers = count()

    @hypothesis_settings(max_examples=50)
    @given(st.lists(_OBJECTS, min_size=1, max_size=4))
    def round_trip(inputs: list[dict[str, Any]]) -> None:
        made = upload_dataset(client, member, name=f"d{next(numbers)}", inputs=inputs)
        as_csv = rows(download(client, member, made["dataset_id"], "csv"))
        as_lines = download(client, member, made["dataset_id"], "jsonl").text

        assert repr([json.loads(line)["input"] for line in as_lines.split("\n")[:-1]]) == repr(
            inputs
        )
        assert len(as_csv) == len(inputs)
        for row, sent in zip(as_csv, inputs, strict=True):
            for key, value in sent.items():
                if isinstance(value, str) and "." not in "".join(sent):
                    assert row[f"input.{key}"] == value

    round_trip()
