"""The upload of a file from the pages."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tests.ui.datasets.uploads import upload
from tests.ui.visitor import Visitor, faults, found, visitor

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

QUESTIONS = (
    b"id,question,answer,topic,split\n"
    b"q1,What is 2+2?,4,sums,train\n"
    b'q2,"Who wrote ""Hamlet""?",Shakespeare,plays,test\n'
)


def send(browser: Visitor, content: bytes, name: str = "questions.csv") -> TestResponse:
    """Send a file from the first page of the upload."""
    return browser.post("/datasets/upload", {"file": (io.BytesIO(content), name)})


def arranged(browser: Visitor, sent: TestResponse) -> tuple[str, dict[str, str]]:
    """Return the address of the second form and what stands in it as it arrives."""
    assert sent.status_code == 303, faults(sent.text)
    page = browser.get(sent.location).text
    fields = {
        name: found(r'<option value="([^"]*)" selected', body)
        for name, body in re.findall(
            r'<select id="[^"]+" name="([^"]+)"(.+?)</select>', page, re.DOTALL
        )
    }
    fields["name"] = found(r'name="name"[^>]* value="([^"]*)"', page)
    return found(r'<form class="stack" method="post" action="([^"]+)"', page), fields


def store(
    browser: Visitor, content: bytes, file: str = "questions.csv", **fields: str
) -> TestResponse:
    """Send a file and the second form as it arrives with *fields*; return the answer."""
    action, form = arranged(browser, send(browser, content, file))
    return browser.post(action, {**form, **fields})


def examples_of(client: FlaskClient, user: SignedIn, answer: TestResponse) -> list[Any]:
    """Return the examples of the dataset that the upload has led to."""
    assert answer.status_code == 303, answer.text
    dataset_id = found(r"/datasets/([^?]+)", answer.location)
    told = client.get(f"/v1/datasets/{dataset_id}/examples", headers=user.headers)
    return list(told.get_json()["data"]["examples"])


def staged(working_dir: Path) -> list[Path]:
    """Return the files that wait to be stored."""
    return sorted((working_dir / "uploads").glob("*"))


def test_a_csv_file_becomes_a_dataset_as_guessed(
    app: Flask, client: FlaskClient, member: SignedIn, tmp_path: Path
) -> None:
    browser = visitor(app, member)
    sent = send(browser, QUESTIONS)
    page = browser.get(sent.location).text

    action, form = arranged(browser, sent)
    assert "What is 2+2?" in page
    assert "Who wrote &#34;Hamlet&#34;?" in page
    assert form == {
        "name": "questions",
        "action": "create",
        "column-0": "id",
        "column-1": "input",
        "column-2": "output",
        "column-3": "metadata",
        "column-4": "split",
    }
    answer = browser.post(action, form)

    examples = examples_of(client, member, answer)
    assert [example["id"] for example in examples] == ["q1", "q2"]
    assert examples[1]["input"] == {"question": 'Who wrote "Hamlet"?'}
    assert examples[1]["output"] == {"answer": "Shakespeare"}
    assert examples[1]["metadata"] == {"topic": "plays"}
    shown = browser.get(answer.location).text
    assert "Dataset saved: 2 created, 0 updated, 0 deleted." in shown
    assert ">train</option>" in shown
    assert staged(tmp_path) == []


def test_columns_are_used_as_chosen(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    fields = {"column-0": "ignore", "column-1": "output", "column-2": "input", "column-3": "ignore"}

    answer = store(
        visitor(app, member), QUESTIONS, name=" odd name ", description="of mine", **fields
    )

    examples = examples_of(client, member, answer)
    assert examples[0]["input"] == {"answer": "4"}
    assert examples[0]["output"] == {"question": "What is 2+2?"}
    assert examples[0]["metadata"] == {}
    told = client.get("/v1/datasets?name=%20odd%20name%20", headers=member.headers).get_json()
    assert told["data"][0]["description"] == "of mine"


def test_json_lines_keep_their_types(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    lines = b'{"question": "a", "output": 5, "list": [1, null]}\n{"question": "b", "more": true}\n'

    answer = store(visitor(app, member), lines, "Lines.JSONL")

    first, second = examples_of(client, member, answer)
    assert first["input"] == {"question": "a"}
    assert first["output"] == {"output": 5}
    assert first["metadata"] == {"list": [1, None]}
    assert second["metadata"] == {"more": True}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_download_can_be_uploaded_again(
    app: Flask, client: FlaskClient, member: SignedIn, kind: str
) -> None:
    dataset_id, _ = upload(
        client,
        member,
        "numbers",
        inputs=[{"n": "one", "deep": {"er": "x"}}, {"n": "two"}],
        outputs=[{"m": "1"}, {"m": "2"}],
        metadata=[{"k": "v"}, {"k": "w"}],
        splits=[["train", "dev"], []],
        example_ids=["a", "b"],
    )
    file = client.get(f"/v1/datasets/{dataset_id}/{kind}", headers=member.headers).data

    answer = store(visitor(app, member), file, f"numbers.{kind}", action="update", name="numbers")

    assert answer.location.endswith("created=0&updated=0&deleted=0")
    copy = store(visitor(app, member), file, f"copy.{kind}")
    told = examples_of(client, member, copy)
    assert told[0]["input"] == {"n": "one", "deep": {"er": "x"}}
    assert [example["id"] for example in told] == ["a", "b"]


def test_a_file_can_add_to_a_dataset_and_replace_it(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    first = store(browser, QUESTIONS)
    more = b"id,question,answer\nq2,Who?,Nobody\nq3,When?,Now\n"
    page = browser.get(first.location).text
    link = found(r'href="([^"]+)"[^>]*>(?:(?!</a>).)*Add examples', page)
    form_page = browser.get(link).text

    sent = browser.post(
        found(r'<form class="upload" method="post" action="([^"]+)"', form_page),
        {"file": (io.BytesIO(more), "other name.csv")},
    )
    action, form = arranged(browser, sent)
    assert (form["name"], form["action"]) == ("questions", "append")
    added = browser.post(action, form)
    replaced = store(browser, more, name="questions", action="update")

    assert added.location.endswith("created=1&updated=1&deleted=0")
    assert replaced.location.endswith("created=0&updated=0&deleted=1")


def test_a_taken_name_comes_back_with_the_form(
    app: Flask, client: FlaskClient, member: SignedIn, tmp_path: Path
) -> None:
    upload(client, member, "questions")
    browser = visitor(app, member)
    action, form = arranged(browser, send(browser, QUESTIONS))

    refused = browser.post(action, {**form, "column-3": "ignore", "description": "kept"})

    assert refused.status_code == 409
    assert unescape(faults(refused.text)["name"]) == 'A dataset named "questions" already exists.'
    assert 'value="kept"' in refused.text
    again = {**form, "name": "another"}
    assert browser.post(action, again).status_code == 303
    assert staged(tmp_path) == []


@pytest.mark.parametrize(
    ("fields", "field", "fault"),
    [
        ({"name": " "}, "name", "Enter a name for the dataset."),
        ({"name": "a\x00b"}, "name", "Remove the invisible character U+0000."),
        ({"action": "drop"}, "action", "Choose what to do with the file."),
        ({"column-1": "id"}, "column-1", "Choose only one column as the id."),
        ({"column-1": "split"}, "column-4", "Choose only one column as the split."),
        ({"column-1": "nonsense"}, "column-0", "Choose at least one input column."),
    ],
)
def test_a_wrong_form_says_what_is_wrong(
    app: Flask, member: SignedIn, fields: dict[str, str], field: str, fault: str
) -> None:
    browser = visitor(app, member)
    answer = store(browser, QUESTIONS, **fields)

    assert answer.status_code == 422
    told = dict(re.findall(r'id="([\w-]+)-fault">([^<]+)<', answer.text))
    assert told == {field: fault}
    assert "No datasets yet" in browser.get("/datasets").text


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (("x.csv", b""), "Missing CSV column header"),
        (("x.csv", b"a,a\n1,2\n"), "Duplicated column header in CSV file: a"),
        (("x.csv", b"a,b\n1,\xff\n"), "Row 2: column 'b': not UTF-8"),
        (("x.jsonl", b""), "The file is empty."),
        (("x.jsonl", b'{"a": 1}\n[1]\n'), "Line 2: a line should be a JSON object"),
        (
            ("x.xlsx", b"PK"),
            "“x.xlsx” is not a CSV (.csv) or JSON Lines (.jsonl) file.",
        ),
        (
            ("<b>", b"a\n1\n"),
            "“<b>” is not a CSV (.csv) or JSON Lines (.jsonl) file.",
        ),
        (("", b"a\n1\n"), "Choose a file."),
    ],
)
def test_a_wrong_file_says_what_is_wrong(
    app: Flask, member: SignedIn, tmp_path: Path, file: tuple[str, bytes], fault: str
) -> None:
    name, content = file
    answer = send(visitor(app, member), content, name)

    assert answer.status_code == 422
    assert unescape(found(r'id="file-fault" role="alert">([^<]+)<', answer.text)) == fault
    assert staged(tmp_path) == []


def test_a_fault_further_down_names_its_row(
    app: Flask, client: FlaskClient, member: SignedIn, tmp_path: Path
) -> None:
    rows = b"".join(b"q%d,what,that\n" % number for number in range(50))
    content = b"id,question,answer\n" + rows + b"q7,again,that\n"

    answer = store(visitor(app, member), content)

    assert answer.status_code == 422
    assert "Row 52: Duplicate example_id in file: &#39;q7&#39;" in answer.text
    assert client.get("/v1/datasets", headers=member.headers).get_json()["data"] == []
    assert len(staged(tmp_path)) == 1


def test_a_column_without_a_name_is_left_out(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    answer = store(visitor(app, member), b",a,b\n0,1,2\n")

    assert examples_of(client, member, answer)[0]["input"] == {"a": "1", "b": "2"}


def test_a_file_that_is_too_large_is_refused(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(max_upload_bytes=2048)

    answer = send(visitor(app, member), b"a\n" + b"x\n" * 2000)

    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_a_waiting_file_is_private_and_nobody_elses(
    app: Flask, member: SignedIn, admin: SignedIn, tmp_path: Path
) -> None:
    sent = send(visitor(app, member), QUESTIONS)
    (path,) = staged(tmp_path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    stranger = visitor(app, admin)
    for token in (found(r"/upload/(\w+)", sent.location), "0" * 32, "x", "..%2f..%2fsecret"):
        for answer in (
            stranger.get(f"/datasets/upload/{token}"),
            stranger.post(f"/datasets/upload/{token}", {"name": "mine"}),
        ):
            assert answer.status_code in {303, 404}
            assert answer.status_code == 404 or answer.location == "/datasets/upload?gone=yes"
    assert "The uploaded file has expired" in stranger.get("/datasets/upload?gone=yes").text
    assert staged(tmp_path) == [path]


def test_a_waiting_file_goes_after_an_hour(app: Flask, member: SignedIn, tmp_path: Path) -> None:
    browser = visitor(app, member)
    sent = send(browser, QUESTIONS)
    (path,) = staged(tmp_path)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61), tick=False):
        browser = visitor(app, member)
        assert browser.get(sent.location).status_code == 303
        send(browser, QUESTIONS)
        assert not path.exists()


def test_a_user_has_few_waiting_files(app: Flask, member: SignedIn, tmp_path: Path) -> None:
    browser = visitor(app, member)

    sent = [send(browser, QUESTIONS) for _ in range(6)]

    assert len(staged(tmp_path)) == 3
    assert browser.get(sent[-1].location).status_code == 200


def test_viewers_cannot_upload(app: Flask, viewer: SignedIn, tmp_path: Path) -> None:
    browser = visitor(app, viewer)

    assert browser.get("/datasets/upload").status_code == 403
    assert send(browser, QUESTIONS).status_code == 403
    assert staged(tmp_path) == []


def test_without_authentication_everybody_uploads(make_app: MakeApp) -> None:
    app = make_app(enable_auth=False)

    answer = store(visitor(app), QUESTIONS)

    assert "Dataset saved" in visitor(app).get(answer.location).text


def test_another_site_sends_nothing(app: Flask, member: SignedIn, tmp_path: Path) -> None:
    answer = visitor(app, member).client.post(
        "/datasets/upload",
        data={"file": (io.BytesIO(QUESTIONS), "x.csv")},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 403
    assert staged(tmp_path) == []


def test_a_form_that_is_sent_twice_stores_once(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    browser = visitor(app, member)
    action, form = arranged(browser, send(browser, QUESTIONS))

    first, second = browser.post(action, form), browser.post(action, form)

    assert len(examples_of(client, member, first)) == 2
    assert second.location == "/datasets/upload?gone=yes"
