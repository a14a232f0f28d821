"""What the service keeps per cloud, and what it lends to others: tokens verified, keys published."""

import re
from typing import Any

import orjson

from maycloud.edge.messages import Request, Response
from maycloud.services.base import Cloud
from maycloud.services.cognito_idp.keys import Keys
from maycloud.services.cognito_idp.oauth_store import OAuthStore
from maycloud.services.cognito_idp.records import Records
from maycloud.services.cognito_idp.store import Pool, Tables
from maycloud.services.cognito_idp.vault import Vault
from maycloud.store.clock import Timer

SWEEP_EVERY = 300.0  # seconds between looks for what has expired

_PATH = re.compile(r"/([\w-]+_[0-9A-Za-z]+)/\.well-known/(jwks\.json|openid-configuration)")
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
]


class UserPools:
    """Per-cloud state of the service."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.db = cloud.store.db
        self.clock = cloud.store.clock
        self.vault = Vault(cloud.store.folder)
        self.store = Tables(cloud.store)
        self.records = Records(cloud.store, self.vault)
        self.keys = Keys(self.vault, cloud.store.db)
        self.oauth = OAuthStore(cloud.store)
        self._timer: Timer | None = None
        cloud.serve_host("cognito-idp", self.serve)
        cloud.serve_host("auth", self.serve_domain)
        cloud.serve_path("/_aws/cognito/", self.serve_domain)

    def start(self) -> None:
        self._sweep()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self.records.sweep(self.clock.time())
        self._timer = self.clock.call_later(SWEEP_EVERY, self._sweep)

    def issuer(self, pool: str) -> str:
        """The ``iss`` of a pool's tokens: plain HTTP, see docs/decisions.md."""
        return f"{self.cloud.url}/{pool}"

    def verify_token(
        self, token: str, use: str | None = None, *, pool: str | None = None, revocable: bool = False
    ) -> dict[str, Any]:
        """The claims of a token of this cloud. Raises AwsError NotAuthorizedException for any other.

        `use` is "id" or "access", None for either. `pool` is the id of the pool it must be of. With
        `revocable` a revoked or signed-out token is refused too, as the user pool's own operations do;
        API Gateway and identity pools on AWS look at signature and expiry alone.
        """
        from maycloud.services.cognito_idp import tokens

        return tokens.verify(self, token, use, pool=pool, revocable=revocable)

    async def serve_domain(self, request: Request) -> Response:
        """The hosted pages and OAuth endpoints of a pool's domain."""
        from maycloud.services.cognito_idp import hosted

        return await hosted.serve(self, request)

    # What any client may read

    def serve(self, request: Request) -> Response:
        """``/{poolId}/.well-known/jwks.json`` and ``openid-configuration``, on any host."""
        if request.method == "OPTIONS":
            return Response(200, [*_HEADERS, (b"access-control-max-age", b"86400")])
        match = _PATH.fullmatch(request.path)
        pool = self.store.pool(match[1]) if match else None
        if match is None or pool is None:
            message = f"User pool {match[1] if match else ''} does not exist."
            return _json(404, {"code": "ResourceNotFoundException", "message": message})
        if request.method not in ("GET", "HEAD"):
            return _json(405, {"message": "Method Not Allowed"})
        if match[2] == "jwks.json":
            return _json(200, {"keys": self.keys.public(pool)}, cache=True)
        return _json(200, self.discovery(pool))

    def discovery(self, pool: Pool) -> dict[str, Any]:
        """The OpenID configuration, with the endpoints of the pool's domain if it has one."""
        issuer = self.issuer(pool.id)
        found: dict[str, Any] = {
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        domain = self.records.domain_of(pool.id)
        if domain is not None:
            base = self.domain_url(domain)
            found |= {
                "authorization_endpoint": f"{base}/oauth2/authorize",
                "end_session_endpoint": f"{base}/logout",
                "revocation_endpoint": f"{base}/oauth2/revoke",
                "token_endpoint": f"{base}/oauth2/token",
                "userinfo_endpoint": f"{base}/oauth2/userInfo",
            }
        return found

    def domain_url(self, domain: str) -> str:
        """Where a domain's hosted pages are, in the form that every client can follow."""
        return f"{self.cloud.url}/_aws/cognito/{domain}"


def _json(status: int, body: dict[str, Any], *, cache: bool = False) -> Response:
    headers = [*_HEADERS, (b"cache-control", b"public, max-age=86400")] if cache else [*_HEADERS]
    return Response(status, headers, orjson.dumps(body))
