"""Stages: a deployment under a name, with settings of its own."""

import re
from collections.abc import Sequence
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.apigateway import canaries, patch
from maycloud.services.apigateway.apis import check_tags
from maycloud.services.apigateway.patch import ANY, REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    conflict,
    given,
    moment,
    not_found,
    on,
    reading,
    service,
)
from maycloud.services.apigateway.store import Gateway
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

_STAGE = "/restapis/{restApiId}/stages/{stageName}"
_CACHE_SIZES = ("0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237")

# What a method's setting is until it is set. The level of logs is not shown until then.
# https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html
METHOD_DEFAULTS: dict[str, Any] = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10_000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}

# Where a patch path puts a method's setting
_SETTINGS: dict[str, tuple[str, patch.Parser]] = {
    "metrics/enabled": ("metricsEnabled", patch.as_flag),
    "logging/dataTrace": ("dataTraceEnabled", patch.as_flag),
    "logging/loglevel": ("loggingLevel", patch.as_text),
    "throttling/burstLimit": ("throttlingBurstLimit", patch.as_whole),
    "throttling/rateLimit": ("throttlingRateLimit", patch.as_number),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", patch.as_whole),
    "caching/enabled": ("cachingEnabled", patch.as_flag),
    "caching/dataEncrypted": ("cacheDataEncrypted", patch.as_flag),
    "caching/requireAuthorizationForCacheControl": ("requireAuthorizationForCacheControl", patch.as_flag),
    "caching/unauthorizedCacheControlHeaderStrategy": (
        "unauthorizedCacheControlHeaderStrategy",
        patch.as_text,
    ),
}
_CHOICES = {
    "loggingLevel": ("OFF", "ERROR", "INFO"),
    "unauthorizedCacheControlHeaderStrategy": (
        "FAIL_WITH_403",
        "SUCCEED_WITH_RESPONSE_HEADER",
        "SUCCEED_WITHOUT_RESPONSE_HEADER",
    ),
}

RULES = (
    Rule("/deploymentId"),
    Rule("/description", REMOVABLE),
    Rule("/cacheClusterEnabled", parse=patch.as_flag),
    Rule("/cacheClusterSize"),
    Rule("/clientCertificateId", REMOVABLE),
    Rule("/documentationVersion", REMOVABLE),
    Rule("/accessLogSettings", frozenset({"remove"})),
    Rule("/accessLogSettings/destinationArn", ANY),
    Rule("/accessLogSettings/format", ANY),
    *(
        Rule(f"/{where}/{setting}", REMOVABLE)
        for where in ("{resourcePath}/{httpMethod}", "*/*")
        for setting in _SETTINGS
    ),
    Rule("/variables/{variable_name}", ANY),
    Rule("/tracingEnabled", parse=patch.as_flag),
)
_PLAIN_RULES = tuple(rule for rule in RULES if "{httpMethod}" not in rule.path and "*" not in rule.path)
# As LocalStack recorded it of AWS (test_create_update_stages), slips of the pen included.
_EACH = "/{resourcePath}/{httpMethod}"
_KNOWN = (
    "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId,"
    " /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format,"
    f" {_EACH}/metrics/enabled, {_EACH}/logging/dataTrace, {_EACH}/logging/loglevel,"
    f" {_EACH}/throttling/burstLimit{_EACH}/throttling/rateLimit{_EACH}/caching/ttlInSeconds,"
    f" {_EACH}/caching/enabled, {_EACH}/caching/dataEncrypted,"
    f" {_EACH}/caching/requireAuthorizationForCacheControl,"
    f" {_EACH}/caching/unauthorizedCacheControlHeaderStrategy,"
    " /*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel,"
    " /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds,"
    " /*/*/caching/enabled, /*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl,"
    " /*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled"
)


def _refusal(operation: patch.Operation, rules: Sequence[Rule], matching: Sequence[Rule]) -> AwsError:
    if matching:
        return patch.in_full(operation, rules, matching)
    return bad_request(
        f"Invalid method setting path: {operation.get('path') or ''}. Must be one of: [{_KNOWN}]"
    )


def view(stage: Document, now: float) -> Document:
    """A stage as the operations show it: method settings with what the stage's own and AWS's defaults add."""
    settings = stage.get("methodSettings") or {}
    common = METHOD_DEFAULTS | settings.get("*/*", {})
    hidden = ("cacheCluster", "cacheClusterChanged")
    shown = {name: value for name, value in stage.items() if value not in (None, "") and name not in hidden}
    shown["cacheClusterStatus"] = _cluster_status(stage, now)
    shown["methodSettings"] = {key: common | own for key, own in settings.items()}
    shown["createdDate"] = moment(stage["createdDate"])
    shown["lastUpdatedDate"] = moment(stage["lastUpdatedDate"])
    if not shown.get("tags"):
        shown.pop("tags", None)
    return shown


