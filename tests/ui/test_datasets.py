from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.factories import SignedIn


def upload(client: FlaskClient, user: SignedIn, name: str, description: str = "") -> None:
    """Make a dataset of two examples through the API."""
    body = {
        "action": "create",
        "name": name,
        "description": description,
        "inputs": [{"text": "hello"}, {"text": "bye"}],
        "outputs": [{"text": "hi"}, {"text": "see you"}],
    }
    answer = client.post("/v1/datasets/upload?sync=true", json=body, headers=user.headers)
    assert answer.status_code == 200, answer.text


def test_an_empty_list_says_how_to_fill_it(app: Flask, viewer: SignedIn) -> None:
    page = visitor(app, viewer).get("/datasets").text

    assert "There are no datasets yet" in page
    assert "http://localhost/v1/datasets/upload" in page


def test_datasets_are_listed_with_their_examples(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    upload(client, member, "<b>greetings</b>", "what people say")

    page = visitor(app, viewer).get("/datasets").text

    assert "&lt;b&gt;greetings&lt;/b&gt;" in page
    assert "<b>greetings" not in page
    assert "what people say" in page
    assert '<td class="number" data-label="Examples">2</td>' in page


def test_pages_follow_each_other_to_the_end(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    for number in range(26):
        upload(client, member, f"set {number:02}")
    browser = visitor(app, member)

    first = browser.get("/datasets").text
    second = browser.get(found(r'href="(/datasets\?cursor=[^"]+)"', first)).text

    assert first.count('class="title"') == 25
    assert second.count('class="title"') == 1
    assert "set 00" in second
    assert "Next page" not in second


def test_a_name_finds_its_dataset(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    upload(client, member, "one & only")
    upload(client, member, "another")
    browser = visitor(app, member)

    hit = browser.get("/datasets?name=one+%26+only").text
    miss = browser.get("/datasets?name=%3Cb%3Enobody").text

    assert hit.count('class="title"') == 1
    assert "No dataset has the name “&lt;b&gt;nobody”" in miss


def test_a_cursor_of_nobodys_is_a_page_that_says_so(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    for cursor in ("x", "VXNlcjox", "RGF0YXNldDo5OTk5OTk5OTk5OTk5OTk5OTk5OTk="):
        answer = browser.get(f"/datasets?cursor={cursor}")
        assert answer.status_code == 404
        assert "There is no such page" in answer.text
