"""How strong a password is, said while it is typed; nothing is kept, logged or hashed."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request

from phoenix_web.errors import NotFound
from phoenix_web.ui import htmx
from phoenix_web.web.guard import public
from phoenix_web.web.services import services

routes = Blueprint("password_strength", __name__)
#: Characters of what the form says of its user; no name or address is longer.
_MAX_NAMES: Final = 1024
#: The fields in which passwords are chosen.
_FIELDS: Final = frozenset({"new_password", "password"})


@routes.post("/password-strength")
@public
def judge() -> str:
    """Judge the field that the form names, and answer the line below it.

    Whose password it becomes the form says, too: this is advice, and whoever sends the form is
    told in the end what counts.
    """
    name = request.form.get("judged", "")
    if name not in _FIELDS or not htmx.is_htmx():
        raise NotFound("There is no page at this address.")
    names = [request.form.get(field, "")[:_MAX_NAMES] for field in ("email", "username")]
    names += request.form.get("names", "")[:_MAX_NAMES].splitlines()
    judgement = services().passwords.rate(request.form.get(name, ""), *names)
    return render_template("passwords/_strength.html", name=name, judgement=judgement)
