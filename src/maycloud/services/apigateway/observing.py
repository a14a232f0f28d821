"""Metrics and access logs of requests, gathered and written once a second.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

import re
from datetime import UTC, datetime
from typing import Any

from maycloud.edge.messages import Response
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.apigateway import jsonpath
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.velocity import text_of
from maycloud.services.base import Cloud
from maycloud.store import Scope
from maycloud.store.clock import Timer

EVERY = 1.0  # seconds

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")
_UNITS = {
    "CacheHitCount": "Count",
    "CacheMissCount": "Count",
    "Count": "Count",
    "4XXError": "Count",
    "5XXError": "Count",
    "Latency": "Milliseconds",
    "IntegrationLatency": "Milliseconds",
}
# By owner, API, stage, metric, and resource and method where the stage has detailed metrics
Series = dict[tuple[Scope, str, str, str, str, str], list[float]]


class Observer:
    """Values by API, stage and metric, and log lines by group, until they are written."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._clock = cloud.store.clock
        self._values: Series = {}
        self._lines: dict[tuple[Scope, str], list[tuple[int, str]]] = {}
        self._timer: Timer | None = None

    def observe(self, exchange: Exchange, response: Response, latency: float) -> None:
        """Count a request and, where the stage says so, log it."""
        name = exchange.deployment.get("name") or exchange.api
        base = (exchange.scope, str(name), exchange.stage_name)
        measured = [
            ("Count", 1.0),
            ("4XXError", 1.0 if 400 <= response.status < 500 else 0.0),
            ("5XXError", 1.0 if response.status >= 500 else 0.0),
            ("Latency", float(int(latency))),
            ("IntegrationLatency", float(int(exchange.integration_latency))),
        ]
        if exchange.was_cached is not None:
            measured.append(("CacheHitCount" if exchange.was_cached else "CacheMissCount", 1.0))
        places = [("", "")]
        if exchange.plan is not None and exchange.plan.settings.get("metricsEnabled"):
            places.append((exchange.resource_path, exchange.request.method))
        for place in places:
            for metric, value in measured:
                self._values.setdefault((*base, metric, *place), []).append(value)
        logs = exchange.stage.get("accessLogSettings") or {}
        if logs.get("destinationArn") and logs.get("format"):
            group = logs["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
            line = access_line(logs["format"], exchange, response, latency)
            self._lines.setdefault((exchange.scope, group), []).append((int(exchange.begun * 1000), line))
        if self._timer is None:
            self._timer = self._clock.call_later(EVERY, self._flush)

    def _flush(self) -> None:
        self._timer = None
        values, self._values = self._values, {}
        lines, self._lines = self._lines, {}
        self._cloud.spawn(self._send(values, lines))

    async def _send(self, values: Series, lines: dict[tuple[Scope, str], list[tuple[int, str]]]) -> None:
        for (scope, group), events in lines.items():
            await self._log(scope, group, events)
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        data: dict[Scope, list[dict[str, Any]]] = {}
        for (scope, name, stage, metric, resource, method), measured in values.items():
            counts: dict[float, float] = {}
            for value in measured:
                counts[value] = counts.get(value, 0.0) + 1.0
            all_of_it = {"ApiName": name, "Stage": stage}
            detailed = all_of_it | {"Resource": resource, "Method": method}
            for dimensions in [detailed] if resource else [{"ApiName": name}, all_of_it]:
                data.setdefault(scope, []).append(
                    {
                        "MetricName": metric,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                        "Timestamp": now,
                        "Values": list(counts),
                        "Counts": list(counts.values()),
                        "Unit": _UNITS[metric],
                    }
                )
        for scope, series in data.items():
            for start in range(0, len(series), 500):
                part = {"Namespace": "AWS/ApiGateway", "MetricData": series[start : start + 500]}
                await self._as_service(scope, "cloudwatch", "PutMetricData", part)

    async def _log(self, scope: Scope, group: str, events: list[tuple[int, str]]) -> None:
        stream = datetime.fromtimestamp(self._clock.time(), UTC).strftime("access-%Y-%m-%d")
        where = {"logGroupName": group, "logStreamName": stream}
        try:
            await self._as_service(scope, "logs", "CreateLogStream", where)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return  # the group was deleted: AWS drops the lines
            if error.code != "ResourceAlreadyExistsException":
                raise
        rows = [{"timestamp": moment, "message": line} for moment, line in sorted(events)]
        for start in range(0, len(rows), 5000):
            await self._as_service(
                scope, "logs", "PutLogEvents", where | {"logEvents": rows[start : start + 5000]}
            )

    async def _as_service(self, scope: Scope, service: str, operation: str, params: dict[str, Any]) -> None:
        account, region = scope
        principal = Principal.service("apigateway.amazonaws.com", account)
        await self._cloud.call(service, operation, params, as_=principal, region=region, account=account)


def access_line(template: str, exchange: Exchange, response: Response, latency: float) -> str:
    """One line of an access log; unknown variables are a dash."""
    body = response.body
    context = exchange.request_context() | {
        "isCanaryRequest": exchange.is_canary,
        "status": response.status,
        "responseLength": len(body) if isinstance(body, bytes) else None,
        "responseLatency": int(latency),
        "integrationLatency": int(exchange.integration_latency),
        "integration": {"latency": int(exchange.integration_latency)},
    }
    context["error"] = exchange.data().context.get("error")

    def fill(match: re.Match[str]) -> str:
        found = jsonpath.find(f"$.{match[1].rstrip('.')}", context)
        return "-" if found is None else text_of(found)

    return _VARIABLE.sub(fill, template)
