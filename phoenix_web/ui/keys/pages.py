"""The page of keys, shared by user keys and system keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from flask import make_response, request
from pydantic import AfterValidator, ValidationInfo, field_validator

from phoenix_web.auth import account_rules
from phoenix_web.auth.credentials.issuer import IssuedKey, issue_key, revoke_key
from phoenix_web.errors import FormAlreadyUsed, Invalid, NotFound
from phoenix_web.global_ids import MAX_ID, parse_row_id
from phoenix_web.store.accounts.keys import KeyInfo, KeyStore
from phoenix_web.ui import form_tokens, forms, htmx, links
from phoenix_web.ui.keys.snippets import snippets
from phoenix_web.web.guard import current_actor, current_principal
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.store.accounts.users import UserInfo

#: A key is marked as expiring this long before it expires.
_SOON: Final = timedelta(days=7)
_DEFAULT_EXPIRY: Final = "90"
#: The presets of the expiry field, in days.
_EXPIRY_DAYS: Final = {"7": 7, "30": 30, "90": 90, "365": 365}
_ON_A_DATE: Final = "date"
_NEVER: Final = "never"
#: The path to revoke a key. The converter rejects numbers that exceed an id column.
REVOKE_PATH: Final = f"/<int(max={MAX_ID}):key_id>/revoke"


class KeyForm(forms.Form):
    """A key to create."""

    #: The hidden token that lets a form create only one key.
    form_token: str = ""
    name: Annotated[str, forms.checked(account_rules.key_name, "Enter a name for the key.")] = ""
    description: Annotated[
        str, AfterValidator(forms.trimmed), forms.checked(account_rules.key_description)
    ] = ""
    expiry: str = ""
    expires_on: str = ""

    @field_validator("expiry")
    @classmethod
    def _check_expiry(cls, value: str) -> str:
        if value not in {*_EXPIRY_DAYS, _ON_A_DATE, _NEVER}:
            raise forms.fault("Choose when the key expires.")
        return value

    @field_validator("expires_on")
    @classmethod
    def _check_date(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("expiry") != _ON_A_DATE:
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise forms.fault(
                "Enter a date in the format YYYY-MM-DD, for example 2030-12-31."
            ) from None
        try:
            account_rules.key_expiry(_end_of(day))
        except Invalid:
            raise forms.fault("Choose today or a later date.") from None
        return value

    @property
    def expires_at(self) -> datetime | None:
        """Return when the key expires, or None; a chosen date ends with its last second in UTC."""
        if self.expiry == _NEVER:
            return None
        if self.expiry == _ON_A_DATE:
            return _end_of(date.fromisoformat(self.expires_on))
        return datetime.now(UTC) + timedelta(days=_EXPIRY_DAYS[self.expiry])


def _end_of(day: date) -> datetime:
    """Return the last second of *day*, in UTC."""
    return datetime.combine(day, time(23, 59, 59, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as a row of the list."""

    key: KeyInfo
    status: str
    #: Whether the page opens the dialog that confirms revocation.
    is_dialog_open: bool


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A page of keys; `name` is its blueprint and its template."""

    name: str

    def show(self, owner: UserInfo) -> Response:
        """Show the keys of *owner* and the form for a new one."""
        revoked = None
        key_id = parse_row_id(request.args.get("revoked"))
        if key_id is not None:
            with services().database.reading() as session:
                revoked = KeyStore(session).find_revoked(key_id, owner.id)
        return self._page(owner, _blank(), revoked=revoked)

    def create(self, owner: UserInfo) -> Response:
        """Create a key and show its text once."""
        submission = forms.submitted(KeyForm)
        form = submission.form
        if form is None:
            return self._page(owner, submission, HTTPStatus.UNPROCESSABLE_ENTITY)
        nonce = form_tokens.nonce_of(form.form_token, current_principal().user_id)
        if nonce is None:
            problem = "This form has expired, so no key was created. Submit it again."
            return self._page(owner, submission, HTTPStatus.UNPROCESSABLE_ENTITY, problem=problem)
        try:
            with services().database.transaction() as session:
                issued = issue_key(
                    session,
                    owner,
                    form.name,
                    actor=current_actor(),
                    description=form.description,
                    expires_at=form.expires_at,
                    form_nonce=nonce,
                )
        except FormAlreadyUsed:
            problem = (
                "This form has already created its key. A key is shown only once. If you did not "
                "save it, revoke it and create another one."
            )
            return self._page(owner, _blank(), HTTPStatus.CONFLICT, problem=problem)
        return self._page(owner, _blank(), issued=issued)

    def revoke(self, owner: UserInfo, key_id: int) -> Response:
        """Revoke a key of *owner*; raise `NotFound` if *owner* has no such key."""
        with services().database.transaction() as session:
            key = KeyStore(session).find_owned(key_id, owner.id)
            if key is None:
                raise NotFound("This key does not exist. It may already have been revoked.")
            revoke_key(session, key, actor=current_actor())
        if htmx.is_htmx():
            return self._page(owner, _blank(), revoked=key)
        return htmx.redirect(links.url_for(f"ui.{self.name}.index", revoked=key.id))

    def _page(  # noqa: PLR0913 - one argument for each part of the page
        self,
        owner: UserInfo,
        submission: forms.Submission[KeyForm],
        status: HTTPStatus = HTTPStatus.OK,
        *,
        issued: IssuedKey | None = None,
        revoked: KeyInfo | None = None,
        problem: str | None = None,
    ) -> Response:
        open_id = parse_row_id(request.args.get("revoke"))
        with services().database.reading() as session:
            keys = KeyStore(session).list_for(owner.id, with_expired=True)
        url = links.server_url()
        context: dict[str, Any] = {
            "kind": self.name,
            "rows": [KeyRow(key, _status(key), key.id == open_id) for key in keys],
            "form": submission,
            "form_token": form_tokens.issue(current_principal().user_id),
            "issued": issued,
            "revoked": revoked,
            "problem": problem,
            "snippets": snippets(url, issued.text) if issued else snippets(url),
        }
        body = htmx.render(f"settings/keys/{self.name}.html", "settings/keys/_keys.html", **context)
        return make_response(body, status)


def _blank() -> forms.Submission[KeyForm]:
    return forms.Submission({"expiry": _DEFAULT_EXPIRY})


def _status(key: KeyInfo) -> str:
    if key.is_expired:
        return "expired"
    is_soon = key.expires_at is not None and key.expires_at - datetime.now(UTC) < _SOON
    return "expiring" if is_soon else "active"
