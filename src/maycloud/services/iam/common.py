"""What IAM's operations share: finding, naming, tagging, paging, and the words of their errors."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from maycloud.access.identities import Identities
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.tokens import is_number
from maycloud.store import Document, Documents, Scope

MAX_TAGS = 50

_NAME = re.compile(r"[\w+=,.@-]+")
_PATH = re.compile(r"/|/[!-\x7f]+/")


def identities(call: Call) -> Identities:
    return call.cloud.access.identities


def scope(call: Call) -> Scope:
    """IAM is global to an account."""
    return call.account, ""


def no_such(kind: str, name: str) -> AwsError:
    return AwsError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)


def exists(kind: str, name: str) -> AwsError:
    return AwsError("EntityAlreadyExists", f"{kind} with name {name} already exists.", 409)


def conflict(message: str) -> AwsError:
    return AwsError("DeleteConflict", message, 409)


def limit_exceeded(what: str, most: int) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {what}: {most}", 409)


def find(call: Call, documents: Documents, kind: str, name: str) -> Document:
    found = documents.get(scope(call), name)
    if found is None:
        raise no_such(kind, name)
    return found


def check_name(member: str, name: str, most: int) -> None:
    if not _NAME.fullmatch(name) or len(name) > most:
        raise AwsError(
            "ValidationError",
            f"The specified value for {member} is invalid. It must contain only alphanumeric characters"
            " and/or the following: +=,.@_-",
        )


def path_of(params: Params) -> str:
    path = params.get("Path", "/")
    if not _PATH.fullmatch(path):
        raise AwsError(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only"
            " alphanumeric characters and/or / characters.",
        )
    return path


def moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def encoded(document: Document) -> str:
    """A policy document as IAM answers it: URL-encoded JSON."""
    return quote(orjson.dumps(document).decode(), safe="")


def describe_role(role: Document) -> dict[str, Any]:
    """What every answer tells of a role, and all that CreateRole and instance profiles do."""
    return {
        "Path": role["Path"],
        "RoleName": role["RoleName"],
        "RoleId": role["RoleId"],
        "Arn": role["Arn"],
        "CreateDate": moment(role["Created"]),
        "AssumeRolePolicyDocument": encoded(role["Trust"]),
    }


def tags_of(params: Params, *, by_case: bool = False) -> dict[str, str]:
    """The tags a call gives. Keys of policies alone may differ by case, `by_case`."""
    tags = params.get("Tags", [])
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise AwsError("InvalidInput", "Tag keys that begin with aws: are reserved for AWS.")
    keys = [tag["Key"] if by_case else tag["Key"].lower() for tag in tags]
    if len(set(keys)) != len(keys):
        more = "" if by_case else " Please note that Tag keys are case insensitive."
        raise AwsError("InvalidInput", f"Duplicate tag keys found.{more}")
    check_tag_count({tag["Key"]: tag["Value"] for tag in tags})
    return {tag["Key"]: tag["Value"] for tag in tags}


def check_tag_count(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise AwsError("LimitExceeded", "The number of tags has reached the maximum limit.", 409)


def tag_list(holder: Document) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in holder.get("Tags", {}).items()]


def page(rows: list[Any], params: Params, member: str) -> dict[str, Any]:
    """One page of a listing. The marker is the number of the first row of the next."""
    marker = params.get("Marker", "0")
    if not is_number(marker):
        raise AwsError("ValidationError", "Invalid Marker")
    start, most = int(marker), params.get("MaxItems", 100)
    result: dict[str, Any] = {member: rows[start : start + most], "IsTruncated": start + most < len(rows)}
    if result["IsTruncated"]:
        result["Marker"] = str(start + most)
    return result


def arn_maker(kind: str, member: str) -> Callable[[Call, Params], str]:
    """The ARN of a user, group or role that a call names; with its path where it is there already."""

    def arn(call: Call, params: Params) -> str:
        name = params.get(member)
        if not name:
            return f"arn:aws:iam::{call.account}:{kind}/*"
        documents: Documents = getattr(identities(call), f"{kind}s")
        found = documents.get(scope(call), name)
        if found is not None:
            return found["Arn"]
        return f"arn:aws:iam::{call.account}:{kind}{params.get('Path', '/')}{name}"

    return arn
