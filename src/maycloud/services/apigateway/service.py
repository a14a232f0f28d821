"""The service's declaration, and what all of its operations share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from maycloud.errors import AwsError
from maycloud.services.apigateway import passing
from maycloud.services.apigateway.key_store import SCHEMA, Keys
from maycloud.services.apigateway.store import Gateway
from maycloud.services.base import Call, Params, Service
from maycloud.services.tokens import is_number
from maycloud.store import Document

service = Service("apigateway", state=Gateway, schema=SCHEMA)

_PAGE = 25
_LARGEST_PAGE = 500


def on(verb: str, path: str) -> dict[str, Any]:
    """The action and resource of an operation: a verb on a path, with the names of params in braces.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """

    def resource(call: Call, params: Params) -> str:
        filled = path.format_map({name: quote(str(value), safe="") for name, value in params.items()})
        return f"arn:aws:apigateway:{call.region}::{filled}"

    return {"action": f"apigateway:{verb}", "resource": resource}


def reading(path: str) -> dict[str, Any]:
    return on("GET", path) | {"atomic": False}


def bad_request(message: str) -> AwsError:
    return AwsError("BadRequestException", message)


def not_found(message: str) -> AwsError:
    return AwsError("NotFoundException", message, 404)


def conflict(message: str) -> AwsError:
    return AwsError("ConflictException", message, 409)


def editable_api(call: Call, params: Params, missing: AwsError | None = None) -> Document:
    """A copy of the API that `restApiId` names, to be changed and saved. Raises `missing` if there is not."""
    gateway: Gateway = call.state
    found = gateway.editable(call.scope, params["restApiId"])
    if found is None:
        raise missing or no_api(call, params)
    return found


def api_of(call: Call, params: Params, missing: AwsError | None = None) -> Document:
    """The API that `restApiId` names, only to be read. Raises `missing` if there is not."""
    gateway: Gateway = call.state
    found = gateway.api(params["restApiId"])
    if found is None or found[0] != call.scope:
        raise missing or no_api(call, params)
    return found[1]


def no_api(call: Call, params: Params) -> AwsError:
    return not_found(f"Invalid API identifier specified {call.account}:{params['restApiId']}")


def keys_of(call: Call) -> Keys:
    gateway: Gateway = call.state
    return gateway.keys


def save(call: Call, api: Document) -> None:
    gateway: Gateway = call.state
    found = gateway.api(api["id"])
    passing.check(call, found[1] if found else None, api)
    gateway.save(call.scope, api)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def page(params: Params, found: Iterable[Document], view: Callable[[Document], Document]) -> Document:
    """One page of a list: ``items``, and ``position`` if there is more."""
    limit = params.get("limit") or _PAGE
    if not 1 <= limit <= _LARGEST_PAGE:
        raise bad_request(f"Invalid limit parameter. Must be between 1 and {_LARGEST_PAGE}.")
    position = params.get("position") or "0"
    if not is_number(position):
        raise bad_request("Invalid position parameter.")
    start, rows = int(position), list(found)
    result: Document = {"items": [view(each) for each in rows[start : start + limit]]}
    if start + limit < len(rows):
        result["position"] = str(start + limit)
    return result


def tersely(shown: Document) -> Document:
    """As in lists and answers to creations, which leave out empty tags: LocalStack's test_usage_plan_crud."""
    if not shown["tags"]:
        del shown["tags"]
    return shown


def given(params: Params, *names: str) -> Document:
    """The members of `names` that the caller gave."""
    return {name: params[name] for name in names if params.get(name) is not None}
