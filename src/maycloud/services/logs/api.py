"""Amazon CloudWatch Logs' operations."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Result, Service
from maycloud.services.logs.filters import compile_pattern
from maycloud.services.logs.store import SCHEMA, Group, Logs, group_missing, stream_missing
from maycloud.services.tokens import is_number
from maycloud.store.clock import Timer

MAX_BATCH = 1_048_576  # bytes of one PutLogEvents, 26 counted for each event besides its message
MAX_EVENTS = 10_000
MAX_PAGE = 1 << 20  # bytes of events in one answer
SWEEP_EVERY = 3600.0

_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_STREAM = re.compile(r"[^:*]{1,512}", re.DOTALL)
_RETENTIONS = frozenset(
    {
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
        3653,
    }
)  # fmt: skip


class LogsState(Logs):
    """What the service keeps per cloud; expired events are swept once an hour."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.store)
        self._timer: Timer | None = None

    def start(self) -> None:
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self.expire()
        self._timer = self._clock.call_later(SWEEP_EVERY, self._sweep)


service = Service("logs", state=LogsState, schema=SCHEMA)


def group_arn(call: Call, params: Params) -> str:
    name = params.get("logGroupName") or params.get("logGroupIdentifier") or "*"
    if name.startswith("arn:"):
        return name
    return f"arn:aws:logs:{call.region}:{call.account}:log-group:{name}"


def stream_arn(call: Call, params: Params) -> str:
    return f"{group_arn(call, params)}:log-stream:{params.get('logStreamName', '*')}"


def _find(call: Call, params: Params) -> Group:
    name = params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    if name.startswith("arn:"):
        name = name.partition(":log-group:")[2].removesuffix(":*")
    group = call.state.group(call.scope, name)
    if group is None:
        raise group_missing()
    return group


def _find_stream(call: Call, group: Group, params: Params) -> int:
    stream = call.state.stream(group, params["logStreamName"])
    if stream is None:
        raise stream_missing()
    return stream


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


# Groups


@service.operation(resource=group_arn)
def CreateLogGroup(call: Call, params: Params) -> Result:
    name = params["logGroupName"]
    if not _GROUP.fullmatch(name) or name.startswith("aws/"):
        raise _invalid(
            f"1 validation error detected: Value '{name[:512]}' at 'logGroupName' failed to satisfy"
            " constraint:"
            r" Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"
        )
    if call.state.group(call.scope, name) is not None:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    settings: dict[str, Any] = {"tags": params.get("tags", {})}
    for setting in ("kmsKeyId", "logGroupClass"):
        if setting in params:
            settings[setting] = params[setting]
    call.state.create_group(call.scope, name, settings)
    return None


@service.operation(resource=group_arn)
def DeleteLogGroup(call: Call, params: Params) -> Result:
    call.state.delete_group(_find(call, params))
    return None


@service.operation(resource=lambda call, _: f"arn:aws:logs:{call.region}:{call.account}:log-group:*")
def DescribeLogGroups(call: Call, params: Params) -> Result:
    limit = params.get("limit", 50)
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise _invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    found = call.state.groups(call.scope, prefix, params.get("nextToken", ""), -1 if pattern else limit + 1)
    if pattern:
        found = [group for group in found if pattern.lower() in group.name.lower()]
    result: dict[str, Any] = {"logGroups": [_describe(call, group) for group in found[:limit]]}
    if len(found) > limit:
        result["nextToken"] = found[limit - 1].name
    return result


def _describe(call: Call, group: Group) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": call.state.stored_bytes(group),
        "logGroupClass": group.settings.get("logGroupClass", "STANDARD"),
    }
    for setting in ("retentionInDays", "kmsKeyId"):
        if group.settings.get(setting):
            described[setting] = group.settings[setting]
    return described


@service.operation(resource=group_arn)
def PutRetentionPolicy(call: Call, params: Params) -> Result:
    days = params["retentionInDays"]
    if days not in _RETENTIONS:
        raise _invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint:"
            f" Member must satisfy enum value set: {sorted(_RETENTIONS)}"
        )
    group = _find(call, params)
    group.settings["retentionInDays"] = days
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn)
def DeleteRetentionPolicy(call: Call, params: Params) -> Result:
    group = _find(call, params)
    group.settings.pop("retentionInDays", None)
    call.state.save_group(group)
    return None


# Tags


def _by_arn(call: Call, params: Params) -> Group:
    name = params["resourceArn"].partition(":log-group:")[2].removesuffix(":*")
    return _find(call, {"logGroupName": name})


