"""Events: put, read from either end of a stream, found by a pattern."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from maycloud.services.base import Call, Params, Result
from maycloud.services.logs.filters import compile_pattern
from maycloud.services.logs.service import find, find_stream, invalid, service, stream_arn, writers_policy
from maycloud.services.logs.store import Group, stream_missing

MAX_BATCH = 1_048_576  # bytes of one PutLogEvents, 26 counted for each event besides its message
MAX_EVENTS = 10_000
MAX_PAGE = 1 << 20  # bytes of events in one answer


@service.operation(resource=stream_arn, policy=writers_policy)
def PutLogEvents(call: Call, params: Params) -> Result:
    """Events in order of time; too old and too new ones are left out and told."""
    events = params["logEvents"]
    if len(events) > MAX_EVENTS:
        raise invalid(f"The batch of log events has more than {MAX_EVENTS} entries.")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > MAX_BATCH:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH}")
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times and times[-1] - times[0] > 86_400_000:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    group = find(call, params)
    stream = find_stream(call, group, params)
    now = call.store.clock.millis()
    kept_for = min(14, group.retention or 14) * 86_400_000
    old = sum(1 for moment in times if moment < now - kept_for)
    new = next((index for index, moment in enumerate(times) if moment > now + 7_200_000), len(times))
    kept = [(event["timestamp"], event["message"]) for event in events[old:new]]
    call.state.append(group, stream, kept)
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
    group = find(call, params)
    stream = find_stream(call, group, params)
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
        raise invalid("The specified nextToken is invalid.")
    time, seq = int(digits[:56]), int(digits[56:])
    if max(time, seq) >= 1 << 63:  # none of ours, and more than the database holds
        raise invalid("The specified nextToken is invalid.")
    return token[0] == "f", (time, seq - 1)


@service.operation(resource=stream_arn, atomic=False)
def FilterLogEvents(call: Call, params: Params) -> Result:
    """Events of a group's streams that match a pattern, by time."""
    group = find(call, params)
    matches = compile_pattern(params.get("filterPattern", ""))
    names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix", "")
    if names and prefix:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
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
        raise invalid("The specified nextToken is invalid.") from error
