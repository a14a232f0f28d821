"""Usage plans, the keys in them, and what they have used.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from datetime import date
from typing import Any

from maycloud.services.apigateway import patch, quotas
from maycloud.services.apigateway.api_keys import key_of
from maycloud.services.apigateway.apis import check_tags
from maycloud.services.apigateway.patch import ANY, REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    bad_request,
    conflict,
    given,
    keys_of,
    not_found,
    on,
    page,
    reading,
    service,
    tersely,
)
from maycloud.services.apigateway.store import Gateway, new_id
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

MAX_DAYS = 90
_PLAN = "/usageplans/{usagePlanId}"
_MEMBER = _PLAN + "/keys/{keyId}"
_RULES = (
    Rule("/name"),
    Rule("/description", REMOVABLE),
    Rule("/productCode", REMOVABLE),
    Rule("/throttle", frozenset({"remove"})),
    Rule("/throttle/rateLimit", ANY, patch.as_number),
    Rule("/throttle/burstLimit", ANY, patch.as_whole),
    Rule("/quota", frozenset({"remove"})),
    Rule("/quota/limit", ANY, patch.as_whole),
    Rule("/quota/offset", ANY, patch.as_whole),
    Rule("/quota/period", ANY),
)
_LIMITS: dict[str, patch.Parser] = {"rateLimit": patch.as_number, "burstLimit": patch.as_whole}


def view(plan: Document) -> Document:
    shown = given(plan, "id", "name", "description", "productCode", "throttle", "quota")
    shown["apiStages"] = plan["apiStages"]
    shown["tags"] = plan.get("tags") or {}
    return shown


def _tersely(plan: Document) -> Document:
    return tersely(view(plan))


def plan_of(call: Call, params: Params) -> Document:
    found = keys_of(call).plan(call.scope, params["usagePlanId"])
    if found is None:
        raise not_found("Invalid Usage Plan ID specified")
    return found


def _check(call: Call, plan: Document) -> None:
    gateway: Gateway = call.state
    if not plan.get("name"):
        raise bad_request("Usage Plan name must be set")
    for each in plan["apiStages"]:
        api, stage = each.get("apiId") or "", each.get("stage") or ""
        if gateway.stage(call.scope, api, stage) is None:
            raise bad_request(f"API Stage not found: {api}:{stage}")
        for limits in (each.get("throttle") or {}).values():
            _check_throttle(limits)
    if plan.get("throttle"):
        _check_throttle(plan["throttle"])
    if plan.get("quota"):
        plan["quota"].setdefault("offset", 0)
        quotas.check_quota(plan["quota"])


def _check_throttle(throttle: Document) -> None:
    if throttle.get("burstLimit", 0) < 0 or throttle.get("rateLimit", 0.0) < 0:
        raise bad_request("Usage Plan throttle limits must not be negative")


@service.operation(**on("POST", "/usageplans"))
def CreateUsagePlan(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlan.html"""
    plan: Document = {
        "id": new_id(6),
        **given(params, "name", "description", "throttle", "quota"),
        "apiStages": [dict(each) for each in params.get("apiStages") or []],
        "tags": check_tags(dict(params.get("tags") or {})),
    }
    _check(call, plan)
    keys_of(call).save_plan(call.scope, plan)
    return _tersely(plan)


@service.operation(**reading(_PLAN))
def GetUsagePlan(call: Call, params: Params) -> Result:
    return view(plan_of(call, params))


@service.operation(**reading("/usageplans"))
def GetUsagePlans(call: Call, params: Params) -> Result:
    keys = keys_of(call)
    key = params.get("keyId")
    return page(params, keys.plans_of(call.scope, key) if key else keys.plans(call.scope), _tersely)


