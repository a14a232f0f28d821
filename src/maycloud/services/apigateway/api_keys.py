"""API keys: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-setup-api-key-with-console.html"""

import csv
import io

from maycloud.services.apigateway import patch
from maycloud.services.apigateway.apis import check_tags
from maycloud.services.apigateway.key_store import Keys
from maycloud.services.apigateway.patch import REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    bad_request,
    conflict,
    given,
    keys_of,
    moment,
    not_found,
    on,
    page,
    reading,
    service,
)
from maycloud.services.apigateway.store import new_id
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

MIN_VALUE, MAX_VALUE = 20, 128
_KEY = "/apikeys/{apiKey}"
_RULES = (
    Rule("/name"),
    Rule("/description", REMOVABLE),
    Rule("/enabled", parse=patch.as_flag),
    Rule("/customerId", REMOVABLE),
    Rule("/stages", patch.LISTED, members=True),
)


def view(keys: Keys, key: Document, with_value: bool = False) -> Document:
    shown = given(key, "id", "name", "description", "customerId", "enabled")
    shown["stageKeys"] = key.get("stages") or []
    if key.get("tags"):
        shown["tags"] = key["tags"]
    for member in ("createdDate", "lastUpdatedDate"):
        shown[member] = moment(key[member])
    if with_value:
        shown["value"] = keys.value(key)
    return shown


def key_of(call: Call, identifier: str) -> Document:
    found = keys_of(call).get(call.scope, identifier)
    if found is None:
        raise not_found("Invalid API Key identifier specified")
    return found


def _stage(key: Document) -> str:
    if not key.get("restApiId") or not key.get("stageName"):
        raise bad_request("Invalid stage identifier specified")
    return f"{key['restApiId']}/{key['stageName']}"


def _make(call: Call, members: Document) -> Document:
    keys, now = keys_of(call), call.now()
    value = members.get("value") or new_id(40)
    if not MIN_VALUE <= len(value) <= MAX_VALUE:
        side = "at least 20" if len(value) < MIN_VALUE else "at most 128"
        raise bad_request(f"API Key value should be {side} characters")
    if keys.is_taken(call.scope, value):
        raise conflict("API Key already exists")
    key: Document = {
        "id": new_id(),
        "enabled": False,
        "createdDate": now,
        "lastUpdatedDate": now,
        "stages": [_stage(each) for each in members.get("stageKeys") or []],
        **given(members, "name", "description", "customerId", "enabled"),
        "tags": check_tags(dict(members.get("tags") or {})),
    }
    keys.create(call.scope, key, value)
    return key


@service.operation(**on("POST", "/apikeys"))
def CreateApiKey(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html"""
    return view(keys_of(call), _make(call, params), with_value=True)


@service.operation(**reading(_KEY))
def GetApiKey(call: Call, params: Params) -> Result:
    return view(keys_of(call), key_of(call, params["apiKey"]), bool(params.get("includeValue")))


@service.operation(**reading("/apikeys"))
def GetApiKeys(call: Call, params: Params) -> Result:
    keys = keys_of(call)
    name, customer = params.get("nameQuery") or "", params.get("customerId")
    found = [
        key
        for key in keys.all(call.scope)
        if key.get("name", "").startswith(name) and customer in (None, key.get("customerId"))
    ]
    return page(params, found, lambda key: view(keys, key, bool(params.get("includeValues"))))


@service.operation(**on("PATCH", _KEY))
def UpdateApiKey(call: Call, params: Params) -> Result:
    keys, key = keys_of(call), key_of(call, params["apiKey"])
    patch.apply(key, params.get("patchOperations"), _RULES)
    key["lastUpdatedDate"] = call.now()
    keys.save(call.scope, key)
    # Recorded of AWS: the answer to an update has tags, if only to say that there are none.
    return {"tags": {}} | view(keys, key)


@service.operation(**on("DELETE", _KEY))
def DeleteApiKey(call: Call, params: Params) -> Result:
    keys_of(call).delete(call.scope, key_of(call, params["apiKey"]))
    return None


_COLUMNS = {"name": "name", "key": "value", "description": "description", "enabled": "enabled",
            "usageplanids": "plans"}  # fmt: skip


@service.operation(**on("POST", "/apikeys"))
def ImportApiKeys(call: Call, params: Params) -> Result:
    """Keys from a CSV file with the columns name, key, description, enabled and usageplanIds.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-key-file-format.html
    """
    if params["format"] != "csv":
        raise bad_request("Invalid API keys format specified. Must be one of: [csv]")
    try:
        lines = csv.DictReader(io.StringIO(params["body"].decode("utf-8-sig")), strict=True)
        rows = [
            {_COLUMNS[name.strip().lower()]: (value or "").strip() for name, value in row.items() if name}
            for row in lines
        ]
    except (UnicodeDecodeError, csv.Error, KeyError, AttributeError):
        raise bad_request("Failed to parse API key CSV") from None
    identifiers: list[str] = []
    warnings: list[str] = []
    for row in rows:
        if not row.get("name") or not row.get("value"):
            raise bad_request("API key CSV must have the columns name and key in every row")
        members: Document = {**row, "enabled": row.get("enabled", "").lower() == "true"}
        if keys_of(call).is_taken(call.scope, row["value"]):
            warnings.append(f"API Key '{row['name']}' already exists")
            continue
        key = _make(call, members)
        identifiers.append(key["id"])
        for plan in [each.strip() for each in row.get("plans", "").split(",") if each.strip()]:
            if keys_of(call).plan(call.scope, plan) is None:
                warnings.append(f"Invalid Usage Plan ID specified: {plan}")
            else:
                keys_of(call).join(call.scope, plan, key["id"])
    if warnings and params.get("failOnWarnings"):
        raise bad_request("Warnings found during import:\n\t" + "\n\t".join(warnings))
    return {"ids": identifiers, "warnings": warnings}
