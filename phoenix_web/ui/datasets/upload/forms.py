"""What the form of an upload takes, apart from the columns of its file."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, field_validator
from pydantic_core import PydanticCustomError

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.ui.forms import Form


def _storable(text: str) -> str:
    if "\x00" in text:  # PostgreSQL's text cannot hold it.
        raise PydanticCustomError("form", "Remove the invisible character U+0000.")
    return text


class UploadForm(Form):
    """Which dataset a file goes to, and how."""

    # Not trimmed: a dataset may have a name with a space at its end, and is found by it.
    name: Annotated[str, AfterValidator(_storable)] = ""
    description: Annotated[str, AfterValidator(_storable)] = ""
    action: str = UploadAction.CREATE

    @field_validator("name")
    @classmethod
    def _given(cls, value: str) -> str:
        if not value.strip():
            raise PydanticCustomError("form", "Enter a name for the dataset.")
        return value

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in set(UploadAction):
            raise PydanticCustomError("form", "Choose what to do with the file.")
        return value

    def api_fields(self) -> dict[str, list[str]]:
        """Return the same as fields of the API's form."""
        return {name: [text] for name, text in self.model_dump().items()}
