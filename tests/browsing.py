"""A browser without a screen: follows no redirect by itself, keeps cookies, fills in the forms of a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import urllib3


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.labels: set[str] = set()
        self.visible: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given["action"], "method": given["method"], "fields": {}})
        elif tag == "input":
            self.forms[-1]["fields"][given["name"]] = given.get("value", "")
            if given.get("type") != "hidden":
                self.visible.append(given["id"])
        elif tag == "label":
            self.labels.add(given["for"])
        elif tag == "a":
            self.links.append(given["href"])

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Page:
    """One answer. `forms` hold action, method and the fields with their values."""

    url: str
    status: int
    headers: Any
    body: str
    forms: list[dict[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    text: str = ""
    unlabelled: set[str] = field(default_factory=set)

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def answer(self) -> dict[str, str]:
        """What the address that this answer leads to says in its query."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    @property
    def fragment(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).fragment).items()}


class Browser:
    def __init__(self, ca_file: str | None = None) -> None:
        self._http = urllib3.PoolManager(ca_certs=ca_file) if ca_file else urllib3.PoolManager()
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    def close(self) -> None:
        self._http.clear()

    def request(self, method: str, url: str, headers: dict[str, str] | None = None, body: str = "") -> Page:
        sent = dict(headers or {})
        if self.cookies and "cookie" not in sent:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._http.request(
            method, url, headers=sent, body=body.encode() or None, redirect=False, retries=False
        )
        self.set_cookies = answer.headers.getlist("set-cookie")
        for line in self.set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        reader = _Reader()
        text = answer.data.decode()
        if "html" in answer.headers.get("content-type", ""):
            reader.feed(text)
        return Page(
            url, answer.status, answer.headers, text, reader.forms, reader.links, reader.text,
            set(reader.visible) - reader.labels,
        )  # fmt: skip

    def get(self, url: str) -> Page:
        return self.request("GET", url)

    def post(self, url: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> Page:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.request("POST", url, kind | (headers or {}), urlencode(fields))

    def fill(self, page: Page, form: int = 0, /, **values: str) -> Page:
        """Send a form of a page, as a browser does: with its hidden fields and an Origin."""
        chosen = page.forms[form]
        url = urljoin(page.url, chosen["action"])
        parts = urlsplit(url)
        origin = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"}
        return self.post(url, chosen["fields"] | values, origin)
