"""The door to a pool's domain: pages and OAuth endpoints, on a host of its own or below ``/_aws/cognito/``.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-userpools-server-contract-reference.html
"""

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from maycloud.edge.messages import BodyTooLargeError, Request, Response
from maycloud.edge.router import parse_host
from maycloud.services.cognito_idp import branding, hosted_account, hosted_signin, oauth_endpoints
from maycloud.services.cognito_idp.hosted_html import style_sheet
from maycloud.services.cognito_idp.hosted_visit import Visit
from maycloud.services.cognito_idp.oauth_requests import OAuthError, RedirectError

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

log = logging.getLogger("maycloud.cognito")

PATH = "/_aws/cognito/"

_PAGES = {**hosted_signin.PAGES, **hosted_account.PAGES}
_PATHS = {path for _, path in _PAGES}


async def serve(state: "UserPools", request: Request) -> Response:
    """Answer one request. Never raises for what the request says."""
    visit = _visit(state, request)
    if visit is None:
        return Response(404, [(b"content-type", b"text/plain; charset=utf-8")], b"There is no such domain.\n")
    if visit.path == "/assets/style.css" and request.method in ("GET", "HEAD"):
        return style_sheet()
    if visit.path.startswith("/assets/") and request.method in ("GET", "HEAD"):
        client = parse_qs(request.query).get("client", [branding.ALL])[0]
        asset = branding.asset(visit, client, visit.path.removeprefix("/assets/"))
        if asset is not None:
            return asset
    if visit.path in oauth_endpoints.ENDPOINTS:
        return await oauth_endpoints.serve(visit)
    method = "GET" if request.method == "HEAD" else request.method
    page = _PAGES.get((method, visit.path))
    if page is None:
        known = visit.path in _PATHS
        return visit.problem("This page does not take that." if known else "There is no such page.", 404)
    try:
        return await page(visit)
    except RedirectError as error:
        return visit.redirect(error.address)
    except OAuthError as error:
        log.info("domain %s, %s: %s (%s)", visit.pool.id, visit.path, error.code, error.description)
        return visit.problem(error.description, 403 if error.code == "invalid_csrf" else 400)
    except ConnectionError:
        return visit.problem("The form did not arrive.")
    except BodyTooLargeError:
        return visit.problem("The form is too large.", 413)


def _visit(state: "UserPools", request: Request) -> Visit | None:
    """The pool and page that a request means; None for a domain that nobody has."""
    path = request.path
    region = ""
    if path.startswith(PATH):
        domain, slash, rest = path.removeprefix(PATH).partition("/")
        base, path = f"{PATH}{domain}", f"/{rest}" if slash else "/"
    else:
        host = parse_host(request.fields.get(b"host", b""))
        domain, region, base = host.id, host.region, ""
    found = state.records.domain(domain)
    pool = state.store.pool(found[0]) if found is not None else None
    if pool is None or region not in ("", pool.region):
        return None
    return Visit.of(state, pool, base, path, request)
