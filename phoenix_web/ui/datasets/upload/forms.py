"""What the form of an upload takes, apart from the columns of its file."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, field_validator

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.ui.forms import Form, fault, storable


class UploadForm(Form):
    """Which dataset a file goes to, and how."""

    # Not trimmed: a dataset may have a name with a space at its end, and is found by it.
    name: Annotated[str, AfterValidator(storable)] = ""
    description: Annotated[str, AfterValidator(storable)] = ""
    action: str = UploadAction.CREATE

    @field_validator("name")
    @classmethod
    def _given(cls, value: str) -> str:
        if not value.strip():
            raise fault("Enter a name for the dataset.")
        return value

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in set(UploadAction):
            raise fault("Choose what to do with the file.")
        return value

    def api_fields(self) -> dict[str, list[str]]:
        """Return the same as fields of the API's form."""
        return {name: [text] for name, text in self.model_dump().items()}