def _cluster_status(stage: Document, now: float) -> str:
    """AWS takes about four minutes to make a cluster; here it works at once, and says so after a second."""
    enabled, changing = stage.get("cacheClusterEnabled"), now < stage.get("cacheClusterChanged", 0) + 1.0
    if enabled:
        return "CREATE_IN_PROGRESS" if changing else "AVAILABLE"
    return "DELETE_IN_PROGRESS" if changing else "NOT_AVAILABLE"


def new_stage(call: Call, api: Document, name: str, deployment: str, members: Document) -> Document:
    """Make and keep a stage. Raises for a name in use and for what Maycloud has not."""
    gateway: Gateway = call.state
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
        raise bad_request("Stage name only allows a-zA-Z0-9_-")
    if gateway.stage(call.scope, api["id"], name) is not None:
        raise conflict("Stage already exists")
    now = call.now()
    stage: Document = {
        "stageName": name,
        "deploymentId": deployment,
        "cacheClusterEnabled": False,
        "tracingEnabled": False,
        "methodSettings": {},
        "createdDate": now,
        "lastUpdatedDate": now,
        **given(
            members, "description", "variables", "cacheClusterEnabled", "cacheClusterSize", "tracingEnabled",
            "documentationVersion", "tags",
        ),
    }  # fmt: skip
    if members.get("canarySettings") is not None:
        stage["canarySettings"] = canaries.settings(members["canarySettings"], deployment)
    check_tags(stage.get("tags") or {})
    check_stage(stage, now)
    _check_deployments(call, api["id"], stage)
    gateway.put_stage(call.scope, api["id"], stage)
    return stage


def _check_deployments(call: Call, api: str, stage: Document) -> None:
    """That of the stage and that of its canary must be there."""
    canary = stage.get("canarySettings") or {}
    for deployment in (stage["deploymentId"], canary.get("deploymentId")):
        if deployment is not None and call.state.deployment(call.scope, api, deployment) is None:
            raise bad_request("Deployment id does not exist")


def check_stage(stage: Document, now: float) -> None:
    for name, value in (stage.get("variables") or {}).items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise bad_request(
                f"Invalid stage variable name: {name}. Please use alphanumeric characters and '_'."
            )
        if not re.fullmatch(r"[A-Za-z0-9 \-._~:/?#&=,]*", value):
            raise bad_request(
                f"Invalid stage variable value: {value}. Please use values with alphanumeric characters and"
                " the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
            )
    size = stage.get("cacheClusterSize")
    if size and size not in _CACHE_SIZES:
        raise bad_request(
            f"Invalid cache cluster size specified. Must be one of: [{', '.join(_CACHE_SIZES)}]"
        )
    if stage.get("cacheClusterEnabled"):
        stage.setdefault("cacheClusterSize", _CACHE_SIZES[0])
    # A cluster that is switched on, off or to another size is made, or taken away, from now on.
    cluster = [stage.get("cacheClusterEnabled", False), stage.get("cacheClusterSize")]
    if cluster[0] != bool(stage.get("cacheCluster", [False])[0]) or (
        cluster[0] and cluster != stage.get("cacheCluster")
    ):
        stage["cacheClusterChanged"] = now
    stage["cacheCluster"] = cluster
    logs = stage.get("accessLogSettings")
    if logs is None:
        return
    destination = logs.get("destinationArn")
    if destination:
        if not re.fullmatch(r"arn:aws[a-z-]*:(logs|firehose):[^:]*:\d{12}:.+", destination):
            raise bad_request("Invalid ARN specified in the request")
        # CloudWatch's ARNs of log groups may come with :* at the end.
        logs["destinationArn"] = destination.removesuffix(":*")
    _check_format(logs.get("format") or "$context.requestId")
    if not logs:
        del stage["accessLogSettings"]


def _check_format(text: str) -> None:
    if "\n" in text.removesuffix("\n"):
        raise bad_request(
            "Access Log format must be single line, new line character is allowed only at end of the format"
        )
    if "$context.requestId" not in text and "$context.extendedRequestId" not in text:
        raise bad_request("Access Log format must include $context.requestId or $context.extendedRequestId")


def stage_of(call: Call, params: Params) -> Document:
    gateway: Gateway = call.state
    api = api_of(call, params)
    found = gateway.stage(call.scope, api["id"], params["stageName"])
    if found is None:
        raise not_found("Invalid stage identifier specified")
    return found


