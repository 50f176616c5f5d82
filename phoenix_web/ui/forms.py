"""Forms: their fields, validation, and the faults that pages show beside the fields.

A form that only one page shows is defined in the module of that page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Generic, TypeVar, cast

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from phoenix_web.auth import account_rules
from phoenix_web.errors import Invalid, TooLong, Unstorable
from phoenix_web.text import storage_fault

#: The fault of a username that another user has.
NAME_TAKEN: Final = "This name is already taken. Enter another one."
#: Fields that pages never show again. Neither do they show any field named `*password*`.
_SECRET: Final = frozenset({"form_token", "challenge", "draft", "code"})
_UNSTORABLE: Final = "Remove the invisible character U+0000."

#: Returns the fault of a new password, or None if it is acceptable.
Judge = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Context:
    """Values that validators need besides the text of their field."""

    typed: Mapping[str, str]
    judge: Judge


def _context(info: ValidationInfo) -> _Context:
    return cast("_Context", info.context)


def fault(text: str) -> PydanticCustomError:
    """Return the validation error with the sentence *text*."""
    return PydanticCustomError("form", "{text}", {"text": text})


def storable(text: str) -> str:
    """Return *text*; raise a fault if no database can store it."""
    if storage_fault(text):
        raise fault(_UNSTORABLE)
    return text


def trimmed(text: str) -> str:
    """Return *text* trimmed; raise a fault if no database can store it."""
    return storable(text).strip()


def checked(rule: Callable[[str], str], wrong: str = "") -> AfterValidator:
    """Return *rule* of `auth.account_rules` as a validator with sentences for pages.

    *wrong* is the sentence for a text that is neither too long nor unstorable.
    """

    def check(text: str) -> str:
        try:
            return rule(text)
        except TooLong as error:
            raise fault(f"Use at most {error.limit} characters.") from None
        except Unstorable:
            raise fault(_UNSTORABLE) from None
        except Invalid:
            raise fault(wrong) from None

    return AfterValidator(check)


def required(wrong: str) -> AfterValidator:
    """Return a validator with the sentence *wrong* for a blank text."""

    def check(text: str) -> str:
        if not text.strip():
            raise fault(wrong)
        return text

    return AfterValidator(check)


def _password(text: str) -> str:
    # Not `required`: a password may consist of spaces.
    if not text:
        raise fault("Enter your password.")
    return text


def _new_password(text: str, info: ValidationInfo) -> str:
    if not text:
        raise fault("Enter a new password.")
    if (reason := _context(info).judge(text)) is not None:
        raise fault(reason)
    return text


def _again(text: str, info: ValidationInfo) -> str:
    # Compared with the typed text, because a new password with a fault is not in `info.data`.
    if text != _context(info).typed.get("new_password", ""):
        raise fault("The new passwords don't match.")
    return text


Email = Annotated[
    str,
    checked(account_rules.email, "Enter a valid e-mail address, for example name@example.com."),
]
Password = Annotated[str, AfterValidator(_password)]
NewPassword = Annotated[str, AfterValidator(_new_password)]
NewPasswordAgain = Annotated[str, AfterValidator(_again)]


class Form(BaseModel):
    """A submitted form; a missing field is empty, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)


class CurrentPasswordForm(Form):
    """The current password, which the user enters again to confirm a change."""

    current_password: Password = ""


class CodeForm(Form):
    """A code of the authenticator app, or a recovery code."""

    code: Annotated[str, AfterValidator(trimmed), required("Enter the code.")] = ""


class NameForm(Form):
    """A username."""

    username: Annotated[str, checked(account_rules.username, "Enter a name.")] = ""


FormT = TypeVar("FormT", bound=Form)


@dataclass(frozen=True, slots=True)
class Submission(Generic[FormT]):
    """A form with the values and faults that the page shows again."""

    #: The values of the fields, without passwords.
    values: dict[str, str] = field(default_factory=dict)
    #: The first fault of each wrong field, in the order of the fields.
    faults: dict[str, str] = field(default_factory=dict)
    #: The form, if it has no fault.
    form: FormT | None = None

    @property
    def first_fault(self) -> str | None:
        """Return the name of the first field with a fault, which gets the focus."""
        return next(iter(self.faults), None)

    def refused(self, name: str, text: str) -> Submission[FormT]:
        """Return this submission with the fault *text* of the field *name*."""
        return Submission(self.values, {**self.faults, name: text})


def submitted(model: type[FormT], judge: Judge = lambda _: None) -> Submission[FormT]:
    """Validate the form of this request as *model*; *judge* finds the fault of a new password."""
    typed = request.form.to_dict()
    values = {
        name: text for name, text in typed.items() if "password" not in name and name not in _SECRET
    }
    try:
        return Submission(values, form=model.model_validate(typed, context=_Context(typed, judge)))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for detail in error.errors():
            faults.setdefault(str(detail["loc"][0]), detail["msg"])
        return Submission(values, faults)
