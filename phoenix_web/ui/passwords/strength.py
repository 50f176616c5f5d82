"""Password strength while typing; passwords are not stored, logged or hashed."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request

from phoenix_web.errors import NotFound
from phoenix_web.ui import htmx
from phoenix_web.web.guard import public
from phoenix_web.web.services import services

routes = Blueprint("password_strength", __name__)
#: The maximum length of names in the form, in characters; no name or address is longer.
_MAX_NAMES: Final = 1024
#: The names of fields for a new password.
_FIELDS: Final = frozenset({"new_password", "password"})


@routes.post("/password-strength")
@public
def judge() -> str:
    """Rate the password in the field named `judged`, and return the line below it.

    The names of the user come from the form, because this is only advice: setting the password
    checks it again.
    """
    name = request.form.get("judged", "")
    if name not in _FIELDS or not htmx.is_htmx():
        raise NotFound("There is no page at this address.")
    names = [request.form.get(field, "")[:_MAX_NAMES] for field in ("email", "username")]
    names += request.form.get("names", "")[:_MAX_NAMES].splitlines()
    judgement = services().passwords.rate(request.form.get(name, ""), *names)
    return render_template("passwords/_strength.html", name=name, judgement=judgement)
