"""phoenix_web: an authentication server compatible with Arize Phoenix, with its datasets API.

`create_app` creates the application; docs/architecture.md maps the package.
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
    from phoenix_web.settings import Settings

__version__ = VERSION


def create_app(settings: Settings) -> Flask:
    """Return the application for *settings*.

    Prepare the database with `bootstrap.prepare` first. Opens no connection, so a server may fork
    afterwards.
    """
    secret = session_secret(settings)
    app = Flask(
        __name__,
        instance_path=str(settings.working_dir.expanduser().resolve()),
        template_folder=str(bundled("templates")),
        static_folder=None,
    )
    # Werkzeug would redirect a doubled slash to the Host header of the request.
    app.url_map.merge_slashes = False
    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions[services.EXTENSION] = services.build(settings, secret)
    app.register_blueprint(api.blueprint)
    ui.register(app, secret)
    responses.register(app)
    app.wsgi_app = static_files.serve(app.wsgi_app)  # type: ignore[method-assign]  # Flask's way
    # Outermost, so that everything inside sees the client's address.
    hops = settings.trusted_proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops, 0)  # type: ignore[method-assign]  # Flask's way
    return app
