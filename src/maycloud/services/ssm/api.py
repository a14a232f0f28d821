"""AWS Systems Manager's Parameter Store.

https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
"""

import re
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.ssm.store import Parameters
from maycloud.services.tokens import is_number
from maycloud.store import Document

MAX_VERSIONS = 100
MAX_VALUE = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}

_NAME = re.compile(r"/?[a-zA-Z0-9_.-]+(?:/[a-zA-Z0-9_.-]+)*")
_LABEL = re.compile(r"[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}")

service = Service("ssm", state=Parameters)


def _arn(call: Call, name: str) -> str:
    return f"arn:aws:ssm:{call.region}:{call.account}:parameter/{name.removeprefix('/')}"


def _bare(call: Call, name: str) -> str:
    """A parameter's name in a name or ARN, without version or label."""
    if name.startswith("arn:"):
        name = name.partition(":parameter")[2]
        own = call.state.documents.get(call.scope, name.removeprefix("/").partition(":")[0])
        return name.removeprefix("/") if own is not None else name
    return name


def parameter_arn(call: Call, params: Params) -> str:
    name = params.get("Name") or params.get("ResourceId") or params.get("Path") or "*"
    return name if name.startswith("arn:") else _arn(call, name.partition(":")[0])


def parameter_checks(call: Call, params: Params) -> list[tuple[str, str]]:
    action = f"ssm:{call.operation.name}"
    return [(action, _arn(call, _bare(call, name).partition(":")[0])) for name in params["Names"]]


def _not_found() -> AwsError:
    return AwsError("ParameterNotFound", "")


def _find(call: Call, name: str) -> Document:
    found = call.state.documents.get(call.scope, _bare(call, name))
    if found is None:
        raise _not_found()
    return found


def _check_name(name: str) -> None:
    if name.lower().removeprefix("/").startswith(("aws", "ssm")):
        raise validation(
            'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'
            if not name.startswith("/")
            else f"No access to reserved parameter name: {name}."
        )
    if not _NAME.fullmatch(name):
        raise validation(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can'
            " consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters,"
            " numbers and the following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise validation("Parameter name must be a fully qualified name.")
    if name.count("/") > 15:
        raise AwsError(
            "HierarchyLevelLimitExceededException", "Parameter name must not exceed 15 hierarchy levels"
        )


@service.operation(resource=parameter_arn)
def PutParameter(call: Call, params: Params) -> Result:
    name = params["Name"]
    _check_name(name)
    documents = call.state.documents
    existing: Document | None = documents.get(call.scope, name)
    if existing is not None and not params.get("Overwrite"):
        raise AwsError(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request"
            " to true.",
        )
    if existing is not None and params.get("Tags"):
        raise validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags,"
            " please remove overwrite flag. To update tags for an existing parameter, please use"
            " AddTagsToResource or RemoveTagsFromResource."
        )
    last = existing["Versions"][-1] if existing is not None else {}
    kind = params.get("Type") or last.get("Type")
    if kind is None:
        raise validation("A parameter type is required when you create a parameter.")
    tier = params.get("Tier", last.get("Tier", "Standard"))
    value = params["Value"]
    if not value or len(value.encode()) > MAX_VALUE[tier]:
        raise validation(
            f"{tier} tier parameters support a maximum parameter value of {MAX_VALUE[tier]} characters. To"
            " create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
            if value
            else (
                "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must"
                " have length greater than or equal to 1"
            )
        )
    pattern = params.get("AllowedPattern", last.get("AllowedPattern", ""))
    _check_pattern(pattern, value)
    number = last.get("Version", 0) + 1
    version: Document = {
        "Version": number,
        "Type": kind,
        "Value": call.state.seal(name, value) if kind == "SecureString" else value,
        "Tier": "Standard" if tier == "Intelligent-Tiering" else tier,
        "DataType": params.get("DataType", last.get("DataType", "text")),
        "Description": params.get("Description", last.get("Description", "")),
        "AllowedPattern": pattern,
        "Modified": call.now(),
        "User": call.principal.arn,
        "Labels": [],
    }
    if kind == "SecureString":
        version["KeyId"] = params.get("KeyId", last.get("KeyId", "alias/aws/ssm"))
    versions = [*(existing["Versions"] if existing is not None else []), version]
    if len(versions) > MAX_VERSIONS:
        if versions[0]["Labels"]:
            raise AwsError(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {name} by calling the PutParameter API with the"
                f" overwrite flag. Version {versions[0]['Version']}, the oldest version, can't be deleted"
                " because it has a label associated with it. Move the label to another version of the"
                " parameter, and try again.",
            )
        versions = versions[1:]
    tags = (
        existing["Tags"] if existing is not None else {t["Key"]: t["Value"] for t in params.get("Tags", [])}
    )
    documents.put(call.scope, name, {"Name": name, "Versions": versions, "Tags": tags})
    return {"Version": number, "Tier": version["Tier"]}


