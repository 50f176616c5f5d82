"""Form of an upload, without the roles of columns."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, field_validator

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.ui.forms import Form, fault, storable


class UploadForm(Form):
    """The dataset for an uploaded file and the action."""

    # Not trimmed, because the name of an existing dataset may end in a space.
    name: Annotated[str, AfterValidator(storable)] = ""
    description: Annotated[str, AfterValidator(storable)] = ""
    action: str = UploadAction.CREATE

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not value.strip():
            raise fault("Enter a name for the dataset.")
        return value

    @field_validator("action")
    @classmethod
    def _check_action(cls, value: str) -> str:
        if value not in set(UploadAction):
            raise fault("Choose what to do with the file.")
        return value

    def api_fields(self) -> dict[str, list[str]]:
        """Return the values as form fields of the API."""
        return {name: [text] for name, text in self.model_dump().items()}
