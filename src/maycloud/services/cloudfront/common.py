"""What the operations share: entity tags, paging, ARNs, the words of errors."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.cloudfront.store import CloudFront
from maycloud.services.tokens import is_number
from maycloud.store import Document, Scope

_ETAG = re.compile(r"E[A-Z0-9]{10,14}")
_PAGE = 100
BASE = "https://cloudfront.amazonaws.com/2020-05-31"


def state(call: Call) -> CloudFront:
    return call.state


def scope(call: Call) -> Scope:
    """CloudFront is global to an account."""
    return call.account, ""


def arn(call: Call, noun: str, id_: str) -> str:
    return f"arn:aws:cloudfront::{call.account}:{noun}/{id_}"


def names(noun: str, member: str = "Id") -> Callable[[Call, Params], str]:
    """The ARN that IAM is asked about: of the resource that a member names."""
    return lambda call, params: arn(call, noun, params[member])


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def check_version(params: Params, document: Document) -> None:
    """If-Match: missing or no entity tag at all is one error, another version's is another."""
    given = (params.get("IfMatch") or "").strip('"')
    if not _ETAG.fullmatch(given):
        raise AwsError(
            "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."
        )
    if given != document["etag"]:
        raise AwsError(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more request-header"
            " fields.",
            412,
        )


def invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)


def unsupported(feature: str) -> AwsError:
    """What a configuration may ask for and this cloud does not do is refused, never ignored."""
    return invalid(f"{feature} is not supported by Maycloud; see docs/coverage.md")


def items(value: dict[str, Any] | None) -> list[Any]:
    """The items of AWS's ``{"Quantity": N, "Items": […]}``."""
    return (value or {}).get("Items") or []


def quantified(values: Sequence[Any]) -> dict[str, Any]:
    """AWS leaves Items out where there are none."""
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def check_quantities(value: Any) -> None:
    """Quantity must say how many Items there are, at every depth."""
    if isinstance(value, list):
        for each in value:
            check_quantities(each)
    elif isinstance(value, dict):
        if "Quantity" in value and value["Quantity"] != len(value.get("Items") or []):
            raise AwsError(
                "InconsistentQuantities", "The value of Quantity and the size of Items don't match."
            )
        for each in value.values():
            check_quantities(each)


def page(
    params: Params, found: Sequence[tuple[str, Any]], *, marked: bool = True
) -> tuple[dict[str, Any], list[Any]]:
    """One page of id and view: the list's own members, and the views."""
    text = params.get("MaxItems") or str(_PAGE)
    if not is_number(text) or not int(text):
        raise invalid("The parameter MaxItems must be a positive integer.")
    limit, marker = min(int(text), _PAGE), params.get("Marker") or ""
    rest = [row for row in found if row[0] > marker] if marker else list(found)
    shown, more = rest[:limit], len(rest) > limit
    result: dict[str, Any] = {"MaxItems": limit, "Quantity": len(shown)}
    if marked:
        result |= {"Marker": marker, "IsTruncated": more}
    if more:
        result["NextMarker"] = shown[-1][0]
    if shown:
        result["Items"] = [view for _, view in shown]
    return result, [view for _, view in shown]
