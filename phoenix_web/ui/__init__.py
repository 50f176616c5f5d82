"""Blueprint of all pages, with authentication by cookie.

Every view is marked `@requires` or `@public`. Pages ignore the `Authorization` header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, g, render_template, request
from flask_login import LoginManager, current_user

from phoenix_web.ui import (
    audit,
    cookie_auth,
    datasets,
    form_tokens,
    home,
    htmx,
    links,
    mail,
    template_helpers,
    users,
)
from phoenix_web.ui.keys import own, system
from phoenix_web.ui.passwords import forgotten, strength
from phoenix_web.ui.passwords import links as password_links
from phoenix_web.ui.profile import profile, two_step
from phoenix_web.ui.sign_in import login
from phoenix_web.web.guard import is_public_view, lacks_second_factor
from phoenix_web.web.same_site import SAFE_METHODS, refuse_cross_site

if TYPE_CHECKING:
    from flask import Flask

    from phoenix_web.auth.credentials.principal import Principal

door = Blueprint("ui", __name__)
for _page in (
    audit,
    datasets,
    forgotten,
    home,
    own,
    login,
    mail,
    password_links,
    strength,
    profile,
    system,
    users,
):
    door.register_blueprint(_page.routes)
#: Views that use no cookie: they check a secret in the form, or change nothing.
_COOKIELESS: Final = frozenset({"ui.password_links.submit", "ui.password_strength.judge"})


def register(app: Flask, secret: str) -> None:
    """Register the pages with *app*; *secret* signs the tokens of their forms."""
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(cookie_auth.load)
    # Not `init_app`, which would also set a remember-me cookie on responses of the API.
    app.login_manager = manager  # type: ignore[attr-defined]  # where Flask-Login looks for it
    # Flask-Login reads this cookie before it calls our loader, and no cookie can have this name.
    app.config["REMEMBER_COOKIE_NAME"] = ";"
    form_tokens.register(app, secret)
    template_helpers.register(app)
    app.register_blueprint(door)


@door.before_request
def _authenticate() -> Response | None:
    """Authenticate the request; raise `Forbidden` if another site sent it."""
    if request.method not in SAFE_METHODS:
        refuse_cross_site(allows_programs=False, allows_opaque=request.endpoint in _COOKIELESS)
    if is_public_view():
        return None
    if not current_user.is_authenticated:
        if cookie_auth.may_withhold_cookies():
            return Response(render_template("sign_in/arriving.html", url=links.here()))
        return htmx.redirect_to_login(links.login_url())
    g.principal = current_user.principal
    return _required_setup(g.principal)


def _required_setup(principal: Principal) -> Response | None:
    """Return a redirect to the password or two-step setup that the user must finish, or None."""
    user = principal.user
    if user is not None and user.password_needs_reset:
        endpoints, start = profile.ENDPOINTS, "ui.profile.show"
    elif lacks_second_factor(principal):
        endpoints, start = two_step.ENDPOINTS, "ui.profile.two_step.show"
    else:
        return None
    return None if request.endpoint in endpoints else htmx.redirect(links.url_for(start))


door.after_request(cookie_auth.set_cookies)