@service.operation(resource=lambda _call, params: params["resourceArn"])
def TagResource(call: Call, params: Params) -> Result:
    group = _by_arn(call, params)
    group.settings["tags"] = {**group.settings.get("tags", {}), **params["tags"]}
    call.state.save_group(group)
    return None


@service.operation(resource=lambda _call, params: params["resourceArn"])
def UntagResource(call: Call, params: Params) -> Result:
    group = _by_arn(call, params)
    for key in params["tagKeys"]:
        group.settings.get("tags", {}).pop(key, None)
    call.state.save_group(group)
    return None


@service.operation(resource=lambda _call, params: params["resourceArn"])
def ListTagsForResource(call: Call, params: Params) -> Result:
    return {"tags": _by_arn(call, params).settings.get("tags", {})}


# Streams


@service.operation(resource=stream_arn)
def CreateLogStream(call: Call, params: Params) -> Result:
    name = params["logStreamName"]
    if not _STREAM.fullmatch(name):
        raise _invalid(
            f"1 validation error detected: Value '{name[:512]}' at 'logStreamName' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern: [^:*]*"
        )
    group = _find(call, params)
    if call.state.stream(group, name) is not None:
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    call.state.create_stream(group, name)
    return None


@service.operation(resource=stream_arn)
def DeleteLogStream(call: Call, params: Params) -> Result:
    call.state.delete_stream(_find_stream(call, _find(call, params), params))
    return None


@service.operation(resource=stream_arn)
def DescribeLogStreams(call: Call, params: Params) -> Result:
    group = _find(call, params)
    prefix = params.get("logStreamNamePrefix", "")
    by_time = params.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    rows = call.state.streams(group, prefix)
    if by_time:
        rows.sort(key=lambda row: (row[4] or 0, row[1]))
    if params.get("descending"):
        rows.reverse()
    start, limit = _offset(params.get("nextToken")), params.get("limit", 50)
    result: dict[str, Any] = {"logStreams": [_stream(group, row) for row in rows[start : start + limit]]}
    if start + limit < len(rows):
        result["nextToken"] = str(start + limit)
    return result


def _stream(group: Group, row: tuple[Any, ...]) -> dict[str, Any]:
    _, name, created, first, last, ingested, _ = row
    described = {
        "logStreamName": name,
        "creationTime": created,
        "firstEventTimestamp": first,
        "lastEventTimestamp": last,
        "lastIngestionTime": ingested,
        "uploadSequenceToken": "49039859600000000000000000000000000000000000000000000000",
        "arn": f"{group.arn}:log-stream:{name}",
        "storedBytes": 0,
    }
    return {key: value for key, value in described.items() if value is not None}


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not is_number(token):
        raise _invalid("The specified nextToken is invalid.")
    return int(token)


# Events


@service.operation(resource=stream_arn)
def PutLogEvents(call: Call, params: Params) -> Result:
    """Events in order of time; too old and too new ones are left out and told."""
    events = params["logEvents"]
    if len(events) > MAX_EVENTS:
        raise _invalid(f"The batch of log events has more than {MAX_EVENTS} entries.")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > MAX_BATCH:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH}")
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise _invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times and times[-1] - times[0] > 86_400_000:
        raise _invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    group = _find(call, params)
    stream = _find_stream(call, group, params)
    now = call.store.clock.millis()
    kept_for = min(14, group.retention or 14) * 86_400_000
    old = sum(1 for moment in times if moment < now - kept_for)
    new = next((index for index, moment in enumerate(times) if moment > now + 7_200_000), len(times))
    kept = [(event["timestamp"], event["message"]) for event in events[old:new]]
    call.state.append(stream, kept)
    result: dict[str, Any] = {"nextSequenceToken": "49039859600000000000000000000000000000000000000000000000"}
    rejected: dict[str, int] = {}
    if old:
        rejected["tooOldLogEventEndIndex"] = old
    if new < len(times):
        rejected["tooNewLogEventStartIndex"] = new
    if rejected:
        result["rejectedLogEventsInfo"] = rejected
    return result


_LOW = (-1, -1)
_HIGH = (1 << 62, 1 << 62)


