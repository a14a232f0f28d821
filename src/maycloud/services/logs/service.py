"""The service, and how its operations find groups and streams."""

import importlib
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Policy, Service
from maycloud.services.logs.metrics import measure
from maycloud.services.logs.store import SCHEMA, Group, Logs, group_missing, stream_missing
from maycloud.services.tokens import is_number
from maycloud.store import Delivery
from maycloud.store.clock import Timer

MAX_NAME = 512
SWEEP_EVERY = 3600.0


class LogsState(Logs):
    """What the service keeps per cloud; expired events are swept once an hour."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.store)
        self._cloud = cloud
        self.policies = cloud.store.documents("logs.policies")
        self._timer: Timer | None = None
        # It declares operations of the service, which is made after this class.
        self._subscriptions = importlib.import_module("maycloud.services.logs.subscriptions")
        cloud.store.outbox.consume(self._subscriptions.QUEUE, self._forward)

    async def _forward(self, delivery: Delivery) -> None:
        await self._subscriptions.deliver(self._cloud, delivery)

    def start(self) -> None:
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.settle()

    def arrived(self, group: Group, stream: int, events: list[tuple[int, str]]) -> None:
        """Count and forward what the group's filters find, in the transaction that adds the events."""
        if group.settings.get("subscriptionFilters"):
            newest = self.newest(stream, len(events))
            self._subscriptions.forward(self._cloud, group, self.stream_name(stream), newest)
        for namespace, data in measure(group.settings.get("metricFilters", []), events):
            self._cloud.state("cloudwatch").put((group.account, group.region), namespace, data)

    def _sweep(self) -> None:
        self.expire()
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)


service = Service("logs", state=LogsState, schema=SCHEMA, before=lambda call: call.state.settle())


def account_policies(call: Call) -> Any:
    """Resource policies of the account, by name."""
    return call.state.policies


def writers_policy(call: Call, _arn: str) -> Policy | None:
    """The statements of all of the account's policies. The cloud's own services need none."""
    if call.principal.kind == "service" and call.principal.trusted:
        return None
    statements: list[Any] = []
    for _, body in account_policies(call).items(call.scope):
        found = orjson.loads(body["policyDocument"]).get("Statement") or []
        statements += found if isinstance(found, list) else [found]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def group_arn(call: Call, params: Params) -> str:
    name = params.get("logGroupName") or params.get("logGroupIdentifier") or "*"
    if name.startswith("arn:"):
        return name
    return f"arn:aws:logs:{call.region}:{call.account}:log-group:{name}"


def stream_arn(call: Call, params: Params) -> str:
    return f"{group_arn(call, params)}:log-stream:{params.get('logStreamName', '*')}"


def find(call: Call, params: Params) -> Group:
    if params.get("logGroupName") and params.get("logGroupIdentifier"):
        raise AwsError(
            "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters."
        )
    name = params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    if name.startswith("arn:"):
        name = name.partition(":log-group:")[2].removesuffix(":*")
    check_length(name)
    group = call.state.group(call.scope, name)
    if group is None:
        raise group_missing()
    return group


def find_stream(call: Call, group: Group, params: Params) -> int:
    stream = call.state.stream(group, params["logStreamName"])
    if stream is None:
        raise stream_missing()
    return stream


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def check_length(name: str) -> None:
    """As recorded of AWS in LocalStack's tests/aws/services/logs/test_logs_groups.snapshot.json."""
    if len(name) > MAX_NAME:
        raise invalid("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")


def offset(token: str | None) -> int:
    """The row that a page begins with."""
    if token is None:
        return 0
    if not is_number(token):
        raise invalid("The specified nextToken is invalid.")
    return int(token)
