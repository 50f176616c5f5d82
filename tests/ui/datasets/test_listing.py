"""The list of datasets."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.ui.datasets.uploads import GREETINGS, label, upload
from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn


def names(page: str) -> list[str]:
    """Return the datasets on a page of the list, in order."""
    return re.findall(r'class="title" href="[^"]+">([^<]*)<', page)


def test_an_empty_list_says_how_to_fill_it(app: Flask, member: SignedIn, viewer: SignedIn) -> None:
    page = visitor(app, member).get("/datasets").text

    assert "No datasets yet" in page
    assert "client.datasets.create_dataset(" in page
    assert 'base_url="http://localhost"' in unescape(page)
    assert 'href="/datasets/upload"' in page
    shown_to_viewer = visitor(app, viewer).get("/datasets").text
    assert "No datasets yet" in shown_to_viewer
    assert "/datasets/upload" not in shown_to_viewer


def test_datasets_are_listed_with_their_examples(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    upload(client, member, "<b>greetings</b>", description="what <i>people</i> say", **GREETINGS)

    page = visitor(app, viewer).get("/datasets").text

    assert names(page) == ["&lt;b&gt;greetings&lt;/b&gt;"]
    assert "what &lt;i&gt;people&lt;/i&gt; say" in page
    assert '<td class="number" data-label="Examples">2</td>' in page
    assert 'Datasets <span class="count">1</span>' in page
    assert "Upload file" not in page


def test_labels_stand_at_their_datasets(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    dataset_id, _ = upload(client, member, "greetings")
    label(client, member, dataset_id, "gold & silver", "#ffd700")
    browser = visitor(app, viewer)

    for path in ("/datasets", f"/datasets/{dataset_id}"):
        page = browser.get(path).text
        assert "gold &amp; silver" in page
        assert 'fill="#ffd700"' in page


@pytest.mark.parametrize(("sort", "ends"), [("newest", ("25", "00")), ("name", ("00", "25"))])
def test_pages_follow_each_other_to_the_end(
    app: Flask, client: FlaskClient, member: SignedIn, sort: str, ends: tuple[str, str]
) -> None:
    for number in range(26):
        upload(client, member, f"{'SET' if number % 2 else 'set'} {number:02}")
    upload(client, member, "another")
    browser = visitor(app, member)

    start = browser.get(f"/datasets?name=set&sort={sort}").text
    end = browser.get(found(r'href="(/datasets\?cursor=[^"]+)">Next', start)).text

    assert len(names(start)) == 25
    assert (names(start)[0][-2:], *(name[-2:] for name in names(end))) == ends
    assert "Next page" not in end
    back = browser.get(found(r'href="([^"]+)">First page', end)).text
    assert names(back) == names(start)


@pytest.mark.parametrize(
    ("part", "hits"),
    [
        ("only", ["one &amp; only"]),
        ("ONE & ", ["one &amp; only"]),
        ("100%", ["100% sure"]),
        ("0_", ["100_000"]),
        ("%", ["100% sure"]),
        ("/", []),
        ("\\", []),
        ("  100_  ", ["100_000"]),
        ("\x00", ["100_000", "100% sure", "one &amp; only"]),
    ],
)
def test_a_part_of_the_name_finds_datasets(
    app: Flask, client: FlaskClient, member: SignedIn, part: str, hits: list[str]
) -> None:
    for name in ("one & only", "100% sure", "100_000"):
        upload(client, member, name)

    page = visitor(app, member).client.get("/datasets", query_string={"name": part}).text

    assert names(page) == hits
    assert ("No datasets match" in page) is not bool(hits)


def test_a_search_of_any_length_is_answered(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    upload(client, member, "greetings")
    browser = visitor(app, member)

    assert names(browser.get("/datasets?name=" + "%25" * 20_000).text) == []
    miss = browser.get("/datasets?name=%3Cb%3Enobody").text
    assert "No datasets match “&lt;b&gt;nobody”" in miss


def test_the_api_still_takes_whole_names_only(client: FlaskClient, member: SignedIn) -> None:
    upload(client, member, "greetings")

    for name, count in (("greetings", 1), ("greet", 0), ("GREETINGS", 0)):
        answer = client.get(f"/v1/datasets?name={name}", headers=member.headers)
        assert len(answer.get_json()["data"]) == count


def test_a_cursor_of_nobodys_is_a_page_that_says_so(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    for cursor in ("x", "VXNlcjox", "RGF0YXNldDo5OTk5OTk5OTk5OTk5OTk5OTk5OTk="):
        answer = browser.get(f"/datasets?cursor={cursor}")
        assert answer.status_code == 404
        assert "This page of datasets does not exist" in answer.text


def test_without_authentication_everybody_may_upload(make_app: MakeApp) -> None:
    page = visitor(make_app(enable_auth=False)).get("/datasets").text

    assert "/datasets/upload" in page
    assert "/settings/keys" not in found(r"(?s)<article(.+)</article>", page)
