"""One request on its way through an API: what all steps read of it."""

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from maycloud.access.policies import Policy
from maycloud.edge.messages import Request
from maycloud.principal import Principal
from maycloud.services.apigateway.mapping import MappingInput
from maycloud.services.apigateway.plans import MethodPlan, StagePlan
from maycloud.services.apigateway.proxy import headers_of, query_of
from maycloud.store import Scope


@dataclass(slots=True)
class Exchange:
    """A request matched to an API's stage, resource and method."""

    request: Request
    body: bytes
    scope: Scope
    api: str
    stage_name: str
    path: str  # below the stage, as sent
    domain: str
    request_id: str
    extended_id: str
    begun: float  # clock time
    stage: dict[str, Any]
    deployment: Any
    stage_plan: StagePlan
    plan: MethodPlan | None = None
    resource: Any = None
    method: dict[str, Any] = field(default_factory=dict[str, Any])
    path_parameters: dict[str, str] = field(default_factory=dict[str, str])
    principal: Principal | None = None  # the caller, where the method asks for IAM
    authorizer: dict[str, Any] | None = None  # $context.authorizer
    policy: Policy | None = None  # what a Lambda authorizer answered
    usage_key: str | None = None  # the API key that a Lambda authorizer named
    api_key: dict[str, Any] | None = None  # the key that let the request in
    was_cached: bool | None = None  # None where the method's answers are not cached
    integration_latency: float = 0.0
    trail: list[str] | None = None  # what the execution log of a trial tells, step by step
    _data: MappingInput | None = None
    _headers: tuple[dict[str, str], dict[str, list[str]]] | None = None
    _query: tuple[dict[str, str] | None, dict[str, list[str]] | None] | None = None

    @property
    def variables(self) -> dict[str, str]:
        return self.stage.get("variables") or {}

    @property
    def headers(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        if self._headers is None:
            single, many = headers_of(self.request)
            if self.trail is None:
                for name, value in self._forwarded(single).items():
                    single[name], many[name] = value, [value]
            self._headers = single, many
        return self._headers

    @property
    def is_canary(self) -> str:
        """``$context.isCanaryRequest``."""
        return "true" if self.stage_plan.is_canary else "false"

    def forget_headers(self) -> None:
        self._headers = None

    def _forwarded(self, sent: dict[str, str]) -> dict[str, str]:
        """What API Gateway adds to a request's headers: LocalStack's test_lambda_aws_proxy_integration."""
        known = {name.lower(): name for name in sent}
        hops = sent.get(known.get("x-forwarded-for", ""))
        port = self.request.fields.get(b"host", b"").rpartition(b":")[2]
        added = {
            "X-Amzn-Trace-Id": self.trace_id,
            "X-Forwarded-For": f"{hops}, {self.request.peer}" if hops else self.request.peer,
            "X-Forwarded-Port": port.decode() if port.isdigit() else "443",
            "X-Forwarded-Proto": "https",
        }
        return {known.get(name.lower(), name): value for name, value in added.items()}

    @property
    def trace_id(self) -> str:
        """The client's own trace, or one begun with this request."""
        given = self.request.fields.get(b"x-amzn-trace-id")
        if given is not None:
            return given.decode("latin-1")
        unique = f"{self.request_id}{self.extended_id}".replace("-", "")
        return f"Root=1-{int(self.begun):08x}-{unique[:24]}"

    @property
    def query(self) -> tuple[dict[str, str] | None, dict[str, list[str]] | None]:
        if self._query is None:
            self._query = query_of(self.request.query)
        return self._query

    def note(self, line: str) -> None:
        if self.trail is not None:
            self.trail.append(line)

    @property
    def resource_path(self) -> str:
        return self.resource["path"] if self.resource else self.path

    def method_arn(self, *, path: str | None = None) -> str:
        """``arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path``."""
        account, region = self.scope
        return (
            f"arn:aws:execute-api:{region}:{account}:{self.api}/{self.stage_name}/{self.request.method}"
            f"{_canonical(self.path) if path is None else path}"
        )

    def identity(self) -> dict[str, Any]:
        agent = self.request.fields.get(b"user-agent")
        caller = self.principal
        key = self.api_key
        pool = _identity_pool(caller) if caller and caller.context else {}
        return {
            "accessKey": caller.access_key if caller else None,
            "accountId": caller.account if caller else None,
            "caller": caller.id if caller else None,
            "cognitoAuthenticationProvider": pool.get("cognitoAuthenticationProvider"),
            "cognitoAuthenticationType": pool.get("cognitoAuthenticationType"),
            "cognitoIdentityId": pool.get("cognitoIdentityId"),
            "cognitoIdentityPoolId": pool.get("cognitoIdentityPoolId"),
            "principalOrgId": None,
            "sourceIp": self.request.peer,
            "user": caller.id if caller else None,
            "userAgent": agent.decode("latin-1") if agent is not None else None,
            "userArn": caller.arn if caller else None,
            **({"apiKey": key["value"], "apiKeyId": key["id"]} if key else {}),
        }

    def request_context(self) -> dict[str, Any]:
        """``requestContext`` of a proxy event, and most of ``$context``."""
        context: dict[str, Any] = {
            "resourceId": self.resource["id"] if self.resource else None,
            "resourcePath": self.resource_path,
            "httpMethod": self.request.method,
            "extendedRequestId": self.extended_id,
            "requestTime": _clf(self.begun),
            "path": f"/{self.stage_name}{self.path}",
            "accountId": self.scope[0],
            "protocol": "HTTP/1.1",
            "stage": self.stage_name,
            "domainPrefix": self.domain.partition(".")[0],
            "requestTimeEpoch": int(self.begun * 1000),
            "requestId": self.request_id,
            "identity": self.identity(),
            "domainName": self.domain,
            "deploymentId": self.stage.get("deploymentId"),
            "apiId": self.api,
        }
        if self.authorizer is not None:
            context["authorizer"] = self.authorizer
        return context

    def data(self) -> MappingInput:
        """The request as templates see it; made when something asks for it."""
        if self._data is None:
            self._data = MappingInput(
                self.body,
                self.path_parameters,
                self.query[1] or {},
                {name.lower(): values for name, values in self.headers[1].items()},
                self.request_context() | {"isCanaryRequest": self.is_canary},
                self.variables,
                written={name.lower(): name for name in self.headers[1]},
            )
        return self._data


def _identity_pool(caller: Principal) -> dict[str, Any]:
    """What an identity pool said of the caller whose credentials it gave."""
    said, prefix = caller.context, "cognito-identity.amazonaws.com:"
    methods: list[str] = said.get(f"{prefix}amr") or []
    return {
        "cognitoIdentityId": said.get(f"{prefix}sub"),
        "cognitoIdentityPoolId": said.get(f"{prefix}aud"),
        "cognitoAuthenticationType": methods[0] if methods else None,
        "cognitoAuthenticationProvider": ",".join(methods[1:]) or None,
    }


_PATH_CHARACTERS = "!$&'()*+,;=:@~"  # pchar of RFC 3986, less the percent sign


def _canonical(path: str) -> str:
    """A path spelled in one way: what is routed alike must be one resource to policies.

    Percent-encoding of what need not be encoded is undone (``/%61dmin``), and one slash at the end
    dropped, as the router does.
    """
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    if "%" not in path:
        return path
    return "/".join(quote(unquote(part), safe=_PATH_CHARACTERS) for part in path.split("/"))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _clf(moment: float) -> str:
    """``09/Apr/2015:12:34:56 +0000``, whatever the locale."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day:02d}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"


class RequestIds:
    """Request ids and extended ones, as API Gateway's look; the random bytes are fetched many at a time."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0

    def next(self) -> tuple[str, str]:
        at = self._at
        if at + 48 > len(self._text):
            self._text, at = os.urandom(2400).hex(), 0
        self._at = at + 48
        text = self._text[at : at + 48]
        identifier = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
        return identifier, f"{text[32:]}="


def elapsed(since: float) -> float:
    """Milliseconds since a perf_counter reading."""
    return (time.perf_counter() - since) * 1000
