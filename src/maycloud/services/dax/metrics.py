"""The AWS/DAX metrics of CloudWatch, gathered and sent a second after the first.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/dax-metrics-dimensions-dax.html
"""

from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Cloud
from maycloud.store import Scope
from maycloud.store.clock import Timer

EVERY = 1.0  # seconds


class Metrics:
    """Counts by cluster and name, until they are sent. Idle, it has no timer."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._clock = cloud.store.clock
        self._counts: dict[tuple[Scope, str, str], int] = {}
        self._timer: Timer | None = None

    def count(self, scope: Scope, cluster: str, metric: str) -> None:
        key = (scope, cluster, metric)
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._timer is None:
            self._timer = self._clock.call_later(EVERY, self._flush)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        self._timer = None
        counts, self._counts = self._counts, {}
        self._cloud.spawn(self._send(counts))

    async def _send(self, counts: dict[tuple[Scope, str, str], int]) -> None:
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        data: dict[Scope, list[dict[str, Any]]] = {}
        for (scope, cluster, metric), count in counts.items():
            series = {
                "MetricName": metric,
                "Dimensions": [{"Name": "ClusterId", "Value": cluster}],
                "Timestamp": now,
                "Value": float(count),
                "Unit": "Count",
            }
            data.setdefault(scope, []).append(series)
        for (account, region), series in data.items():
            service = Principal.service("dax.amazonaws.com", account)
            for start in range(0, len(series), 500):
                params = {"Namespace": "AWS/DAX", "MetricData": series[start : start + 500]}
                try:
                    await self._cloud.call(
                        "cloudwatch", "PutMetricData", params, as_=service, region=region, account=account
                    )
                except AwsError as error:
                    raise RuntimeError(f"CloudWatch refused DAX's metrics: {error}") from error
