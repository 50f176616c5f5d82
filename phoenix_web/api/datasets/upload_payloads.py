"""What the upload of a dataset reads and answers, as the description of the API tells it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from phoenix_web.api.payloads import Payload
from phoenix_web.datasets.examples import UploadAction
from phoenix_web.datasets.file_upload import ARROW, CSV, JSONL


class UploadDatasetQuery(Payload):
    """Whether to wait for the result, which this server always does."""

    sync: bool = False


class UploadDatasetRequestBody(Payload):
    """A dataset with its examples; `json_upload` says what is refused, and with which text."""

    name: str
    description: str | None = None
    action: str | None = UploadAction.CREATE
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]] | None = None
    metadata: list[dict[str, Any]] | None = None
    splits: list[str | list[str | None] | None] | None = None
    span_ids: list[str | None] | None = None
    example_ids: list[str | None] | None = None


class UploadDatasetForm(Payload):
    """A dataset as a file of examples, with the columns that make them; see `file_upload`."""

    name: str
    description: str = Field("", description="By default the name of the file")
    action: UploadAction = UploadAction.CREATE
    input_keys: list[str] = Field([], alias="input_keys[]")
    output_keys: list[str] = Field([], alias="output_keys[]")
    metadata_keys: list[str] = Field([], alias="metadata_keys[]")
    split_key: str = Field("", description="The column with the names of all splits")
    split_keys: list[str] = Field(
        [], alias="split_keys[]", description="Columns with one split each, not with split_key"
    )
    span_id_key: str = ""
    example_id_key: str = ""
    flatten_keys: list[str] = Field(
        [], alias="flatten_keys[]", description="Columns whose objects are spread (CSV, JSONL)"
    )
    file: bytes = Field(
        description=(
            f"A file of the type {CSV}, {JSONL} or {ARROW}, as its own Content-Type says; the "
            "first two may come with the Content-Encoding gzip or deflate"
        )
    )


class UploadDatasetData(Payload):
    """What the upload did."""

    dataset_id: str
    version_id: str
    num_created_examples: int
    num_updated_examples: int
    num_deleted_examples: int


class UploadDatasetResponseBody(Payload):
    """What the upload did."""

    data: UploadDatasetData
