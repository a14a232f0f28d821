"""TestInvokeAuthorizer: an authorizer asked as a request would, without a request.

https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeAuthorizer.html
"""

import time
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.edge.messages import RawHeaders, Request
from maycloud.services.apigateway import cognito_authorizers, lambda_authorizers
from maycloud.services.apigateway.authorizers import AUTHORIZER_PATH, authorizer_of
from maycloud.services.apigateway.exchange import Exchange, RequestIds, elapsed
from maycloud.services.apigateway.gateway_responses import DEFAULTS, GatewayError
from maycloud.services.apigateway.plans import make_plan
from maycloud.services.apigateway.service import api_of, on, service
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

STAGE = "ESTestInvoke-stage"  # as AWS names it in the methodArn that functions see


@service.operation(**on("POST", AUTHORIZER_PATH), atomic=False)
async def TestInvokeAuthorizer(call: Call, params: Params) -> Result:
    """Status, and the policy or the claims. A Cognito authorizer takes ID tokens only here, as on AWS."""
    api = api_of(call, params)
    authorizer = authorizer_of(api, params["authorizerId"])
    exchange = _exchange(call, api, params)
    begun = time.perf_counter()
    lines = [f"Execution log for request {exchange.request_id}", f"Starting authorizer: {authorizer['id']}"]
    try:
        found = await _ask(call, exchange, authorizer)
        status = 200
        lines.append("Using valid authorizer policy for principal" if "policy" in found else "Valid token")
    except GatewayError as error:
        found, status = {}, DEFAULTS[error.type][0]
        lines.append(f"{error.message or DEFAULTS[error.type][1] or 'Authorizer error'}")
    moment = datetime.fromtimestamp(call.now(), UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    log = "\n".join([lines[0], *(f"{moment} : {line}" for line in lines[1:])])
    return {"clientStatus": status, "latency": int(elapsed(begun)), "log": log, **found}


async def _ask(call: Call, exchange: Exchange, authorizer: Document) -> Document:
    if authorizer["type"] == "COGNITO_USER_POOLS":
        token = cognito_authorizers.bearer_of(exchange, authorizer)
        claimant = cognito_authorizers.verify(call.cloud, authorizer, token, "id")
        return {"claims": claimant.context["claims"]}
    lambda_authorizers.identity_of(exchange, authorizer)
    verdict = await lambda_authorizers.ask(call.cloud, exchange, authorizer)
    context = {name: [value] for name, value in verdict.context.items() if isinstance(value, str)}
    principal = context.pop("principalId")[0]
    policy = orjson.dumps(verdict.document).decode()
    return {"principalId": principal, "policy": policy, "authorization": context}


def _exchange(call: Call, api: Document, params: Params) -> Exchange:
    """The simulated request; `additionalContext` has no place in it but as stage variables have."""
    headers: dict[str, list[str]] = {name: [value] for name, value in (params.get("headers") or {}).items()}
    headers |= params.get("multiValueHeaders") or {}
    raw: RawHeaders = [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, values in headers.items()
        for value in values
    ]
    path = params.get("pathWithQueryString") or "/"
    request = Request("GET", path, raw, (params.get("body") or "").encode(), call.source_ip, secure=True)
    variables: dict[str, Any] = params.get("stageVariables") or {}
    stage = {"stageName": STAGE, "variables": variables}
    request_id, extended_id = RequestIds().next()
    return Exchange(
        request, request.body if isinstance(request.body, bytes) else b"", call.scope, api["id"], STAGE,
        request.path, "testPrefix.testDomainName", request_id, extended_id, call.now(), stage, api,
        make_plan(call.scope, api["id"], stage, api),
    )  # fmt: skip
