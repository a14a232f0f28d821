"""Macros: transforms that a Lambda function of the account makes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html. What a function
gets and the words of failures are as LocalStack recorded them of AWS in
tests/aws/services/cloudformation/test_template_engine.snapshot.json.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from maycloud.edge.bodies import gather
from maycloud.services.base import Cloud, Params
from maycloud.services.cloudformation.template import error, format_error

MAX_ANSWER = 6 * 1024 * 1024  # bytes that a function answers
RESERVED = "AWS::"

Call = Callable[[str, str, Params], Awaitable[dict[str, Any]]]  # an operation as the one who asks


class Macros:
    """The macros of one account and region, for one template."""

    def __init__(self, cloud: Cloud, account: str, region: str, call: Call) -> None:
        self._account, self._region = account, region
        self._known = documents(cloud)
        self._call = call

    def check(self, names: list[str]) -> None:
        """Raise for a transform that is none."""
        for name in names:
            if not name.startswith(RESERVED) and self._known.get((self._account, self._region), name) is None:
                raise error(f"No transform named {name} found.")

    async def expand(self, name: str, params: dict[str, Any], fragment: Any, values: dict[str, Any]) -> Any:
        """What the macro's function makes of a part of a template; `values` are the stack's parameters."""
        self.check([name])
        known = self._known.get((self._account, self._region), name)
        if known is None:
            raise error(f"No transform named {name} found.")
        transform = f"{self._account}::{name}"
        event = {
            "region": self._region,
            "accountId": self._account,
            "fragment": fragment,
            "transformId": transform,
            "params": params,
            "requestId": str(uuid.uuid4()),
            "templateParameterValues": values,
        }
        answered = await self._call(
            "lambda", "Invoke", {"FunctionName": known["function"], "Payload": json.dumps(event).encode()}
        )
        payload = answered["Payload"]
        raw = payload if isinstance(payload, bytes) else await gather(payload, MAX_ANSWER)
        answer = json.loads(raw or b"null")
        if answered.get("FunctionError") or not isinstance(answer, dict) or "status" not in answer:
            raise error(f"Received malformed response from transform {transform}")
        if answer["status"] != "success":
            words = answer.get("errorMessage")
            why = f"with: {words}" if words else "without an error message."
            raise error(f"Transform {transform} failed {why}")
        return answer.get("fragment")


def named(call: Any) -> tuple[str, dict[str, Any]]:
    """Name and parameters of a transform, in either form."""
    if isinstance(call, str):
        return call, {}
    if not isinstance(call, dict) or not isinstance(call.get("Name"), str):
        raise error("Key Name of transform definition must be a string.")
    return call["Name"], call.get("Parameters") or {}


def known_parameters(params: Any, values: dict[str, Any]) -> Any:
    """A macro's parameters with the stack's own filled in; other functions stay as they are."""
    if isinstance(params, list):
        return [known_parameters(item, values) for item in params]
    if not isinstance(params, dict):
        return params
    if len(params) == 1 and isinstance(params.get("Ref"), str) and params["Ref"] in values:
        return values[params["Ref"]]
    return {name: known_parameters(item, values) for name, item in params.items()}


def whole(fragment: Any) -> dict[str, Any]:
    """A template that a macro gave back."""
    if not isinstance(fragment, dict):
        raise format_error("unsupported structure.")
    return fragment


def documents(cloud: Cloud) -> Any:
    return cloud.store.documents("cloudformation.macros")
