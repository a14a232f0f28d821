"""The service, and how its operations find groups and streams."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Service
from maycloud.services.logs.metrics import measure
from maycloud.services.logs.store import SCHEMA, Group, Logs, group_missing, stream_missing
from maycloud.services.tokens import is_number
from maycloud.store.clock import Timer

MAX_NAME = 512
SWEEP_EVERY = 3600.0


class LogsState(Logs):
    """What the service keeps per cloud; expired events are swept once an hour."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.store)
        self._cloud = cloud
        self._timer: Timer | None = None

    def start(self) -> None:
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.settle()

    def arrived(self, group: Group, events: list[tuple[int, str]]) -> None:
        """Count what the group's metric filters find, in the transaction that adds the events."""
        for namespace, data in measure(group.settings.get("metricFilters", []), events):
            self._cloud.state("cloudwatch").put((group.account, group.region), namespace, data)

    def _sweep(self) -> None:
        self.expire()
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)


service = Service("logs", state=LogsState, schema=SCHEMA, before=lambda call: call.state.settle())


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
