"""The hosted pages' HTML: templates of the folder ``hosted_templates``, every value escaped."""

import html

from maycloud.edge.messages import RawHeaders, Response
from maycloud.pages import Markup, Templates

# Nothing loads but our style sheet, nothing runs, nobody frames the page. Where forms lead is left open:
# browsers hold a form's redirects to it too, and an app may redirect on from its callback to anywhere.
_SECURITY: RawHeaders = [
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer, with which browsers send forms from the origin "null".
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


_TEMPLATES = Templates("maycloud.services.cognito_idp", "hosted_templates")
fill = _TEMPLATES.fill


def page(
    base: str,
    title: str,
    body: Markup,
    *,
    error: str = "",
    note: str = "",
    status: int = 200,
    headers: RawHeaders | None = None,
    brand: tuple[Markup, Markup] = (Markup(""), Markup("")),
) -> Response:
    """A whole page. `base` is the path of the pages, `brand` the pool's own style and logo."""
    message = Markup("")
    if error:
        message = Markup(f'<p class="error errorMessage-customizable" role="alert">{html.escape(error)}</p>')
    elif note:
        message = Markup(f'<p class="note" role="status">{html.escape(note)}</p>')
    text = fill("layout", title=title, base=base, message=message, body=body, style=brand[0], logo=brand[1])
    content = (b"content-type", b"text/html; charset=utf-8")
    return Response(status, [content, *_SECURITY, *(headers or [])], text.encode())


def style_sheet() -> Response:
    headers = [(b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=3600")]
    return Response(
        200, [*headers, (b"x-content-type-options", b"nosniff")], _TEMPLATES.text("style.css").encode()
    )


def redirect(address: str, headers: RawHeaders | None = None) -> Response:
    """To an address that was checked before."""
    location = (b"location", address.encode("latin-1", "strict"))
    return Response(302, [location, (b"cache-control", b"no-store"), *(headers or [])])
