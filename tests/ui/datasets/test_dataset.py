"""The pages of one dataset."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.web.guard import ACCESS_COOKIE
from tests.ui.datasets.uploads import upload
from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.factories import SignedIn

NOBODYS = "RGF0YXNldDo5OTk="


def texts(page: str) -> list[str]:
    """Return the texts of the examples on a page, in order."""
    return [unescape(text) for text in re.findall(r'class="text[^"]*">([^<]*)<', page)]


def numbered(first: int, last: int) -> dict[str, Any]:
    """Return the fields of an upload of examples with ids and a split each."""
    numbers = range(first, last)
    return {
        "inputs": [{"n": f"in {number}"} for number in numbers],
        "outputs": [{"n": f"out {number}"} for number in numbers],
        "splits": ["odd" if number % 2 else "even" for number in numbers],
        "example_ids": [f"id-{number}" for number in numbers],
    }


def test_examples_are_shown_by_the_page(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "numbers", **numbered(0, 30))
    browser = visitor(app, viewer)

    first = browser.get(f"/datasets/{dataset_id}").text
    second = browser.get(found(r'href="([^"]+)">Next page', first)).text

    assert texts(first) == [f"{word} {n}" for n in range(25) for word in ("in", "out")]
    assert texts(second) == [f"{word} {n}" for n in range(25, 30) for word in ("in", "out")]
    assert "Next page" not in second
    assert "id-29" in second
    assert texts(browser.get(found(r'href="([^"]+)">First page', second)).text) == texts(first)


def test_a_split_shows_its_members(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    dataset_id, _ = upload(client, member, "numbers", **numbered(0, 60))
    browser = visitor(app, member)

    page = browser.get(f"/datasets/{dataset_id}").text
    split_id = found(r'<option value="([^"]+)">odd<', page)
    odd = browser.client.get(f"/datasets/{dataset_id}", query_string={"split": split_id}).text
    more = browser.get(found(r'href="([^"]+)">Next page', odd)).text

    assert texts(odd)[::2] == [f"in {n}" for n in range(1, 50, 2)]
    assert texts(more)[::2] == [f"in {n}" for n in range(51, 60, 2)]
    assert f'value="{split_id}" selected' in more


def test_versions_can_be_chosen_and_compared(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, first_id = upload(client, member, "numbers", **numbered(0, 4))
    changed = {**numbered(1, 5), "inputs": [{"n": f"in {n}"} for n in (1, 2, 33, 4)]}
    _, second_id = upload(client, member, "numbers", "update", **changed)
    browser = visitor(app, member)

    old = browser.get(f"/datasets/{dataset_id}?version={first_id}").text
    new = browser.get(f"/datasets/{dataset_id}").text
    start = browser.get(f"/datasets/{dataset_id}/changes?version={first_id}").text
    changes = browser.get(f"/datasets/{dataset_id}/changes?version={second_id}").text

    assert texts(old)[::2] == ["in 0", "in 1", "in 2", "in 3"]
    assert texts(new)[::2] == ["in 1", "in 2", "in 33", "in 4"]
    assert "Version 1 has 4 examples." in old
    assert "Version 2 (latest)" in new
    assert "· bob" in new
    assert "First version" in start
    assert "4 created" in start
    assert "Compared with version 1" in changes
    for count in ("1 created", "1 changed", "1 deleted"):
        assert count in changes
    assert texts(changes) == ["in 0", "out 0", "in 3", "in 33", "out 3", "in 4", "out 4"]
    assert re.findall(r'<del class="was">.*?class="text">([^<]+)', changes, re.DOTALL) == [
        "in 0",
        "out 0",
        "in 3",
    ]


def test_changes_are_shown_by_the_page(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    dataset_id, version_id = upload(client, member, "numbers", **numbered(0, 30))
    browser = visitor(app, member)

    first = browser.get(f"/datasets/{dataset_id}/changes?version={version_id}").text
    second = browser.get(found(r'href="([^"]+)">Next page', first)).text

    assert (len(texts(first)), len(texts(second))) == (50, 10)
    assert "30 created" in second


def test_json_is_shown_as_people_read_it(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    turns = [{"role": "user", "content": "<b>hi</b>"}, {"role": "assistant", "content": "hello"}]
    dataset_id, _ = upload(
        client,
        member,
        "shapes",
        inputs=[
            {"text": "one <i>word</i>\nand a line"},
            {"a": 1, "b": True, "c": None, "d": "text"},
            {"messages": turns},
            {"nested": {"list": [1, 2.5, "é"]}},
            {"long": "x" * 1000},
            {f"key {number}": number for number in range(20)},
            {"text": ""},
            {"huge": "y" * 70_000},
        ],
    )

    page = visitor(app, member).get(f"/datasets/{dataset_id}").text

    assert texts(page)[0] == "one <i>word</i>\nand a line"
    assert "<i>word" not in page
    assert re.findall(r"<dt>(\w)</dt>", page) == ["a", "b", "c", "d"]
    assert texts(page)[1:5] == ["1", "true", "null", "text"]
    assert "<dt>assistant</dt>" in page
    assert "&lt;b&gt;hi&lt;/b&gt;" in page
    assert '{"list": [1, 2.5, "é"]}' in texts(page)
    assert "Show all 1,000 characters" in page
    assert "<dt>and 8 more</dt>" in page
    assert "empty text" in page
    assert "Download the dataset to see all of it" in page
    assert "y" * 66_000 not in page


def test_an_empty_dataset_has_pages_too(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    dataset_id, _ = upload(client, member, "empty", inputs=[])
    browser = visitor(app, member)

    assert "This version has no examples" in browser.get(f"/datasets/{dataset_id}").text
    assert "0 created" in browser.get(f"/datasets/{dataset_id}/changes").text
    assert browser.get(f"/datasets/{dataset_id}/use").status_code == 200


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("csv", "csv"),
        ("csv-for-spreadsheets", "csv?safe=true"),
        ("jsonl", "jsonl"),
        ("openai-fine-tuning", "jsonl/openai_ft"),
        ("openai-evals", "jsonl/openai_evals"),
    ],
)
def test_downloads_lead_to_the_api(
    app: Flask, client: FlaskClient, member: SignedIn, name: str, address: str
) -> None:
    dataset_id, version_id = upload(client, member, "numbers", **numbered(0, 3))
    upload(client, member, "numbers", "append", **numbered(3, 4))
    browser = visitor(app, member)
    page = browser.get(f"/datasets/{dataset_id}").text

    link = found(rf'href="([^"]+/download/{name})"', page)
    answer = browser.get(link)
    old = browser.get(f"{link}?version={version_id}")

    assert answer.status_code == 303
    assert answer.location == f"/v1/datasets/{dataset_id}/{address}"
    file = browser.get(answer.location)
    assert file.status_code == 200
    assert "attachment" in file.headers["Content-Disposition"]
    assert len(file.text.splitlines()) == len(browser.get(old.location).text.splitlines()) + 1


def test_a_download_renews_a_session_first(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "greetings")
    browser = visitor(app, member)
    browser.client.delete_cookie(ACCESS_COOKIE)

    answer = browser.get(f"/datasets/{dataset_id}/download/jsonl")

    assert answer.status_code == 303
    assert browser.get(answer.location).status_code == 200


def test_programs_are_told_how_to_read_it(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, first_id = upload(client, member, "greetings")
    upload(client, member, "greetings", "append", inputs=[{"text": "more"}])
    browser = visitor(app, member)

    latest = unescape(browser.get(f"/datasets/{dataset_id}/use").text)
    older = unescape(browser.get(f"/datasets/{dataset_id}/use?version={first_id}").text)

    assert f'get_dataset(dataset="{dataset_id}")' in latest
    assert f'dataset: {{ datasetId: "{dataset_id}" }}' in latest
    assert f'version_id="{first_id}"' in older
    assert f'versionId: "{first_id}"' in older


def test_a_dataset_is_deleted_after_a_question(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "greet <b>")
    browser = visitor(app, member)

    asked = browser.get(f"/datasets/{dataset_id}?delete=yes").text
    gone = browser.post(found(r'action="([^"]+/delete)"', asked))

    assert "Delete dataset “greet &lt;b&gt;”?" in asked
    assert '<dialog id="delete-dataset" aria-labelledby="delete-dataset-title" open>' in asked
    assert gone.status_code == 303
    listed = browser.get(gone.location).text
    assert "Dataset and all its versions deleted" in listed
    assert "greet &lt;b&gt;" not in listed
    assert browser.post(f"/datasets/{dataset_id}/delete").status_code == 404
    assert browser.get(f"/datasets/{dataset_id}").status_code == 404


def test_viewers_see_no_way_to_write_and_have_none(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "greetings")
    browser = visitor(app, viewer)

    for path in ("", "/changes", "/use", "?delete=yes"):
        page = browser.get(f"/datasets/{dataset_id}{path}").text
        assert "<h1>greetings</h1>" in page
        assert not re.search(r"/delete|/upload|<dialog|Add examples", page)
    assert browser.post(f"/datasets/{dataset_id}/delete").status_code == 403
    assert browser.get(f"/datasets/{dataset_id}").status_code == 200


def test_nothing_is_deleted_from_another_site(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "greetings")
    browser = visitor(app, member)

    answer = browser.client.post(
        f"/datasets/{dataset_id}/delete", headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403
    assert browser.get(f"/datasets/{dataset_id}").status_code == 200


def test_addresses_of_nothing_are_pages_that_say_so(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    dataset_id, version_id = upload(client, member, "greetings")
    _, foreign_version_id = upload(client, member, "another")
    browser = visitor(app, member)

    for path in (
        NOBODYS,
        f"{NOBODYS}/changes",
        f"{NOBODYS}/use",
        f"{NOBODYS}/download/csv",
        "greetings",
        version_id,
        f"{dataset_id}?version=x",
        f"{dataset_id}?version={dataset_id}",
        f"{dataset_id}?version={foreign_version_id}",
        f"{dataset_id}?cursor=x",
        f"{dataset_id}?split=x",
        f"{dataset_id}/changes?cursor=x",
        f"{dataset_id}/download/xml",
    ):
        answer = browser.get(f"/datasets/{path}")
        assert answer.status_code == 404, path
        assert "Page not found" in answer.text