@service.operation(resource=stream_arn, atomic=False)
def GetLogEvents(call: Call, params: Params) -> Result:
    """A page of a stream. The token of the direction read comes back unchanged at the end."""
    group = _find(call, params)
    stream = _find_stream(call, group, params)
    low, high = _window(call, group, params)
    token = params.get("nextToken")
    forward = params.get("startFromHead", False)
    if token is not None:
        forward, position = _read_token(token)
        if forward:
            low = max(low, position)
        else:
            high = min(high, position)
    limit = min(params.get("limit", MAX_EVENTS), MAX_EVENTS)
    rows = _page(call.state.read(stream, low, high, limit, forward=forward))
    if not forward:
        rows.reverse()
    first = (rows[0][1], rows[0][0]) if rows else None
    last = (rows[-1][1], rows[-1][0]) if rows else None
    edge = low if forward else high
    return {
        "events": [{"timestamp": r[1], "message": r[3], "ingestionTime": r[2]} for r in rows],
        "nextForwardToken": _token("f", last or (edge if forward else _before(edge))),
        "nextBackwardToken": _token("b", first or (edge if not forward else _after(edge))),
    }


def _before(position: tuple[int, int]) -> tuple[int, int]:
    return position[0], position[1] - 1


def _after(position: tuple[int, int]) -> tuple[int, int]:
    return position[0], position[1] + 1


def _window(call: Call, group: Group, params: Params) -> tuple[tuple[int, int], tuple[int, int]]:
    """Positions between which events lie: [startTime, endTime), and within the group's retention."""
    start = params.get("startTime", 0)
    if group.retention is not None:
        start = max(start, call.store.clock.millis() - group.retention * 86_400_000)
    stop = params.get("endTime")
    return (start, -1) if start else _LOW, (stop, -1) if stop is not None else _HIGH


def _page(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As many rows as fit into one answer."""
    size = 0
    for index, row in enumerate(rows):
        size += len(row[3].encode()) + 26
        if size > MAX_PAGE and index:
            return rows[:index]
    return rows


def _token(direction: str, position: tuple[int, int]) -> str:
    return f"{direction}/{position[0]:056d}{position[1] + 1:024d}"


def _read_token(token: str) -> tuple[bool, tuple[int, int]]:
    digits = token[2:]
    if token[:2] not in ("f/", "b/") or len(digits) != 80 or not digits.isdecimal():
        raise _invalid("The specified nextToken is invalid.")
    time, seq = int(digits[:56]), int(digits[56:])
    if max(time, seq) >= 1 << 63:  # none of ours, and more than the database holds
        raise _invalid("The specified nextToken is invalid.")
    return token[0] == "f", (time, seq - 1)


@service.operation(resource=stream_arn, atomic=False)
def FilterLogEvents(call: Call, params: Params) -> Result:
    """Events of a group's streams that match a pattern, by time."""
    group = _find(call, params)
    matches = compile_pattern(params.get("filterPattern", ""))
    names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix", "")
    if names and prefix:
        raise _invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    streams = {row[0]: row[1] for row in call.state.streams(group, prefix)}
    if names:
        missing = set(names) - set(streams.values())
        if missing:
            raise stream_missing()
        streams = {id_: name for id_, name in streams.items() if name in names}
    low, high = _window(call, group, params)
    if params.get("nextToken"):
        low = max(low, _unpack(params["nextToken"]))
    limit = min(params.get("limit", MAX_EVENTS), MAX_EVENTS)
    found: list[dict[str, Any]] = []
    size = 0
    last: tuple[int, int] | None = None
    while streams:
        rows = call.state.find(list(streams), low, high[0], 1000)
        for row in rows:
            low = (row[1], row[0])
            if not matches(row[3]):
                continue
            size += len(row[3].encode()) + 26
            if len(found) >= limit or (found and size > MAX_PAGE):
                last = (found[-1]["timestamp"], int(found[-1]["eventId"]))
                break
            found.append(
                {
                    "logStreamName": streams[row[4]],
                    "timestamp": row[1],
                    "message": row[3],
                    "ingestionTime": row[2],
                    "eventId": f"{row[0]:056d}",
                }
            )
        if last is not None or len(rows) < 1000:
            break
    result: dict[str, Any] = {"events": found, "searchedLogStreams": []}
    if last is not None:
        result["nextToken"] = urlsafe_b64encode(orjson.dumps(last)).decode()
    return result


def _unpack(token: str) -> tuple[int, int]:
    try:
        moment, identifier = orjson.loads(urlsafe_b64decode(token))
        if max(int(moment), int(identifier)) < 1 << 63:
            return int(moment), int(identifier)
        raise ValueError(moment)
    except (ValueError, TypeError, OverflowError) as error:
        raise _invalid("The specified nextToken is invalid.") from error
