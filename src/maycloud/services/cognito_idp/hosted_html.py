"""The hosted pages' HTML: templates of the folder ``hosted_templates``, every value escaped."""

import html
import string
from functools import cache
from importlib import resources

from maycloud.edge.messages import RawHeaders, Response

# Nothing loads but our style sheet, nothing runs, nobody frames the page. Where forms lead is left open:
# browsers hold a form's redirects to it too, and an app may redirect on from its callback to anywhere.
_SECURITY: RawHeaders = [
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer, with which browsers send forms from the origin "null".
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@cache
def _template(name: str) -> string.Template:
    return string.Template(_text(f"{name}.html"))


def _text(name: str) -> str:
    return resources.files("maycloud.services.cognito_idp").joinpath("hosted_templates", name).read_text()


def fill(name: str, **values: str) -> Markup:
    """A template with its values, escaped unless they are Markup."""
    escaped = {
        key: value if isinstance(value, Markup) else html.escape(value) for key, value in values.items()
    }
    return Markup(_template(name).substitute(escaped))


def link(address: str, text: str) -> Markup:
    return Markup(f'<a href="{html.escape(address)}">{html.escape(text)}</a>')


def hidden(name: str, value: str) -> Markup:
    return Markup(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">')


def field(name: str, label: str, kind: str, autocomplete: str, value: str = "") -> Markup:
    """A required field of a form with its label."""
    given = {"name": name, "label": label, "kind": kind, "auto": autocomplete, "value": value}
    safe = {key: html.escape(text) for key, text in given.items()}
    return Markup(
        '<label for="{name}">{label}</label>\n<input id="{name}" name="{name}" type="{kind}" value="{value}"'
        ' autocomplete="{auto}" maxlength="2048" required>'.format(**safe)
    )


def page(
    base: str,
    title: str,
    body: Markup,
    *,
    error: str = "",
    note: str = "",
    status: int = 200,
    headers: RawHeaders | None = None,
) -> Response:
    """A whole page. `base` is the path of the pages."""
    message = Markup("")
    if error:
        message = Markup(f'<p class="error" role="alert">{html.escape(error)}</p>')
    elif note:
        message = Markup(f'<p class="note" role="status">{html.escape(note)}</p>')
    text = fill("layout", title=title, base=base, message=message, body=body)
    content = (b"content-type", b"text/html; charset=utf-8")
    return Response(status, [content, *_SECURITY, *(headers or [])], text.encode())


def style_sheet() -> Response:
    headers = [(b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=3600")]
    return Response(200, [*headers, (b"x-content-type-options", b"nosniff")], _text("style.css").encode())


def redirect(address: str, headers: RawHeaders | None = None) -> Response:
    """To an address that was checked before."""
    location = (b"location", address.encode("latin-1", "strict"))
    return Response(302, [location, (b"cache-control", b"no-store"), *(headers or [])])
