"""The pages' door: who comes in by cookie, and where they may go.

Every view here says `@requires` or `@public`. The pages read no `Authorization` header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, g, render_template, request
from flask_login import LoginManager, current_user

from phoenix_web.guard import is_public_view, lacks_second_factor
from phoenix_web.same_site import SAFE_METHODS, refuse_cross_site
from phoenix_web.ui import (
    audit,
    datasets,
    forgot_password,
    form_tokens,
    home,
    htmx,
    keys,
    links,
    login,
    mail,
    password_links,
    password_strength,
    profile,
    sign_in,
    system_keys,
    template_helpers,
    two_step,
    users,
)

if TYPE_CHECKING:
    from flask import Flask

    from phoenix_web.auth.principal import Principal

door = Blueprint("ui", __name__)
for _page in (
    audit,
    datasets,
    forgot_password,
    home,
    keys,
    login,
    mail,
    password_links,
    password_strength,
    profile,
    system_keys,
    users,
):
    door.register_blueprint(_page.routes)
#: What obeys no cookie: only the secret in the form counts, or nothing is changed at all.
_COOKIELESS: Final = frozenset({"ui.password_links.submit", "ui.password_strength.judge"})


def register(app: Flask, secret: str) -> None:
    """Add the pages to *app*; *secret* signs what their forms carry."""
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(sign_in.load)
    # `init_app` would put its remember-me cookie on every answer of both doors.
    app.login_manager = manager  # type: ignore[attr-defined]  # where Flask-Login looks for it
    # Flask-Login reads this cookie before it asks our loader; no cookie can have this name.
    app.config["REMEMBER_COOKIE_NAME"] = ";"
    form_tokens.register(app, secret)
    template_helpers.register(app)
    app.register_blueprint(door)


@door.before_request
def _admit() -> Response | None:
    """Let the request through, or answer where it must go first; raise `Forbidden` if foreign."""
    if request.method not in SAFE_METHODS:
        refuse_cross_site(allows_programs=False, allows_opaque=request.endpoint in _COOKIELESS)
    if is_public_view():
        return None
    if not current_user.is_authenticated:
        if sign_in.may_have_kept_cookies():
            return Response(render_template("arriving.html", url=links.here()))
        return htmx.redirect_to_login(links.login_url())
    g.principal = current_user.principal
    return _detour(g.principal)


def _detour(principal: Principal) -> Response | None:
    """Return where whoever signs in has to go before they may go anywhere, or None."""
    user = principal.user
    if user is not None and user.password_needs_reset:
        endpoints, start = profile.ENDPOINTS, "ui.profile.show"
    elif lacks_second_factor(principal):
        endpoints, start = two_step.ENDPOINTS, "ui.profile.two_step.show"
    else:
        return None
    return None if request.endpoint in endpoints else htmx.redirect(links.url_for(start))


door.after_request(sign_in.set_cookies)