def _check_pattern(pattern: str, value: str) -> None:
    if not pattern:
        return
    try:
        matched = re.search(pattern, value)
    except re.error as error:
        raise AwsError("InvalidAllowedPatternException", f"Invalid AllowedPattern: {pattern}") from error
    if matched is None:
        raise AwsError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _select(found: Document, name: str, selector: str) -> Document:
    """The version that a number or label after the name means; the newest without one."""
    if not selector:
        return found["Versions"][-1]
    for version in found["Versions"]:
        if selector == str(version["Version"]) or selector in version["Labels"]:
            return version
    if selector.isdecimal():
        raise AwsError(
            "ParameterVersionNotFound", f"Systems Manager could not find version {selector} of {name}."
            " Verify the version and try again.",
        )  # fmt: skip
    raise AwsError("ParameterVersionNotFound", f"Systems Manager could not find label {selector} of {name}.")


def _read(call: Call, name: str, *, decrypt: bool) -> dict[str, Any]:
    whole = _bare(call, name)
    bare, _, selector = whole.partition(":")
    found = call.state.documents.get(call.scope, bare)
    if found is None:
        raise _not_found()
    version = _select(found, bare, selector)
    described = _value(call, found["Name"], version, decrypt=decrypt)
    if selector:
        described["Selector"] = f":{selector}"
    return described


def _value(call: Call, name: str, version: Document, *, decrypt: bool) -> dict[str, Any]:
    value = version["Value"]
    if version["Type"] == "SecureString" and decrypt:
        value = call.state.open(name, value)
    return {
        "Name": name,
        "Type": version["Type"],
        "Value": value,
        "Version": version["Version"],
        "LastModifiedDate": datetime.fromtimestamp(version["Modified"], UTC),
        "ARN": _arn(call, name),
        "DataType": version["DataType"],
    }


@service.operation(resource=parameter_arn, atomic=False)
def GetParameter(call: Call, params: Params) -> Result:
    return {"Parameter": _read(call, params["Name"], decrypt=params.get("WithDecryption", False))}


@service.operation(checks=parameter_checks, atomic=False)
def GetParameters(call: Call, params: Params) -> Result:
    found: list[dict[str, Any]] = []
    invalid: list[str] = []
    for name in dict.fromkeys(params["Names"]):
        try:
            found.append(_read(call, name, decrypt=params.get("WithDecryption", False)))
        except AwsError:
            invalid.append(name)
    return {"Parameters": found, "InvalidParameters": invalid}


@service.operation(resource=parameter_arn, atomic=False)
def GetParametersByPath(call: Call, params: Params) -> Result:
    path = params["Path"]
    if not path.startswith("/"):
        raise validation(
            "The parameter path must begin with a forward slash (/). The path is a hierarchy of names."
        )
    prefix = path if path.endswith("/") else f"{path}/"
    recursive = params.get("Recursive", False)
    rows = [
        body
        for name, body in call.state.documents.items(call.scope, prefix=prefix)
        if (recursive or "/" not in name[len(prefix) :])
        and _matches(body, params.get("ParameterFilters", []))
    ]
    decrypt = params.get("WithDecryption", False)
    page, result = _page(rows, params, 10)
    result["Parameters"] = [_value(call, b["Name"], b["Versions"][-1], decrypt=decrypt) for b in page]
    return result


def _page(rows: list[Any], params: Params, default: int) -> tuple[list[Any], dict[str, Any]]:
    token = params.get("NextToken") or "0"
    if not is_number(token):
        raise AwsError("InvalidNextToken", "The specified token isn't valid.")
    start, limit = int(token), params.get("MaxResults") or default
    result: dict[str, Any] = {}
    if start + limit < len(rows):
        result["NextToken"] = str(start + limit)
    return rows[start : start + limit], result


def _matches(body: Document, filters: list[dict[str, Any]]) -> bool:
    version = body["Versions"][-1]
    for each in filters:
        key, option, values = each["Key"], each.get("Option", "Equals"), each.get("Values", [])
        if key.startswith("tag:"):
            have = [body["Tags"].get(key[4:])]
            if not values and have[0] is not None:
                continue
        elif key in ("Name", "Path"):
            have = [body["Name"]]
        elif key == "Label":
            have = [label for v in body["Versions"] for label in v["Labels"]]
        elif key in ("Type", "KeyId", "Tier", "DataType"):
            have = [version.get(key)]
        else:
            raise AwsError("InvalidFilterKey", f"The specified key isn't valid: {key}")
        if not any(_holds(option, key, value, wanted) for value in have for wanted in values):
            return False
    return True