@service.operation(**on("POST", "/restapis/{restApiId}/stages"))
def CreateStage(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html"""
    return view(
        new_stage(call, api_of(call, params), params["stageName"], params["deploymentId"], params), call.now()
    )


@service.operation(**reading(_STAGE))
def GetStage(call: Call, params: Params) -> Result:
    return view(stage_of(call, params), call.now())


@service.operation(**reading("/restapis/{restApiId}/stages"))
def GetStages(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    found = gateway.stages(call.scope, api_of(call, params)["id"])
    wanted = params.get("deploymentId")
    return {"item": [view(each, call.now()) for each in found if wanted in (None, each["deploymentId"])]}


@service.operation(**on("PATCH", _STAGE))
def UpdateStage(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch"""
    gateway: Gateway = call.state
    stage = stage_of(call, params)
    for operation in params.get("patchOperations") or []:
        path = operation.get("path") or ""
        if canaries.patch_stage(stage, operation, _KNOWN):
            continue
        if not _patch_setting(stage, operation):
            patch.apply(stage, [operation], _PLAIN_RULES if _is_plain(path) else RULES, _refusal)
    _check_deployments(call, params["restApiId"], stage)
    check_stage(stage, call.now())
    stage["lastUpdatedDate"] = call.now()
    gateway.put_stage(call.scope, params["restApiId"], stage)
    return view(stage, call.now())


def _is_plain(path: str) -> bool:
    return any(rule.match(path) for rule in _PLAIN_RULES)


def _patch_setting(stage: Document, operation: dict[str, Any]) -> bool:
    """Patch ``/{resourcePath}/{httpMethod}[/setting]``; False if the path is of something else.

    ``*/*`` is the stage as a whole. A resource's path has ``~1`` for its slashes.
    """
    path, op = operation.get("path") or "", operation.get("op") or ""
    parts = path.split("/")[1:]
    if _is_plain(path) or len(parts) not in (2, 4):
        return False
    settings: dict[str, Any] = stage.setdefault("methodSettings", {})
    key = _known_key(settings, "/".join(parts[:2]))
    if len(parts) == 2:
        if op != "remove":
            return False
        if key not in settings:
            raise bad_request(
                f"Cannot remove method setting {'/'.join(parts)} because there is no method setting for this"
                " method "
            )
        del settings[key]
        return True
    name = "/".join(parts[2:])
    if name not in _SETTINGS:
        raise bad_request(f"Invalid method setting path: {path}. Must be one of: [{_KNOWN}]")
    member, parse = _SETTINGS[name]
    if op == "remove":
        settings.get(key, {}).pop(member, None)
        if not settings.get(key):
            settings.pop(key, None)
        return True
    if op != "replace":
        raise bad_request(
            f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"
        )
    settings.setdefault(key, {})[member] = _setting(path, member, parse, operation.get("value") or "")
    return True


def _setting(path: str, member: str, parse: patch.Parser, value: str) -> Any:
    parsed = parse(path, value)
    if member in _CHOICES and parsed not in _CHOICES[member]:
        raise bad_request(f"Invalid value '{value}' specified for '{path}'. Must be one of: "
                          f"[{', '.join(_CHOICES[member])}]")  # fmt: skip
    if member == "cacheTtlInSeconds" and not 0 <= parsed <= 3600:
        raise bad_request("Cache TTL must be between 0 and 3600 seconds")
    return parsed


def _known_key(settings: dict[str, Any], key: str) -> str:
    """The key that settings of the same method have already: a resource may be named with and without ~1."""

    def plain(each: str) -> str:
        resource, _, method = each.partition("/")
        return f"{patch.unescaped(resource).strip('/')} {method}"

    return next((each for each in settings if plain(each) == plain(key)), key)


@service.operation(**on("DELETE", _STAGE))
def DeleteStage(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    stage_of(call, params)
    gateway.delete_stage(call.scope, params["restApiId"], params["stageName"])
    return None


@service.operation(**on("DELETE", _STAGE + "/cache/data"))
def FlushStageCache(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_FlushStageCache.html"""
    stage_of(call, params)
    gateway: Gateway = call.state
    gateway.plane.caches.flush(params["restApiId"], params["stageName"])
    return None


@service.operation(**on("DELETE", _STAGE + "/cache/authorizers"))
def FlushStageAuthorizersCache(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_FlushStageAuthorizersCache.html"""
    stage_of(call, params)
    gateway: Gateway = call.state
    gateway.plane.authorization.results.flush(params["restApiId"], params["stageName"])
    return None
