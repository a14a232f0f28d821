"""Canary releases: a part of a stage's requests goes to another deployment, with variables of its own.

As recorded of AWS in LocalStack's tests/aws/services/apigateway/test_apigateway_canary.snapshot.json;
https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
"""

from typing import Any

from maycloud.services.apigateway import patch
from maycloud.services.apigateway.service import bad_request
from maycloud.store import Document

_PATH = "/canarySettings"
_COPIES = {
    f"{_PATH}/deploymentId": "/deploymentId",
    f"{_PATH}/stageVariableOverrides": "/variables",
}


def settings(given: Document, deployment: str) -> Document:
    """A stage's canarySettings, of those that a request gives."""
    overrides = given.get("stageVariableOverrides")
    made: Document = {
        "deploymentId": given.get("deploymentId") or deployment,
        "percentTraffic": _percent(given.get("percentTraffic", 0.0)),
        "useStageCache": bool(given.get("useStageCache", False)),
    }
    return made | ({"stageVariableOverrides": dict(overrides)} if overrides else {})


def _percent(value: float) -> float:
    if not 0 <= value <= 100:
        raise bad_request("Percent traffic must be between 0 and 100")
    return float(value)


def release(stage: Document | None, name: str | None, given: Document, deployment: str) -> Document:
    """The stage that a canary deployment is made for, with the deployment as its canary."""
    if not name:
        raise bad_request(
            "Invalid deployment content specified.Non null and non empty stageName must be provided for"
            f" canary deployment. Provided value is {'null' if name is None else name}"
        )
    if stage is None:
        raise bad_request(
            f"Invalid deployment content specified.Stage {name} must already be created before making a"
            " canary release deployment"
        )
    return stage | {"canarySettings": settings(given | {"deploymentId": deployment}, deployment)}


def patch_stage(stage: Document, operation: dict[str, Any], known: str) -> bool:
    """Carry out an operation on a stage's canary; False if it is of something else."""
    path, op = operation.get("path") or "", operation.get("op") or ""
    if op == "copy":
        _copy(stage, operation)
        return True
    if path != _PATH and not path.startswith(f"{_PATH}/"):
        return False
    canary: Document = stage.get("canarySettings") or {}
    parts = patch.parts_of(path)[1:]
    if op == "remove":
        _remove(stage, canary, parts)
    elif op == "add" and parts[:1] != ["stageVariableOverrides"]:
        raise bad_request(f"Invalid add operation with path: {path}")
    else:
        made = canary or settings({}, stage["deploymentId"])
        _set(made, parts, path, operation.get("value") or "", known)
        stage["canarySettings"] = made
    return True


def _set(canary: Document, parts: list[str], path: str, value: str, known: str) -> None:
    if len(parts) == 2 and parts[0] == "stageVariableOverrides":
        canary["stageVariableOverrides"] = {**canary.get("stageVariableOverrides", {}), parts[1]: value}
    elif parts == ["deploymentId"]:
        canary["deploymentId"] = value
    elif parts == ["percentTraffic"]:
        canary["percentTraffic"] = _percent(patch.as_number(path, value))
    elif parts == ["useStageCache"]:
        canary["useStageCache"] = patch.as_flag(path, value)
    else:
        raise bad_request(f"Invalid method setting path: {path}. Must be one of: [{known}]")


def _remove(stage: Document, canary: Document, parts: list[str]) -> None:
    overrides = dict(canary.get("stageVariableOverrides", {}))
    if not parts:
        stage.pop("canarySettings", None)
    elif len(parts) == 2 and parts[0] == "stageVariableOverrides" and parts[1] in overrides:
        del overrides[parts[1]]
        stage["canarySettings"] = canary | {"stageVariableOverrides": overrides}
    else:
        raise bad_request(
            f"Cannot remove method setting canarySettings/{'/'.join(parts)} because there is no method"
            " setting for this method "
        )


def _copy(stage: Document, operation: dict[str, Any]) -> None:
    """What a canary has proved becomes the stage's own: a promotion."""
    source, path = operation.get("from") or "", operation.get("path") or ""
    canary: Document = stage.get("canarySettings") or {}
    if _COPIES.get(source) != path or not canary:
        raise bad_request(
            f"Invalid copy operation with path: {path} and from {source}. Valid copy:path are"
            f" [{', '.join(_COPIES.values())}] and valid copy:from are [{', '.join(_COPIES)}]"
        )
    if path == "/deploymentId":
        stage["deploymentId"] = canary["deploymentId"]
    else:
        overrides = canary.get("stageVariableOverrides", {})
        stage["variables"] = {**(stage.get("variables") or {}), **overrides}
