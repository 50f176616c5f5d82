"""What the two pages of keys share: one's own, and those of the system."""

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

#: From so long before its end a key is marked, so that nobody is taken by surprise.
_SOON: Final = timedelta(days=7)
_DEFAULT_EXPIRY: Final = "90"
#: The presets of a key's life: the value of the field, and how many days that is.
_EXPIRY_DAYS: Final = {"7": 7, "30": 30, "90": 90, "365": 365}
_ON_A_DATE: Final = "date"
_NEVER: Final = "never"
#: Where a key of the page is revoked; a number that fits no id column is no address.
REVOKE_PATH: Final = f"/<int(max={MAX_ID}):key_id>/revoke"


class KeyForm(forms.Form):
    """A key to create."""

    #: The hidden token by which one form makes one key.
    form_token: str = ""
    name: Annotated[str, forms.checked(account_rules.key_name, "Enter a name for the key.")] = ""
    description: Annotated[
        str, AfterValidator(forms.trimmed), forms.checked(account_rules.key_description)
    ] = ""
    expiry: str = ""
    expires_on: str = ""

    @field_validator("expiry")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in {*_EXPIRY_DAYS, _ON_A_DATE, _NEVER}:
            raise forms.fault("Choose when the key expires.")
        return value

    @field_validator("expires_on")
    @classmethod
    def _to_come(cls, value: str, info: ValidationInfo) -> str:
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
        """Return when the key ends: with the last second of a chosen day, in UTC."""
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
    #: Whether the question "revoke it?" stands open when the page arrives.
    is_asked: bool


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One of the two pages; `name` is its blueprint and its template."""

    name: str

    def show(self, owner: UserInfo) -> Response:
        """Answer the list of *owner*'s keys and the form for another one."""
        revoked = None
        key_id = parse_row_id(request.args.get("revoked"))
        if key_id is not None:
            with services().database.reading() as session:
                revoked = KeyStore(session).find_revoked(key_id, owner.id)
        return self._page(owner, _blank(), revoked=revoked)

    def create(self, owner: UserInfo) -> Response:
        """Make a key and answer the page with its text, this once."""
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
        """Revoke one of *owner*'s keys; raise `NotFound` when there is no such key."""
        with services().database.transaction() as session:
            key = KeyStore(session).find_owned(key_id, owner.id)
            if key is None:
                raise NotFound("This key does not exist. It may already have been revoked.")
            revoke_key(session, key, actor=current_actor())
        if htmx.is_htmx():
            return self._page(owner, _blank(), revoked=key)
        return htmx.redirect(links.url_for(f"ui.{self.name}.index", revoked=key.id))

    def _page(  # noqa: PLR0913 - each is one thing that the page may have to tell
        self,
        owner: UserInfo,
        submission: forms.Submission[KeyForm],
        status: HTTPStatus = HTTPStatus.OK,
        *,
        issued: IssuedKey | None = None,
        revoked: KeyInfo | None = None,
        problem: str | None = None,
    ) -> Response:
        asked = parse_row_id(request.args.get("revoke"))
        with services().database.reading() as session:
            keys = KeyStore(session).list_for(owner.id, with_expired=True)
        url = links.server_url()
        context: dict[str, Any] = {
            "kind": self.name,
            "rows": [KeyRow(key, _status(key), key.id == asked) for key in keys],
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
