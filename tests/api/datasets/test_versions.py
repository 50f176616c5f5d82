"""`/v1/datasets/{id}/versions`, and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from phoenix_web.global_ids import encode
from tests.support.calls import upload_dataset

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

UNKNOWN = encode("Dataset", 999999)
VERSION = encode("DatasetVersion", 1)


def versions(
    client: FlaskClient, caller: SignedIn, dataset_id: str, query: str = ""
) -> TestResponse:
    return client.get(f"/v1/datasets/{dataset_id}/versions{query}", headers=caller.headers)


def test_versions_come_newest_first_page_by_page(client: FlaskClient, member: SignedIn) -> None:
    made = [upload_dataset(client, member, inputs=[{"n": number}]) for number in range(5)]
    dataset_id = made[0]["dataset_id"]

    seen: list[str] = []
    query = "?limit=2"
    while query:
        page = versions(client, member, dataset_id, query).get_json()
        seen += [version["version_id"] for version in page["data"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert seen == [upload["version_id"] for upload in made][::-1]
    [version] = versions(client, member, dataset_id, "?limit=1").get_json()["data"]
    assert list(version) == ["version_id", "description", "metadata", "created_at"]
    assert (version["description"], version["metadata"]) == (None, {})
    assert version["created_at"].endswith("+00:00")


def test_a_cursor_of_another_dataset_gives_an_empty_page(
    client: FlaskClient, member: SignedIn
) -> None:
    first = upload_dataset(client, member)
    second = upload_dataset(client, member, name="other")

    page = versions(client, member, first["dataset_id"], f"?cursor={second['version_id']}")

    assert page.get_json() == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("dataset_id", "query", "status", "text"),
    [
        ("zzz", "", 422, "Invalid Dataset ID: zzz"),
        (
            encode("DatasetVersion", 1),
            "",
            422,
            f"Invalid Dataset ID: {encode('DatasetVersion', 1)}",
        ),
        ("zzz", "?cursor=bad", 422, "Invalid Dataset ID: zzz"),
        (UNKNOWN, "?cursor=bad", 422, "Invalid cursor format: bad"),
        (UNKNOWN, f"?cursor={UNKNOWN}", 422, f"Invalid cursor format: {UNKNOWN}"),
        (UNKNOWN, "", 404, "Dataset does not exist"),
    ],
)
def test_what_names_no_dataset_or_page_is_refused(  # noqa: PLR0913, PLR0917 - the columns of the table
    client: FlaskClient, member: SignedIn, dataset_id: str, query: str, status: int, text: str
) -> None:
    refused = versions(client, member, dataset_id, query)

    assert (refused.status_code, refused.text) == (status, text)


def test_a_deleted_dataset_is_gone_on_every_route_and_its_name_is_free(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload_dataset(client, member, splits=["train"])
    path = f"/v1/datasets/{made['dataset_id']}"

    deleted = client.delete(path, headers=member.headers)
    again = client.delete(path, headers=member.headers)

    assert (deleted.status_code, deleted.data) == (204, b"")
    assert (again.status_code, again.text) == (404, "Dataset does not exist")
    for part in ("", "/versions", "/examples", "/csv", "/jsonl", "/splits", "/labels"):
        assert client.get(path + part, headers=member.headers).status_code == 404
    assert upload_dataset(client, member)["dataset_id"] != made["dataset_id"]


@pytest.mark.parametrize(
    ("dataset_id", "status", "text"),
    [
        ("zzz", 422, "Invalid Dataset ID: zzz"),
        (encode("DatasetSplit", 1), 422, f"Invalid Dataset ID: {encode('DatasetSplit', 1)}"),
        (UNKNOWN, 404, "Dataset does not exist"),
    ],
)
def test_deleting_what_is_not_there_is_refused(
    client: FlaskClient, member: SignedIn, dataset_id: str, status: int, text: str
) -> None:
    refused = client.delete(f"/v1/datasets/{dataset_id}", headers=member.headers)

    assert (refused.status_code, refused.text) == (status, text)


def test_a_viewer_reads_versions_and_deletes_nothing(
    client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    made = upload_dataset(client, member)

    refused = client.delete("/v1/datasets/bad", headers=viewer.headers)

    assert (refused.status_code, refused.text) == (403, "Viewers cannot perform this action.")
    assert versions(client, viewer, made["dataset_id"]).status_code == 200
