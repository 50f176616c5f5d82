"""All that the pages know of htmx."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, render_template, request
from werkzeug.urls import iri_to_uri

from phoenix_web.ui import cookie_auth


def is_htmx() -> bool:
    """Tell whether htmx made the request, so that a part of a page can be the answer."""
    return request.headers.get("HX-Request") == "true"


def render(page: str, fragment: str, /, **context: object) -> str:
    """Answer an htmx POST with *fragment*, anything else with the page that includes it."""
    is_swap = request.method == "POST" and is_htmx()
    return render_template(fragment if is_swap else page, **context)


def redirect(url: str) -> Response:
    """Send the browser to *url*, as a new page."""
    if is_htmx():
        # htmx would follow a 303 and put that whole page into the fragment.
        return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": iri_to_uri(url)})
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": iri_to_uri(url)})


def redirect_to_login(url: str) -> Response:
    """Send the browser to the login page at *url*, without the cookies that did not hold."""
    cookie_auth.forget()
    if is_htmx():
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": iri_to_uri(url)})
    return redirect(url)


def whole_page(response: Response) -> Response:
    """Let htmx show *response* in place of the page, not within the fragment that asked."""
    if is_htmx():
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "outerHTML"
    return response
