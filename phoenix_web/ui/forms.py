"""What each form takes: one model for each, and all its faults at once, by field."""

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
    field_validator,
)
from pydantic_core import PydanticCustomError

from phoenix_web.auth import account_rules
from phoenix_web.errors import Invalid, TooLong, Unstorable
from phoenix_web.text import storage_fault

#: What no page shows again although it was typed or sent, beside passwords.
_SECRET: Final = frozenset({"form_token", "challenge", "draft", "code"})
_UNSTORABLE: Final = "Remove the invisible character U+0000."

#: Returns why a password is not acceptable, or None.
Judge = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Context:
    """What a field may look at beside its own text."""

    typed: Mapping[str, str]
    judge: Judge


def _context(info: ValidationInfo) -> _Context:
    return cast("_Context", info.context)


def fault(text: str) -> PydanticCustomError:
    """Return the error that makes *text* the fault of a field."""
    return PydanticCustomError("form", "{text}", {"text": text})


def storable(text: str) -> str:
    """Return *text*; raise a fault when no database can store it."""
    if storage_fault(text):
        raise fault(_UNSTORABLE)
    return text


def trimmed(text: str) -> str:
    """Return *text* trimmed; raise a fault when no database can store it."""
    return storable(text).strip()


def checked(rule: Callable[[str], str], wrong: str = "") -> AfterValidator:
    """Return *rule* of `auth.account_rules` as a validator with the sentences of a page.

    Too long a text, and one that cannot be stored, have the same sentence in every field; *wrong*
    is the one for any other fault.
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


#: The validator of a mail address.
ADDRESS: Final = checked(
    account_rules.email, "Enter a valid e-mail address, for example name@example.com."
)


def _email(text: str) -> str:
    if not text.strip():
        raise fault("Enter your e-mail address.")
    return text


def _password(text: str) -> str:
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
    # As it was typed: also beside a new password that has a fault of its own.
    if text != _context(info).typed.get("new_password", ""):
        raise fault("The new passwords don't match.")
    return text


class Form(BaseModel):
    """A submitted form; a field that is missing is an empty one, and unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)


class LoginForm(Form):
    """Who signs in."""

    email: Annotated[str, AfterValidator(_email)] = ""
    password: Annotated[str, AfterValidator(_password)] = ""


class CurrentPasswordForm(Form):
    """The proof that it is still the person who has signed in."""

    current_password: Annotated[str, AfterValidator(_password)] = ""


class PasswordForm(CurrentPasswordForm):
    """A change of the password."""

    new_password: Annotated[str, AfterValidator(_new_password)] = ""
    new_password_again: Annotated[str, AfterValidator(_again)] = ""

    @field_validator("new_password")
    @classmethod
    def _another(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("current_password"):
            raise fault("Choose a password that differs from your current one.")
        return value


class ForgottenForm(Form):
    """Who has lost their password."""

    email: Annotated[str, ADDRESS] = ""


class PasswordLinkForm(Form):
    """A password that is chosen by a one-time link, whose text is *token*."""

    token: str = ""
    new_password: Annotated[str, AfterValidator(_new_password)] = ""
    new_password_again: Annotated[str, AfterValidator(_again)] = ""


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
        for each in error.errors():
            faults.setdefault(str(each["loc"][0]), each["msg"])
        return Submission(values, faults)
