"""Parameters and their versions: put, read, listed, deleted.

https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
"""

from datetime import UTC, datetime
from typing import Any

from maycloud import patterns
from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.ssm.filters import check_filters, check_hierarchy, matches
from maycloud.services.ssm.policies import described_policies, expired, read_policies
from maycloud.services.ssm.service import (
    arn_of,
    bare,
    check_name,
    check_path,
    find,
    not_found,
    own,
    parameter_arn,
    parameter_checks,
    select,
    service,
)
from maycloud.services.tokens import is_number
from maycloud.store import Document

MAX_VERSIONS = 100
MAX_VALUE = {"Standard": 4096, "Advanced": 8192}  # bytes
_DATA_TYPES = ("text", "aws:ec2:image", "aws:ssm:integration")


@service.operation(resource=parameter_arn)
def PutParameter(call: Call, params: Params) -> Result:
    name = params["Name"]
    check_name(name)
    existing: Document | None = own(call, name)
    if existing is not None:
        _check_overwrite(params)
        name = existing["Name"]
    last = existing["Versions"][-1] if existing is not None else {}
    version = _new_version(call, name, params, last)
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
    call.state.documents.put(call.scope, name, {"Name": name, "Versions": versions, "Tags": tags})
    return {"Version": version["Version"], "Tier": version["Tier"]}


def _check_overwrite(params: Params) -> None:
    if not params.get("Overwrite"):
        raise AwsError(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request"
            " to true.",
        )
    if params.get("Tags"):
        raise validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags,"
            " please remove overwrite flag. To update tags for an existing parameter, please use"
            " AddTagsToResource or RemoveTagsFromResource."
        )


def _new_version(call: Call, name: str, params: Params, last: Document) -> Document:
    """The version that a call makes; what it does not say stays as in the last."""
    kind = params.get("Type") or last.get("Type")
    if kind is None:
        raise validation("A parameter type is required when you create a parameter.")
    if params.get("DataType", "text") not in _DATA_TYPES:
        raise validation(
            f"The following data type is not supported: {params['DataType']} (Data type names are all"
            " lowercase.)"
        )
    value = params["Value"]
    if not value:
        raise validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have"
            " length greater than or equal to 1"
        )
    policies = read_policies(params["Policies"]) if "Policies" in params else last.get("Policies", [])
    pattern = params.get("AllowedPattern", last.get("AllowedPattern", ""))
    tier = _tier(params.get("Tier", last.get("Tier", "Standard")), value, policies, last)
    _check_pattern(pattern, value)
    version: Document = {
        "Version": last.get("Version", 0) + 1,
        "Type": kind,
        "Value": call.state.seal(name, value) if kind == "SecureString" else value,
        "Tier": tier,
        "Policies": policies,
        "DataType": params.get("DataType", last.get("DataType", "text")),
        "Description": params.get("Description", last.get("Description", "")),
        "AllowedPattern": pattern,
        "Modified": call.now(),
        "User": call.principal.arn,
        "Labels": [],
    }
    if kind == "SecureString":
        version["KeyId"] = params.get("KeyId", last.get("KeyId", "alias/aws/ssm"))
    return version


def _tier(wanted: str, value: str, policies: list[Document], last: Document) -> str:
    """Standard or Advanced. Raises AWS's refusal of what the tier does not hold."""
    size, before = len(value.encode()), last.get("Tier")
    if wanted == "Intelligent-Tiering":
        large = size > MAX_VALUE["Standard"]
        wanted = "Advanced" if large or policies or before == "Advanced" else "Standard"
    if wanted == "Standard" and before == "Advanced":
        raise validation(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the"
            " advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the"
            " advanced parameter and recreate it as a standard parameter."
        )
    if policies and wanted == "Standard":
        raise validation(
            "Standard tier parameters don't support parameter policies. To use parameter policies, upgrade"
            " the parameter to use the advanced-parameter tier."
        )
    if size > MAX_VALUE[wanted]:
        raise validation(
            f"{wanted} tier parameters support a maximum parameter value of {MAX_VALUE[wanted]}"
            " characters. To"
            " create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        )
    return wanted


def _check_pattern(pattern: str, value: str) -> None:
    if not pattern:
        return
    try:
        matched = patterns.search(pattern, value)
    except patterns.PatternError as error:
        raise AwsError("InvalidAllowedPatternException", f"Invalid AllowedPattern: {pattern}") from error
    if not matched:
        raise AwsError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _read(call: Call, name: str, *, decrypt: bool) -> dict[str, Any]:
    whole = bare(call, name)
    base, _, selector = whole.partition(":")
    check_path(base)
    found = own(call, base)
    if found is None or ":" in selector:
        raise not_found()
    version = select(found, base, selector)
    described = _value(call, found["Name"], version, decrypt=decrypt)
    if not name.startswith("arn:"):
        described["Name"] = base  # with or without its slash, as it was asked for
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
        "ARN": arn_of(call, name),
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
        except AwsError as error:
            if error.code == "ValidationException":
                raise
            invalid.append(name)
    return {"Parameters": found, "InvalidParameters": invalid}


@service.operation(resource=parameter_arn, atomic=False)
def GetParametersByPath(call: Call, params: Params) -> Result:
    path = params["Path"]
    check_hierarchy(path)
    prefix = path if path.endswith("/") else f"{path}/"
    recursive = params.get("Recursive", False)
    filters = params.get("ParameterFilters", [])
    check_filters(filters, by_path=True)
    # Names without a slash are directly below "/".
    within = call.state.documents.items(call.scope, prefix="" if prefix == "/" else prefix)
    rows = [
        body
        for name, body in within
        if (recursive or "/" not in name.removeprefix(prefix))
        and matches(body, filters)
        and not expired(body, call.now())
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


@service.operation(atomic=False)
def DescribeParameters(call: Call, params: Params) -> Result:
    filters = list(params.get("ParameterFilters", []))
    if filters and params.get("Filters"):
        raise validation("You can use either Filters or ParameterFilters in a single request.")
    check_filters(filters, by_path=False)
    filters += [{**each, "Option": "Equals"} for each in params.get("Filters", [])]
    rows = [
        body
        for _, body in call.state.documents.items(call.scope)
        if matches(body, filters) and not expired(body, call.now())
    ]
    page, result = _page(rows, params, 10)
    result["Parameters"] = [_metadata(call, body, body["Versions"][-1]) for body in page]
    return result


def _metadata(call: Call, body: Document, version: Document) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Name": body["Name"],
        "ARN": arn_of(call, body["Name"]),
        "Type": version["Type"],
        "LastModifiedDate": datetime.fromtimestamp(version["Modified"], UTC),
        "LastModifiedUser": version["User"],
        "Version": version["Version"],
        "Tier": version["Tier"],
        "Policies": described_policies(version),
        "DataType": version["DataType"],
    }
    for setting in ("Description", "AllowedPattern", "KeyId"):
        if version.get(setting):
            described[setting] = version[setting]
    return described


@service.operation(resource=parameter_arn, atomic=False)
def GetParameterHistory(call: Call, params: Params) -> Result:
    body = find(call, params["Name"])
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
    body = find(call, params["Name"])
    call.state.documents.delete(call.scope, body["Name"])
    return {}


@service.operation(checks=parameter_checks)
def DeleteParameters(call: Call, params: Params) -> Result:
    deleted: list[str] = []
    for name in dict.fromkeys(params["Names"]):
        found = own(call, bare(call, name))
        if found is not None:
            call.state.documents.delete(call.scope, found["Name"])
            deleted.append(name)
    invalid = [name for name in dict.fromkeys(params["Names"]) if name not in deleted]
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}