@service.operation(**on("PATCH", _PLAN))
def UpdateUsagePlan(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateUsagePlan-Patch"""
    plan = plan_of(call, params)
    for operation in params.get("patchOperations") or []:
        if (operation.get("path") or "").startswith("/apiStages"):
            _patch_stages(plan, operation)
        else:
            patch.apply(plan, [operation], _RULES)
    _check(call, plan)
    keys_of(call).save_plan(call.scope, plan)
    return view(plan)


def _patch_stages(plan: Document, operation: dict[str, Any]) -> None:
    """``/apiStages`` with ``api:stage``, or ``/apiStages/api:stage/throttle/path/METHOD/rateLimit``."""
    path, op = operation["path"], operation.get("op") or ""
    parts = path.split("/")[1:]
    named = operation.get("value") or "" if len(parts) == 1 else parts[1]
    api, _, stage = named.partition(":")
    found = next((each for each in plan["apiStages"] if (each["apiId"], each["stage"]) == (api, stage)), None)
    if len(parts) == 1 and op == "add":
        if found is not None:
            raise conflict(f"API Stage {named} is already associated with the usage plan")
        plan["apiStages"].append({"apiId": api, "stage": stage})
        return
    if found is None:
        raise not_found(f"API Stage not found: {named}")
    if len(parts) == 1 and op == "remove":
        plan["apiStages"].remove(found)
        return
    if len(parts) < 3 or parts[2] != "throttle" or op not in ANY:
        raise bad_request(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported"
                          " operations")  # fmt: skip
    _patch_throttle(found, path, parts[3:], op, operation.get("value") or "")


def _patch_throttle(stage: Document, path: str, parts: list[str], op: str, value: str) -> None:
    """Limits of one method of a stage, by ``/path/METHOD``."""
    throttle: Document = stage.setdefault("throttle", {})
    limit = parts[-1] if parts and parts[-1] in _LIMITS else None
    named = "/".join(patch.unescaped(part) for part in (parts[:-1] if limit else parts))
    key = named if named.startswith("/") else f"/{named}"
    if op != "remove":
        if limit is None:
            raise bad_request(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported"
                              " operations")  # fmt: skip
        throttle.setdefault(key, {})[limit] = _LIMITS[limit](path, value)
    elif not parts:
        throttle.clear()
    elif limit is None:
        throttle.pop(key, None)
    else:
        throttle.get(key, {}).pop(limit, None)
    if not throttle:
        del stage["throttle"]


@service.operation(**on("DELETE", _PLAN))
def DeleteUsagePlan(call: Call, params: Params) -> Result:
    plan = plan_of(call, params)
    if plan["apiStages"]:
        raise bad_request(
            f"Usage Plan {plan['id']} cannot be deleted until all associated API stages are removed"
        )
    keys_of(call).delete_plan(call.scope, plan["id"])
    return None


# Keys in plans


def _member_view(call: Call, key: Document) -> Document:
    return {"id": key["id"], "type": "API_KEY", "value": keys_of(call).value(key), **given(key, "name")}


def _member_of(call: Call, params: Params) -> Document:
    plan, keys = plan_of(call, params), keys_of(call)
    if not keys.is_member(call.scope, plan["id"], params["keyId"]):
        raise not_found("Invalid Usage Plan Key identifier specified")
    return key_of(call, params["keyId"])


@service.operation(**on("POST", _PLAN + "/keys"))
def CreateUsagePlanKey(call: Call, params: Params) -> Result:
    plan, keys = plan_of(call, params), keys_of(call)
    if params["keyType"] != "API_KEY":
        raise bad_request("Invalid key type specified. Must be one of: [API_KEY]")
    key = key_of(call, params["keyId"])
    if keys.is_member(call.scope, plan["id"], key["id"]):
        raise conflict(f"Usage Plan Key {key['id']} already exists in the usage plan")
    keys.join(call.scope, plan["id"], key["id"])
    return _member_view(call, key)


@service.operation(**reading(_MEMBER))
def GetUsagePlanKey(call: Call, params: Params) -> Result:
    return _member_view(call, _member_of(call, params))


@service.operation(**reading(_PLAN + "/keys"))
def GetUsagePlanKeys(call: Call, params: Params) -> Result:
    name = params.get("nameQuery") or ""
    members = keys_of(call).members(call.scope, plan_of(call, params)["id"])
    found = [key for key in members if key.get("name", "").startswith(name)]
    return page(params, found, lambda key: _member_view(call, key))


@service.operation(**on("DELETE", _MEMBER))
def DeleteUsagePlanKey(call: Call, params: Params) -> Result:
    key = _member_of(call, params)
    keys_of(call).leave(call.scope, params["usagePlanId"], key["id"])
    return None


# Usage


@service.operation(**reading(_PLAN + "/usage"))
def GetUsage(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html"""
    plan, keys = plan_of(call, params), keys_of(call)
    first, last = _day(params["startDate"]), _day(params["endDate"])
    if last < first or (last - first).days >= MAX_DAYS:
        raise bad_request(f"Invalid date range: it must be of 1 to {MAX_DAYS} days")
    members = [_member_of(call, params)] if params.get("keyId") else keys.members(call.scope, plan["id"])
    shown = page(params, members, dict)
    items = {key["id"]: quotas.usage(keys, plan, key["id"], first, last) for key in shown["items"]}
    return {**shown, "usagePlanId": plan["id"], "startDate": f"{first}", "endDate": f"{last}", "items": items}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_request(f"Invalid date format: {text}. Must be YYYY-MM-DD") from None


@service.operation(**on("PATCH", _MEMBER + "/usage"))
def UpdateUsage(call: Call, params: Params) -> Result:
    """Set what is left of the quota in the period at hand: ``replace /remaining``."""
    plan, key, keys = plan_of(call, params), _member_of(call, params), keys_of(call)
    if not plan.get("quota"):
        raise bad_request("Usage Plan has no quota")
    day = quotas.today(call.now())
    for operation in params.get("patchOperations") or []:
        changed: Document = {}
        patch.apply(changed, [operation], (Rule("/remaining", parse=patch.as_whole),))
        start = f"{quotas.start_of(plan['quota'], day)}"
        granted = keys.extension(plan["id"], key["id"], start)
        missing = changed["remaining"] - quotas.left(keys, plan, key["id"], day)
        keys.set_extension(plan["id"], key["id"], start, granted + missing)
    usage = quotas.usage(keys, plan, key["id"], day, day)
    return {
        "usagePlanId": plan["id"],
        "startDate": f"{day}",
        "endDate": f"{day}",
        "items": {key["id"]: usage},
    }
