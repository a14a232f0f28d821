"""How a pool's hosted pages look: CSS of the pages' own classes and a logo, for one app client or for all.

https://docs.aws.amazon.com/cognito/latest/developerguide/hosted-ui-classic-branding.html
"""

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from maycloud.edge.messages import Response
from maycloud.pages import Markup
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    client_of,
    invalid,
    moment,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.hosted_visit import Visit

ALL = "ALL"
VERSION = "20190128172214"  # of the classes, as AWS names it
CLASSES = frozenset(
    {
        "background", "banner", "errorMessage", "idpButton", "idpDescription", "inputField", "label",
        "legalText", "logo", "passwordCheck-notValid", "passwordCheck-valid", "redirect", "socialButton",
        "submitButton", "textDescription",
    }
)  # fmt: skip

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_SELECTOR = re.compile(r"\.([A-Za-z-]+)-customizable(?::(?:hover|focus|active|visited))?")
_KINDS = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_CACHED = [(b"cache-control", b"max-age=60"), (b"x-content-type-options", b"nosniff")]


@service.operation(**ADMIN)
def SetUICustomization(call: Call, params: Params) -> Result:
    """The words of a pool without pages are those that Terraform's users report."""
    state, pool, client = pools(call), pool_of(call, params), params.get("ClientId", ALL)
    if client != ALL:
        client_of(call, pool, client)
    if state.records.domain_of(pool.id) is None:
        raise invalid("There has to be an existing domain associated with this user pool")
    _check_css(params.get("CSS") or "")
    old = state.records.branding(pool.id, client)
    made: Document = {"Created": old["Created"] if old else call.now(), "Modified": call.now()}
    if params.get("CSS"):
        made["CSS"] = params["CSS"]
    image: bytes = params.get("ImageFile") or b""
    if image:
        if _kind(image) is None:
            raise invalid("The image file must be a PNG or JPEG.")
        made["Image"] = base64.b64encode(image).decode()
    state.records.put_branding(pool.id, client, made)
    return {"UICustomization": _described(call, pool, client, made)}


@service.operation(**ADMIN_READ)
def GetUICustomization(call: Call, params: Params) -> Result:
    """Of the client, else of all; empty where nothing was set."""
    records, pool, client = pools(call).records, pool_of(call, params), params.get("ClientId", ALL)
    if client != ALL:
        client_of(call, pool, client)
    for which in (client, ALL):
        found = records.branding(pool.id, which)
        if found is not None:
            return {"UICustomization": _described(call, pool, which, found)}
    return {"UICustomization": {}}


def _described(call: Call, pool: Pool, client: str, found: Document) -> Document:
    described: Document = {
        "UserPoolId": pool.id,
        "ClientId": client,
        "CSSVersion": VERSION,
        "CreationDate": moment(found["Created"]),
        "LastModifiedDate": moment(found["Modified"]),
    }
    if "CSS" in found:
        described["CSS"] = found["CSS"]
    domain = pools(call).records.domain_of(pool.id)
    if "Image" in found and domain is not None:
        base = pools(call).domain_url(domain)
        described["ImageUrl"] = _address(base, "logo", client)
    return described


def _address(base: str, what: str, client: str) -> str:
    return f"{base}/assets/{what}?{urlencode({'client': client})}"


def _check_css(text: str) -> None:
    """Raises for what is more than rules of the classes that the pages offer."""
    rest = _COMMENT.sub("", text)
    for selectors, _ in _RULE.findall(rest):
        for selector in selectors.split(","):
            found = _SELECTOR.fullmatch(selector.strip())
            if found is None or found[1] not in CLASSES:
                raise invalid(f"The CSS selector {selector.strip()} cannot be customized.")
    if _RULE.sub("", rest).strip() or "<" in text or "@" in rest:
        raise invalid("The CSS is not valid.")


def _kind(image: bytes) -> str | None:
    return next((kind for start, kind in _KINDS.items() if image.startswith(start)), None)


# On the pages


def _of(visit: "Visit", client: str) -> tuple[str, Document]:
    """A client's look, or that of all; empty for none."""
    for which in (client, ALL):
        found = visit.state.records.branding(visit.pool.id, which)
        if found is not None:
            return which, found
    return ALL, {}


def shown(visit: "Visit", client: str) -> tuple[Markup, Markup]:
    """What a page has in its head and at its top."""
    which, found = _of(visit, client)
    style = (
        f'<link rel="stylesheet" href="{_address(visit.base, "brand.css", which)}">' if "CSS" in found else ""
    )
    logo = (
        f'<img class="logo-customizable" alt="" src="{_address(visit.base, "logo", which)}">'
        if "Image" in found
        else ""
    )
    return Markup(style), Markup(logo)


def asset(visit: "Visit", client: str, name: str) -> Response | None:
    """``brand.css`` or ``logo``."""
    _, found = _of(visit, client)
    if name == "brand.css" and "CSS" in found:
        return Response(200, [(b"content-type", b"text/css; charset=utf-8"), *_CACHED], found["CSS"].encode())
    if name == "logo" and "Image" in found:
        image = base64.b64decode(found["Image"])
        return Response(200, [(b"content-type", (_kind(image) or "").encode()), *_CACHED], image)
    return None
