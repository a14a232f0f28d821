"""Log streams."""

import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.logs.service import (
    check_length,
    find,
    find_stream,
    invalid,
    offset,
    service,
    stream_arn,
    writers_policy,
)
from maycloud.services.logs.store import Group

_STREAM = re.compile(r"[^:*]{1,512}", re.DOTALL)


@service.operation(resource=stream_arn, policy=writers_policy)
def CreateLogStream(call: Call, params: Params) -> Result:
    name = params["logStreamName"]
    check_length(name)
    if not _STREAM.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name[:512]}' at 'logStreamName' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern: [^:*]*"
        )
    group = find(call, params)
    if call.state.stream(group, name) is not None:
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    call.state.create_stream(group, name)
    return None


@service.operation(resource=stream_arn)
def DeleteLogStream(call: Call, params: Params) -> Result:
    call.state.delete_stream(find_stream(call, find(call, params), params))
    return None


@service.operation(resource=stream_arn)
def DescribeLogStreams(call: Call, params: Params) -> Result:
    group = find(call, params)
    prefix = params.get("logStreamNamePrefix", "")
    by_time = params.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    rows = call.state.streams(group, prefix)
    if by_time:
        rows.sort(key=lambda row: (row[4] or 0, row[1]))
    if params.get("descending"):
        rows.reverse()
    start, limit = offset(params.get("nextToken")), params.get("limit", 50)
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
        "uploadSequenceToken": "49039859600000000000000000000000000000000000000000000000" if last else None,
        "arn": f"{group.arn}:log-stream:{name}",
        "storedBytes": 0,
    }
    return {key: value for key, value in described.items() if value is not None}
