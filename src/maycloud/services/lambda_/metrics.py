"""The AWS/Lambda metrics of CloudWatch, gathered and sent once a second."""

from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Cloud
from maycloud.services.lambda_.runtime.environments import Outcome
from maycloud.services.lambda_.store import Reference
from maycloud.store import Scope
from maycloud.store.clock import Timer

EVERY = 1.0  # seconds

_UNITS = {
    "Invocations": "Count",
    "Errors": "Count",
    "Throttles": "Count",
    "Duration": "Milliseconds",
    "ConcurrentExecutions": "Count",
}


class Metrics:
    """Values by function and name, until they are sent."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._clock = cloud.store.clock
        self._values: dict[tuple[Scope, str, str], list[float]] = {}
        self._timer: Timer | None = None

    def start(self) -> None:
        self._timer = self._clock.call_later(EVERY, self._flush)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def invoked(self, name: Reference, outcome: Outcome, concurrent: int) -> None:
        self._add(name, "Invocations", 1.0)
        self._add(name, "Errors", 1.0 if outcome.error else 0.0)
        self._add(name, "Duration", outcome.duration_ms)
        self._add(name, "ConcurrentExecutions", float(concurrent))

    def throttled(self, name: Reference) -> None:
        self._add(name, "Throttles", 1.0)

    def _add(self, name: Reference, metric: str, value: float) -> None:
        self._values.setdefault((name.scope, name.name, metric), []).append(value)

    def _flush(self) -> None:
        self._timer = self._clock.call_later(EVERY, self._flush)
        if self._values:
            values, self._values = self._values, {}
            self._cloud.spawn(self._send(values))

    async def _send(self, values: dict[tuple[Scope, str, str], list[float]]) -> None:
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        data: dict[Scope, list[dict[str, Any]]] = {}
        for (scope, function, metric), measured in values.items():
            counts: dict[float, float] = {}
            for value in measured:
                counts[value] = counts.get(value, 0.0) + 1.0
            data.setdefault(scope, []).append(
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": "FunctionName", "Value": function}],
                    "Timestamp": now,
                    "Values": list(counts),
                    "Counts": list(counts.values()),
                    "Unit": _UNITS[metric],
                }
            )
        for (account, region), series in data.items():
            service = Principal.service("lambda.amazonaws.com", account)
            for start in range(0, len(series), 500):
                params = {"Namespace": "AWS/Lambda", "MetricData": series[start : start + 500]}
                try:
                    await self._cloud.call(
                        "cloudwatch", "PutMetricData", params, as_=service, region=region, account=account
                    )
                except AwsError as error:
                    raise RuntimeError(f"CloudWatch refused Lambda's metrics: {error}") from error