def _holds(option: str, key: str, value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    if key == "Path":
        below = value.startswith(wanted.rstrip("/") + "/")
        return below and (option == "Recursive" or "/" not in value[len(wanted.rstrip("/")) + 1 :])
    if option == "BeginsWith":
        return value.startswith(wanted)
    return wanted in value if option == "Contains" else value == wanted


@service.operation(atomic=False)
def DescribeParameters(call: Call, params: Params) -> Result:
    filters = list(params.get("ParameterFilters", []))
    filters += [{**each, "Option": "Equals"} for each in params.get("Filters", [])]
    rows = [body for _, body in call.state.documents.items(call.scope) if _matches(body, filters)]
    page, result = _page(rows, params, 50)
    result["Parameters"] = [_metadata(call, body, body["Versions"][-1]) for body in page]
    return result


def _metadata(call: Call, body: Document, version: Document) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Name": body["Name"],
        "ARN": _arn(call, body["Name"]),
        "Type": version["Type"],
        "LastModifiedDate": datetime.fromtimestamp(version["Modified"], UTC),
        "LastModifiedUser": version["User"],
        "Version": version["Version"],
        "Tier": version["Tier"],
        "Policies": [],
        "DataType": version["DataType"],
    }
    for setting in ("Description", "AllowedPattern", "KeyId"):
        if version.get(setting):
            described[setting] = version[setting]
    return described


@service.operation(resource=parameter_arn, atomic=False)
def GetParameterHistory(call: Call, params: Params) -> Result:
    body = _find(call, params["Name"])
    page, result = _page(body["Versions"], params, 50)
    decrypt = params.get("WithDecryption", False)
    rows: list[dict[str, Any]] = []
    for version in page:
        row = _metadata(call, body, version)
        del row["ARN"]
        row["Value"] = _value(call, body["Name"], version, decrypt=decrypt)["Value"]
        rows.append(row | {"Labels": version["Labels"]})
    result["Parameters"] = rows
    return result


@service.operation(resource=parameter_arn)
def DeleteParameter(call: Call, params: Params) -> Result:
    body = _find(call, params["Name"])
    call.state.documents.delete(call.scope, body["Name"])
    return {}


@service.operation(checks=parameter_checks)
def DeleteParameters(call: Call, params: Params) -> Result:
    deleted = [name for name in params["Names"] if call.state.documents.delete(call.scope, _bare(call, name))]
    invalid = [name for name in params["Names"] if name not in deleted]
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}


# Labels


@service.operation(resource=parameter_arn)
def LabelParameterVersion(call: Call, params: Params) -> Result:
    """Move labels to a version; a label is on one version at a time."""
    body = _find(call, params["Name"])
    number = params.get("ParameterVersion") or body["Versions"][-1]["Version"]
    target = _select(body, body["Name"], str(number))
    good = [
        label
        for label in params["Labels"]
        if _LABEL.fullmatch(label) and not label.lower().startswith(("aws", "ssm"))
    ]
    for version in body["Versions"]:
        version["Labels"] = [label for label in version["Labels"] if label not in good]
    target["Labels"] += good
    if len(target["Labels"]) > 10:
        raise AwsError(
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have a maximum of ten labels. Move one or more labels to another version"
            " and try again.",
        )
    call.state.documents.put(call.scope, body["Name"], body)
    return {
        "InvalidLabels": [each for each in params["Labels"] if each not in good],
        "ParameterVersion": number,
    }


@service.operation(resource=parameter_arn)
def UnlabelParameterVersion(call: Call, params: Params) -> Result:
    body = _find(call, params["Name"])
    target = _select(body, body["Name"], str(params["ParameterVersion"]))
    removed = [label for label in params["Labels"] if label in target["Labels"]]
    target["Labels"] = [label for label in target["Labels"] if label not in removed]
    call.state.documents.put(call.scope, body["Name"], body)
    return {
        "RemovedLabels": removed,
        "InvalidLabels": [each for each in params["Labels"] if each not in removed],
    }


# Tags


def _tagged(call: Call, params: Params) -> Document:
    if params["ResourceType"] != "Parameter":
        raise AwsError("InvalidResourceType", "Only parameters can be tagged here")
    found = call.state.documents.get(call.scope, params["ResourceId"])
    if found is None:
        raise AwsError(
            "InvalidResourceId",
            f'The resource ID "{params["ResourceId"]}" is not valid. Verify the ID and try again.',
        )
    return found


@service.operation(resource=parameter_arn)
def AddTagsToResource(call: Call, params: Params) -> Result:
    body = _tagged(call, params)
    body["Tags"] |= {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if len(body["Tags"]) > 50:
        raise AwsError("TooManyTagsError", "The Targets parameter includes too many tags.")
    call.state.documents.put(call.scope, body["Name"], body)
    return {}


@service.operation(resource=parameter_arn)
def RemoveTagsFromResource(call: Call, params: Params) -> Result:
    body = _tagged(call, params)
    for key in params["TagKeys"]:
        body["Tags"].pop(key, None)
    call.state.documents.put(call.scope, body["Name"], body)
    return {}


@service.operation(resource=parameter_arn, atomic=False)
def ListTagsForResource(call: Call, params: Params) -> Result:
    tags = _tagged(call, params)["Tags"]
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
