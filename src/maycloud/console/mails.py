"""Inbox: the mails that the cloud's services sent, and one of them."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from maycloud.console import shown
from maycloud.console.visit import BASE, SECURITY, Visit, address, fill
from maycloud.edge.messages import RawHeaders, Response
from maycloud.pages import Markup, join, link

# What a mail's sender wrote is a page of no origin: nothing in it runs, or is loaded from anywhere. A link
# opens a page of its own, which knows nothing of this one.
_SANDBOX: RawHeaders = [
    (
        b"content-security-policy",
        b"sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
        b" style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
        b" frame-ancestors 'self'",
    ),
    (b"x-frame-options", b"SAMEORIGIN"),
    *[each for each in SECURITY if each[0] not in (b"content-security-policy", b"x-frame-options")],
]
_IN_FRAME = '<!doctype html><meta charset="utf-8"><base target="_blank">'


def inbox(visit: Visit) -> Response:
    to = visit.query.get("to", "").strip()
    mails = visit.cloud.inbox.mails(to or None)
    rows = [_row(each, to) for each in mails]
    if rows:
        listed = fill("rows", rows=join(rows))
    else:
        listed = shown.empty(f"No mail to {to} yet." if to else "No mail yet.")
    body = fill("inbox", path=f"{BASE}/inbox", to=to, mails=listed)
    return visit.page("Inbox", body)


def _row(mail: dict[str, Any], to: str) -> Markup:
    return fill(
        "mail_row",
        subject=link(address("/mail", id=mail["id"], to=to), mail["subject"] or _first_words(mail["text"])),
        sender=mail["from"],
        to=mail["to"],
        when=_when(mail),
    )


def _first_words(text: str) -> str:
    """What stands for the subject of a text message."""
    line = " ".join(text.split())
    return line if 0 < len(line) <= 60 else f"{line[:60]}…"


def _when(mail: dict[str, Any]) -> Markup:
    return shown.moment(datetime.fromisoformat(mail["receivedAt"]))


def mail(visit: Visit) -> Response:
    found = visit.cloud.inbox.mail(visit.query.get("id", ""))
    if found is None:
        return visit.page("Not found", Markup(""), error="This mail is not there any more.", status=404)
    to = visit.query.get("to", "")
    frame = Markup("")
    if found["html"] is not None:
        frame = fill("mail_html", address=f"{BASE}/mail/html?{urlencode({'id': found['id']})}")
    body = fill(
        "mail",
        back=link(address("/inbox", to=to), "Inbox"),
        sender=found["from"],
        to=found["to"],
        when=_when(found),
        frame=frame,
        text=shown.linked(found["text"]),
    )
    return visit.page(found["subject"] or "Text message", body)


def html_of(visit: Visit) -> Response:
    """What stands in the frame."""
    found = visit.cloud.inbox.mail(visit.query.get("id", ""))
    text = _IN_FRAME + (found["html"] or "" if found is not None else "")
    headers = [(b"content-type", b"text/html; charset=utf-8"), *_SANDBOX]
    return Response(200 if found is not None else 404, headers, text.encode("utf-8", "replace"))
