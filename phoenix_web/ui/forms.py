"""What each form takes: one model for each, and all its faults at once, by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Generic, TypeVar, cast

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from phoenix_web.addresses import is_email_address
from phoenix_web.auth.credentials.issuer import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH

#: The presets of a key's life: the value of the field, and how many days that is.
EXPIRY_DAYS: Final = {"7": 7, "30": 30, "90": 90, "365": 365}
ON_A_DATE: Final = "date"
NEVER: Final = "never"
#: What no page shows again although it was typed or sent, beside passwords.
_SECRET: Final = frozenset({"form_token", "challenge", "draft", "code"})

#: Returns why a password is not acceptable, or None.
Judge = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Context:
    """What a field may look at beside its own text."""

    typed: Mapping[str, str]
    judge: Judge


def _context(info: ValidationInfo) -> _Context:
    return cast("_Context", info.context)


def _fault(text: str) -> PydanticCustomError:
    return PydanticCustomError("form", "{text}", {"text": text})


def storable(text: str) -> str:
    """Return *text* trimmed; raise a fault when no database could store it."""
    if "\x00" in text:  # PostgreSQL's text cannot hold it.
        raise _fault("Remove the invisible character U+0000.")
    return text.strip()


def _name(text: str) -> str:
    if not text:
        raise _fault("Enter a name for the key.")
    if len(text) > MAX_NAME_LENGTH:
        raise _fault(f"Use at most {MAX_NAME_LENGTH} characters.")
    return text


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise _fault(f"Use at most {MAX_DESCRIPTION_LENGTH} characters.")
    return text


def _email(text: str) -> str:
    if not text.strip():
        raise _fault("Enter your e-mail address.")
    return text


def _address(text: str) -> str:
    if not is_email_address(text.strip()):
        raise _fault("Enter a valid e-mail address, for example name@example.com.")
    return text


def _password(text: str) -> str:
    if not text:
        raise _fault("Enter your password.")
    return text


def _new_password(text: str, info: ValidationInfo) -> str:
    if not text:
        raise _fault("Enter a new password.")
    if (reason := _context(info).judge(text)) is not None:
        raise _fault(reason)
    return text


def _again(text: str, info: ValidationInfo) -> str:
    # As it was typed: also beside a new password that has a fault of its own.
    if text != _context(info).typed.get("new_password", ""):
        raise _fault("The new passwords don't match.")
    return text


class Form(BaseModel):
    """A submitted form; a field that is missing is an empty one, and unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)


class LoginForm(Form):
    """Who signs in."""

    email: Annotated[str, AfterValidator(_email)] = ""
    password: Annotated[str, AfterValidator(_password)] = ""


class PasswordForm(Form):
    """A change of the password."""

    current_password: Annotated[str, AfterValidator(_password)] = ""
    new_password: Annotated[str, AfterValidator(_new_password)] = ""
    new_password_again: Annotated[str, AfterValidator(_again)] = ""

    @field_validator("new_password")
    @classmethod
    def _another(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("current_password"):
            raise _fault("Choose a password that differs from your current one.")
        return value


class ForgottenForm(Form):
    """Who has lost their password."""

    email: Annotated[str, AfterValidator(_email), AfterValidator(_address)] = ""


class PasswordLinkForm(Form):
    """A password that is chosen by a one-time link, whose text is *token*."""

    token: str = ""
    new_password: Annotated[str, AfterValidator(_new_password)] = ""
    new_password_again: Annotated[str, AfterValidator(_again)] = ""


class KeyForm(Form):
    """A key to create."""

    #: The hidden token by which one form makes one key.
    form_token: str = ""
    name: Annotated[str, AfterValidator(storable), AfterValidator(_name)] = ""
    description: Annotated[str, AfterValidator(storable), AfterValidator(_description)] = ""
    expiry: str = ""
    expires_on: str = ""

    @field_validator("expiry")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in {*EXPIRY_DAYS, ON_A_DATE, NEVER}:
            raise _fault("Choose when the key expires.")
        return value

    @field_validator("expires_on")
    @classmethod
    def _to_come(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("expiry") != ON_A_DATE:
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise _fault("Enter a date in the format YYYY-MM-DD, for example 2030-12-31.") from None
        if day < datetime.now(UTC).date():
            raise _fault("Choose today or a later date.")
        return value

    @property
    def expires_at(self) -> datetime | None:
        """Return when the key ends: with the last second of a chosen day, in UTC."""
        if self.expiry == NEVER:
            return None
        if self.expiry == ON_A_DATE:
            return datetime.combine(
                date.fromisoformat(self.expires_on), time(23, 59, 59, tzinfo=UTC)
            )
        return datetime.now(UTC) + timedelta(days=EXPIRY_DAYS[self.expiry])


FormT = TypeVar("FormT", bound=Form)


@dataclass(frozen=True, slots=True)
class Submission(Generic[FormT]):
    """A form as it goes back to the page: what was typed, and what is wrong with it."""

    #: What the fields show; no password is ever among it.
    values: dict[str, str] = field(default_factory=dict)
    #: The first fault of each wrong field, in the order of the fields.
    faults: dict[str, str] = field(default_factory=dict)
    #: The form, when it has no fault.
    form: FormT | None = None

    @property
    def first_fault(self) -> str | None:
        """Return the field that gets the focus: the first wrong one."""
        return next(iter(self.faults), None)

    def refused(self, name: str, text: str) -> Submission[FormT]:
        """Return the same submission with a fault of the field *name*."""
        return Submission(self.values, {**self.faults, name: text})


def submitted(model: type[FormT], judge: Judge = lambda _: None) -> Submission[FormT]:
    """Return the form of this request as *model*, with every fault.

    By *judge* it finds those of a new password.
    """
    typed = request.form.to_dict()
    values = {
        name: text for name, text in typed.items() if "password" not in name and name not in _SECRET
    }
    try:
        return Submission(values, form=model.model_validate(typed, context=_Context(typed, judge)))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for fault in error.errors():
            faults.setdefault(str(fault["loc"][0]), fault["msg"])
        return Submission(values, faults)
