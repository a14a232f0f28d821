"""Pieces that several pages show: moments, badges, the choice of a region."""

import html
import re
from datetime import UTC, datetime

from maycloud.console.visit import BASE, Visit, fill
from maycloud.pages import Markup, hidden, join
from maycloud.regions import REGIONS

_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+")


def moment(at: datetime | float) -> Markup:
    """A time in UTC, to the second."""
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    text = when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Markup(f'<time datetime="{text.replace(" ", "T")}Z">{text}</time>')


def badge(status: str) -> Markup:
    """A state in AWS's word, coloured by how it went."""
    kind = "good"
    if "FAILED" in status or "ROLLBACK" in status:
        kind = "bad"
    elif status.endswith("IN_PROGRESS"):
        kind = "busy"
    return Markup(f'<span class="badge {kind}">{html.escape(status)}</span>')


def linked(text: str) -> Markup:
    """Text whose web addresses can be followed; no other scheme becomes a link."""
    parts: list[str] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match[0].rstrip(".,;:!?)")
        parts.append(html.escape(text[end : match.start()]))
        safe = html.escape(address)
        parts.append(f'<a href="{safe}" rel="noopener noreferrer">{safe}</a>')
        end = match.start() + len(address)
    return Markup("".join([*parts, html.escape(text[end:])]))


def region_form(visit: Visit, path: str, **kept: str) -> Markup:
    """A choice of region that leads to the same page in another."""
    options = [
        Markup(f"<option{' selected' if each == visit.region else ''}>{each}</option>")
        for each in sorted(REGIONS | {visit.cloud.region})
    ]
    fields = join([hidden(name, value) for name, value in kept.items()])
    return fill("region", path=BASE + path, options=join(options), fields=fields)


def empty(words: str) -> Markup:
    return fill("empty", text=words)
