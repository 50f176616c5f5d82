"""What the forms about accounts take: one's own name, another's, and a new account."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, field_validator

from phoenix_web.auth import account_rules
from phoenix_web.policy import Role
from phoenix_web.ui.forms import ADDRESS, CurrentPasswordForm, Form, checked, fault, trimmed

#: The fault of a name that is taken.
NAME_TAKEN: Final = "This name is already taken. Enter another one."
#: The roles that a person can have, from the least on.
ROLES: Final = tuple(role.value for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN))


def _code(text: str) -> str:
    if not text:
        raise fault("Enter the code.")
    return text


class CodeForm(Form):
    """A code of the authenticator app, or a recovery code."""

    code: Annotated[str, AfterValidator(trimmed), AfterValidator(_code)] = ""


class SecondFactorForm(CurrentPasswordForm, CodeForm):
    """The password and a code, for a change of how one signs in."""


class NameForm(Form):
    """A name."""

    username: Annotated[str, checked(account_rules.username, "Enter a name.")] = ""


class UserForm(NameForm):
    """A change of somebody's account; without a role the role stays."""

    #: Which version of the account the page has shown.
    version: str = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in ROLES:
            raise fault("Choose a role.")
        return value


class NewUserForm(NameForm):
    """An account to make."""

    email: Annotated[str, ADDRESS] = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _chosen(cls, value: str) -> str:
        if value not in ROLES:
            raise fault("Choose a role.")
        return value
