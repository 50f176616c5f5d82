"""What the forms about accounts take: one's own name, another's, and a new account."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, field_validator
from pydantic_core import PydanticCustomError

from phoenix_web.addresses import is_email_address
from phoenix_web.auth.accounts import MAX_USERNAME_LENGTH
from phoenix_web.policy import Role
from phoenix_web.store.accounts.user_names import normal_email
from phoenix_web.ui.forms import Form, storable

#: The roles that a person can have, from the least on.
ROLES: Final = tuple(role.value for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN))


def _fault(text: str) -> PydanticCustomError:
    return PydanticCustomError("form", "{text}", {"text": text})


def _username(text: str) -> str:
    if not text:
        raise _fault("Enter a name.")
    if len(text) > MAX_USERNAME_LENGTH:
        raise _fault(f"Use at most {MAX_USERNAME_LENGTH} characters.")
    return text


def _email(text: str) -> str:
    email = normal_email(text)
    if not is_email_address(email):
        raise _fault("Enter a valid e-mail address, for example name@example.com.")
    return email


def _current_password(text: str) -> str:
    if not text:
        raise _fault("Enter your password.")
    return text


def _code(text: str) -> str:
    if not text.strip():
        raise _fault("Enter the code.")
    return text


class CurrentPasswordForm(Form):
    """The proof that it is still the person who has signed in."""

    current_password: Annotated[str, AfterValidator(_current_password)] = ""


class CodeForm(Form):
    """A code of the authenticator app, or a recovery code."""

    code: Annotated[str, AfterValidator(storable), AfterValidator(_code)] = ""


class SecondFactorForm(CurrentPasswordForm, CodeForm):
    """The password and a code, for a change of how one signs in."""


class NameForm(Form):
    """A name."""

    username: Annotated[str, AfterValidator(storable), AfterValidator(_username)] = ""


class UserForm(NameForm):
    """A change of somebody's account; without a role the role stays."""

    #: Which version of the account the page has shown.
    version: str = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in ROLES:
            raise _fault("Choose a role.")
        return value


class NewUserForm(NameForm):
    """An account to make."""

    email: Annotated[str, AfterValidator(storable), AfterValidator(_email)] = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _chosen(cls, value: str) -> str:
        if value not in ROLES:
            raise _fault("Choose a role.")
        return value
