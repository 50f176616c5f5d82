"""phoenix_web: the authentication of Phoenix, and the datasets that its credentials open.

Where to find what:

- who may do what: `policy`; how a view asks for it: `guard`
- how a credential becomes a principal: `auth.verifier`; sessions: `auth.sessions`;
  the text of a key: `auth.keys`; signing in: `auth.login`; making keys: `auth.issuer`;
  what may be done to an account: `auth.accounts`
- mail: `mail.outbox` takes it in, `mail.sender` sends it, `mail.background` is its thread
- who did what: `audit` (what an event says, the chain, its proof), `store.audit`; the events of
  credentials: `auth.audited`; the first use of a key: `auth.usage`
- the tables: `store.models`; one store for each noun beside it; `store.migrations`
- the API: `api`, one module for each noun; its description: `openapi`
- the pages: `ui`, one module for each page; their templates: `templates/`
- the environment: `config`; what happens before the first request: `bootstrap`
- errors: `errors` (what), `error_responses` (how they look)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from phoenix_web import api, responses, ui
from phoenix_web.paths import bundled
from phoenix_web.settings.key_files import session_secret
from phoenix_web.version import VERSION
from phoenix_web.web import services, static_files
from phoenix_web.web.bodies import Request

if TYPE_CHECKING:
    from phoenix_web.settings.settings import Settings

__version__ = VERSION


def create_app(settings: Settings) -> Flask:
    """Return the application for *settings*; it opens no connection, so a server may fork after.

    The database must have been prepared by `bootstrap.prepare`.
    """
    secret = session_secret(settings)
    app = Flask(
        __name__,
        instance_path=str(settings.working_dir.expanduser().resolve()),
        template_folder=str(bundled("templates")),
        static_folder=None,
    )
    # A doubled slash is another address; werkzeug would answer it with the Host that was sent.
    app.url_map.merge_slashes = False
    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions[services.EXTENSION] = services.build(settings, secret)
    app.register_blueprint(api.door)
    ui.register(app, secret)
    responses.register(app)
    app.wsgi_app = static_files.serve(app.wsgi_app)  # type: ignore[method-assign]  # Flask's way
    # Outermost: whatever looks at the address of the caller must see the true one.
    hops = settings.trusted_proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops, 0)  # type: ignore[method-assign]  # Flask's way
    return app
