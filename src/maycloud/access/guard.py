"""Who calls, and may they? Signatures verified, policies evaluated, decisions cached, denials remembered."""

import logging
from collections import deque
from collections.abc import Callable, Container
from typing import Any
from urllib.parse import unquote

from maycloud.access import failures, post
from maycloud.access.authentication import Authenticated, Authenticator
from maycloud.access.authorization import Authorizer
from maycloud.access.identities import Identities
from maycloud.access.webidentity import Verifier
from maycloud.edge.messages import Request
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Context, Policy
from maycloud.store import Store

log = logging.getLogger("maycloud.access")

ADMIN_ACCOUNT = "000000000000"


class Access:
    """The access layer of one cloud. `denials` holds the last refusals, newest last, for `may status`."""

    def __init__(self, store: Store, admin_secret: str) -> None:
        self.identities = Identities(store, admin_secret)
        self.web_identities: dict[str, Verifier] = {}  # by the issuer of their tokens
        self.denials: deque[dict[str, Any]] = deque(maxlen=200)
        self._clock = store.clock
        self._authenticator = Authenticator(self.identities, store.clock)
        self._authorizer = Authorizer(self.identities, store)

    def peek(self, request: Request) -> tuple[str, str] | None:
        """Signing name and region that the credential scope claims, unverified; None without a signature."""
        header = request.fields.get(b"authorization")
        if header is not None:
            start = header.find(b"Credential=")
            if start < 0:
                return None
            scope = header[start + 11 :].partition(b",")[0].decode("latin-1").strip()
        elif "X-Amz-Credential=" in request.query:
            scope = unquote(request.query.partition("X-Amz-Credential=")[2].partition("&")[0])
        else:
            return None
        parts = scope.split("/")
        return (parts[-2], parts[-3]) if len(parts) >= 5 else None

    def authenticate(self, request: Request, family: str, service: str | None = None) -> Authenticated:
        return self._authenticator.authenticate(request, family, service)

    @property
    def allowed(self) -> Container[tuple[Principal, str, str]]:
        """Actions on resources that are known to be allowed to a principal, whatever the circumstances."""
        return self._authorizer.allowed

    def authenticate_form(self, fields: dict[str, str]) -> Principal | None:
        """Who signed a browser's form, by its fields; None if it is not signed. Raises S3's refusals."""
        return post.authenticate(self.identities, self._clock, fields)

    def missing_token(self, family: str) -> AwsError:
        return failures.missing_token(family)

    def is_administrator(self, principal: Principal) -> bool:
        """Whether it may use ``/_may/``: whoever may do anything in the home account."""
        return principal.account == ADMIN_ACCOUNT and self.is_unlimited(principal)

    def is_unlimited(self, principal: Principal) -> bool:
        """Whether it may do anything in its own account."""
        return self._authorizer.is_unlimited(principal)

    def authorize(
        self,
        call: Call,
        action: str,
        resource: str,
        context: Context | Callable[[], Context] | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Raises AccessDeniedError, and remembers it, unless the policies allow the action."""
        error = self._authorizer.check(call, action, resource, context, policy)
        if error is None:
            return
        self.remember_denial(call.principal.arn, action, resource, error.reason)
        raise error

    def remember_denial(self, principal: str, action: str, resource: str, reason: str) -> None:
        """For `may status` and the log: who lacks what, and why."""
        self.denials.append(
            {
                "time": self._clock.time(),
                "principal": principal,
                "action": action,
                "resource": resource,
                "reason": reason,
            }
        )
        log.warning("denied: %s lacks %s on %s (%s)", principal, action, resource, reason)
