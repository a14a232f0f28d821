"""HTML that the cloud itself serves: templates with every value escaped, and the forms on them."""

import html
import string
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from urllib.parse import urlsplit

from maycloud.edge.messages import Request


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def join(parts: list[Markup]) -> Markup:
    return Markup("\n".join(parts))


class Templates:
    """The HTML files of a package's folder."""

    def __init__(self, package: str, folder: str) -> None:
        self._package = package
        self._folder = folder
        self._template = cache(lambda name: string.Template(self.text(f"{name}.html")))

    def text(self, name: str) -> str:
        return resources.files(self._package).joinpath(self._folder, name).read_text("utf-8")

    def fill(self, name: str, /, **values: str) -> Markup:
        """A template with its values, escaped unless they are Markup."""
        escaped = {
            key: value if isinstance(value, Markup) else html.escape(value) for key, value in values.items()
        }
        return Markup(self._template(name).substitute(escaped))


def link(address: str, text: str) -> Markup:
    return Markup(f'<a href="{html.escape(address)}">{html.escape(text)}</a>')


def hidden(name: str, value: str) -> Markup:
    return Markup(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">')


def field(name: str, label: str, kind: str, autocomplete: str, value: str = "") -> Markup:
    """A required field of a form with its label."""
    given = {"name": name, "label": label, "kind": kind, "auto": autocomplete, "value": value}
    safe = {key: html.escape(text) for key, text in given.items()}
    return Markup(
        '<label class="label-customizable" for="{name}">{label}</label>\n'
        '<input class="inputField-customizable" id="{name}" name="{name}" type="{kind}" value="{value}"'
        ' autocomplete="{auto}" maxlength="2048" required>'.format(**safe)
    )


def cookies(request: Request) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(request.header("cookie")).items()}
    except CookieError:
        return {}


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that a page of this very host sent it. Old browsers say nothing."""
    if request.header("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.header("origin")
    return not origin or urlsplit(origin).netloc.lower() == request.header("host").lower()
