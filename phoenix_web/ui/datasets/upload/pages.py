"""Pages for the two steps of an upload: send a file, then choose the roles of its columns.

The first form contains only the file, because browsers drop the file when a form is shown again
with an error. The second form contains all other fields and can be corrected and sent again.
"""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from pathlib import PurePath
from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, render_template, request

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.errors import DatasetNameTaken, Invalid, PayloadTooLarge
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.uploads.uploads import UploadStore
from phoenix_web.ui import forms, htmx, links
from phoenix_web.ui.datasets.upload import column_roles, file_reading
from phoenix_web.ui.datasets.upload.forms import UploadForm
from phoenix_web.ui.datasets.upload.staging import FORMATS, StagedFile, Staging
from phoenix_web.web import multipart
from phoenix_web.web.guard import current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import Upload
    from phoenix_web.store.datasets.uploads.uploads import UploadResult

routes = Blueprint("uploads", __name__, url_prefix="/upload")


@routes.get("")
@requires(Permission.DATASET_WRITE)
def choose() -> Response:
    """Show the form for a file."""
    return _file_page("The uploaded file has expired. Upload it again." if _is_gone() else None)


@routes.post("")
@requires(Permission.DATASET_WRITE)
def receive() -> Response:
    """Store the file and redirect to the second step, or show the fault in the file."""
    request.max_content_length = services().upload_limits.max_bytes
    content_type = request.headers.get("Content-Type", "")
    with closing(multipart.read(request.stream, content_type)) as form:
        file = form.file
        if file is None:
            return _file_page("Choose a file.", HTTPStatus.UNPROCESSABLE_ENTITY)
        name = PurePath(file.name)
        kind = FORMATS.get(name.suffix.lower())
        if kind is None:
            fault = f"“{name.name}” is not a CSV (.csv) or JSON Lines (.jsonl) file."
            return _file_page(fault, HTTPStatus.UNPROCESSABLE_ENTITY)
        staged = _staging().add(file.stream, kind)
    try:
        file_reading.preview(staged, services().upload_limits)
    except (Invalid, PayloadTooLarge) as error:
        staged.discard()
        return _file_page(error.message, error.status)
    return htmx.redirect(
        links.url_for(
            "ui.datasets.uploads.arrange",
            token=staged.token,
            name=request.args.get("name") or name.stem,
            action=request.args.get("action"),
        )
    )


@routes.get("/<token>")
@requires(Permission.DATASET_WRITE)
def arrange(token: str) -> Response:
    """Show a preview of the file and the form for the roles of its columns."""
    staged = _staging().find(token)
    if staged is None:
        return _start_again()
    preview = file_reading.preview(staged, services().upload_limits)
    action = request.args.get("action", "")
    values = {
        "name": request.args.get("name", ""),
        "action": action if action in set(UploadAction) else UploadAction.CREATE,
    }
    roles = column_roles.guess(preview.names)
    return _columns_page(staged, preview, forms.Submission(values), roles)


@routes.post("/<token>")
@requires(Permission.DATASET_WRITE)
def store(token: str) -> Response:
    """Store the examples and redirect to the dataset, or show the form with its faults."""
    staged = _staging().find(token)
    if staged is None:
        return _start_again()
    preview = file_reading.preview(staged, services().upload_limits)
    roles = column_roles.read_roles(request.form, preview.names)
    submission = forms.submitted(UploadForm)
    if fault := column_roles.find_fault(roles):
        submission = submission.refused(column_roles.field_name(fault[0]), fault[1])
    form = submission.form
    if form is None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _columns_page(staged, preview, submission, roles, status)
    try:
        chosen = column_roles.form_fields(preview.names, roles, preview.spread)
        upload = file_reading.read(staged, form.api_fields(), chosen, services().upload_limits)
        with closing(upload.examples):
            result = _store(upload)
    except DatasetNameTaken as error:
        refused = submission.refused("name", error.message)
        return _columns_page(staged, preview, refused, roles, error.status)
    except (Invalid, PayloadTooLarge) as error:
        return _columns_page(
            staged, preview, submission, roles, error.status, problem=error.message
        )
    staged.discard()
    return htmx.redirect(
        links.url_for(
            "ui.datasets.dataset.show",
            dataset_id=encode("Dataset", result.dataset_id),
            created=result.created,
            updated=result.updated,
            deleted=result.deleted,
        )
    )


def _store(upload: Upload) -> UploadResult:
    user = current_principal().user
    with services().database.transaction() as session:
        return UploadStore(session, user.id if user else None).store(upload)


def _staging() -> Staging:
    user = current_principal().user
    working_dir = services().settings.working_dir.expanduser()
    return Staging(working_dir, user.id if user else None)


@routes.errorhandler(FileNotFoundError)
def _start_again(_error: FileNotFoundError | None = None) -> Response:
    # A request also gets here when a second submission deletes the file while it is read.
    return htmx.redirect(links.url_for("ui.datasets.uploads.choose", gone="yes"))


def _is_gone() -> bool:
    return "gone" in request.args


def _file_page(fault: str | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    query = {name: request.args.get(name) for name in ("name", "action")}
    body = render_template(
        "datasets/upload.html",
        fault=fault,
        here=links.url_for("ui.datasets.uploads.receive", **query),
        max_bytes=services().upload_limits.max_bytes,
        ends=",".join(FORMATS),
    )
    return make_response(body, status)


def _columns_page(  # noqa: PLR0913 - the page shows each of them
    staged: StagedFile,
    preview: file_reading.Preview,
    submission: forms.Submission[UploadForm],
    roles: list[column_roles.ColumnRole],
    status: HTTPStatus = HTTPStatus.OK,
    *,
    problem: str | None = None,
) -> Response:
    body = render_template(
        "datasets/columns.html",
        here=links.url_for("ui.datasets.uploads.store", token=staged.token),
        form=submission,
        problem=problem,
        columns=[
            (column_roles.field_name(position), name, role, [row[position] for row in preview.rows])
            for position, (name, role) in enumerate(zip(preview.names, roles, strict=True))
        ],
        row_count=len(preview.rows),
    )
    return make_response(body, status)
