"""The OpenID tokens of identity pools: signed here, exchanged for credentials at STS.

Claims as AWS's tokens have them: ``sub`` is the identity, ``aud`` its pool, ``amr`` how it signed in.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from maycloud.access.webidentity import InvalidIdentityError, WebIdentity
from maycloud.edge.messages import Request, Response
from maycloud.services.cognito_identity.store import Pool
from maycloud.store import Store

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

PROVIDER = "cognito-identity.amazonaws.com"
ISSUER = f"https://{PROVIDER}"
PATH = "/_aws/cognito-identity/"
LIFETIME = 600  # seconds of a token from GetOpenIdToken
TAGS_CLAIM = "https://aws.amazon.com/tags"

_ALGORITHM = "RS512"
_KEY_FILE = "cognito-identity.key"

Claims = dict[str, Any]


class Tokens:
    """Signs and verifies with the service's one key, kept in a file that its owner alone reads."""

    def __init__(self, store: Store) -> None:
        self._path: Path = store.folder / _KEY_FILE
        self._clock = store.clock
        self._found: RSAKey | None = None
        self._making = asyncio.Lock()

    async def prepare(self) -> None:
        """Make or read the key, off the loop. Awaited before `sign`."""
        async with self._making:
            if self._found is None:
                self._found = await asyncio.to_thread(self._make)

    def _make(self) -> "RSAKey":
        from joserfc.jwk import RSAKey

        if not self._path.exists():
            key = RSAKey.generate_key(2048, private=True)
            temporary = self._path.with_suffix(".tmp")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key.as_pem(private=True))
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self._path)
        return RSAKey.import_key(self._path.read_bytes())

    def _key(self) -> "RSAKey | None":
        """The key if there is one already: without it no token was ever made."""
        if self._found is None and self._path.exists():
            self._found = self._make()
        return self._found

    def sign(self, pool: Pool, identity: str, methods: list[str], tags: dict[str, str], lifetime: int) -> str:
        """A token that says `identity` signed in by `methods`; `tags` become tags of the session."""
        from joserfc import jwt

        key = self._key()
        assert key is not None
        now = int(self._clock.time())
        pool_id = pool["IdentityPoolId"]
        claims: Claims = {
            "sub": identity,
            "aud": pool_id,
            "amr": methods,
            "iss": ISSUER,
            f"{ISSUER}/identity-pool-arn": pool_arn(pool),
            "exp": now + lifetime,
            "iat": now,
        }
        if tags:
            claims[TAGS_CLAIM] = {"principal_tags": {name: [value] for name, value in tags.items()}}
        header = {"alg": _ALGORITHM, "typ": "JWS", "kid": key.thumbprint()}
        return jwt.encode(header, claims, key, algorithms=[_ALGORITHM])

    def read(self, token: str) -> Claims:
        """The claims of a token of ours. Raises InvalidIdentityError; `expired` says if that is all."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        key = self._key()
        if key is None:
            raise InvalidIdentityError
        try:
            claims = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise InvalidIdentityError from error
        if claims.get("iss") != ISSUER:
            raise InvalidIdentityError
        if claims["exp"] <= self._clock.time():
            raise InvalidIdentityError(expired=claims["exp"])
        return claims

    def web_identity(self, token: str) -> WebIdentity:
        """What STS makes of a token."""
        claims = self.read(token)
        keys = {f"{PROVIDER}:{name}": claims[name] for name in ("aud", "amr", "sub")}
        return WebIdentity(PROVIDER, PROVIDER, claims["sub"], claims["aud"], keys, tags_of(claims))

    async def serve(self, request: Request) -> Response:
        """The discovery document and the key set, for those who verify tokens themselves."""
        if request.method not in ("GET", "HEAD"):
            return _answer(405, {"message": "Method Not Allowed"})
        name = request.path.removeprefix(PATH)
        if name == ".well-known/openid-configuration":
            host = request.header("host", "localhost")
            scheme = "https" if request.secure else "http"
            document = {
                "issuer": ISSUER,
                "jwks_uri": f"{scheme}://{host}{PATH}.well-known/jwks_uri",
                "authorization_endpoint": ISSUER,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
            }
            return _answer(200, document)
        if name == ".well-known/jwks_uri":
            await self.prepare()
            key = self._key()
            assert key is not None
            public = {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": _ALGORITHM, "use": "sig"}
            return _answer(200, {"keys": [public]})
        return _answer(404, {"message": "Not Found"})


def tags_of(claims: Claims) -> dict[str, str]:
    """The session's tags that a token of ours holds."""
    given = claims.get(TAGS_CLAIM, {}).get("principal_tags", {})
    return {name: values[0] for name, values in given.items()}


def pool_arn(pool: Pool) -> str:
    return (
        f"arn:aws:cognito-identity:{pool['Region']}:{pool['Account']}:identitypool/{pool['IdentityPoolId']}"
    )


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = [(b"content-type", b"application/json"), (b"access-control-allow-origin", b"*")]
    return Response(status, headers, orjson.dumps(body))
