"""Responses to htmx requests: fragments, redirects and whole pages."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, render_template, request
from werkzeug.urls import iri_to_uri

from phoenix_web.ui import cookie_auth


def is_htmx() -> bool:
    """Return whether htmx sent the request, so that the response can be a fragment."""
    return request.headers.get("HX-Request") == "true"


def render(page: str, fragment: str, /, **context: object) -> str:
    """Render *fragment* for a POST by htmx, or else the *page* that includes it."""
    is_swap = request.method == "POST" and is_htmx()
    return render_template(fragment if is_swap else page, **context)


def redirect(url: str) -> Response:
    """Return a redirect of the browser to *url*."""
    if is_htmx():
        # htmx would follow a 303 and insert the whole page into the fragment.
        return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": iri_to_uri(url)})
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": iri_to_uri(url)})


def redirect_to_login(url: str) -> Response:
    """Return a redirect to the sign-in page at *url* that clears the invalid cookies."""
    cookie_auth.forget()
    if is_htmx():
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": iri_to_uri(url)})
    return redirect(url)


def whole_page(response: Response) -> Response:
    """Make htmx replace the whole page by *response* instead of the fragment."""
    if is_htmx():
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "outerHTML"
    return response
