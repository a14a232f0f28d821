"""Logs: groups, the streams of one, the last events of a stream."""

from datetime import UTC, datetime
from typing import Any

from maycloud.console import shown
from maycloud.console.visit import BASE, Visit, fill
from maycloud.edge.messages import Response
from maycloud.pages import Markup, hidden, join

_SHOWN = 50  # groups or streams on a page
_EVENTS = 200  # on a page


async def groups(visit: Visit) -> Response:
    pattern = visit.query.get("find", "").strip()
    answer = await visit.call(
        "logs",
        "DescribeLogGroups",
        logGroupNamePattern=pattern or None,
        nextToken=visit.query.get("next") or None,
        limit=_SHOWN,
    )
    rows = [
        fill(
            "log_row",
            name=visit.at("/logs/group", each["logGroupName"], group=each["logGroupName"]),
            about=f"{each.get('storedBytes', 0):,} bytes",
        )
        for each in answer["logGroups"]
    ]
    listed = fill("rows", rows=join(rows)) if rows else shown.empty(f"No log group in {visit.region}.")
    find = fill("find_group", path=f"{BASE}/logs", find=pattern, region=hidden("region", visit.region))
    more = _more(visit, "/logs", answer.get("nextToken"), find=pattern)
    return visit.page("Logs", join([shown.region_form(visit, "/logs"), find, listed, more]))


async def streams(visit: Visit) -> Response:
    group = visit.query.get("group", "")
    answer = await visit.call(
        "logs",
        "DescribeLogStreams",
        logGroupName=group,
        orderBy="LastEventTime",
        descending=True,
        nextToken=visit.query.get("next") or None,
        limit=_SHOWN,
    )
    rows = [_stream(visit, group, each) for each in answer["logStreams"]]
    listed = fill("rows", rows=join(rows)) if rows else shown.empty("No stream in this group yet.")
    more = _more(visit, "/logs/group", answer.get("nextToken"), group=group)
    back = fill("back", link=visit.at("/logs", "All groups"))
    return visit.page(group, join([back, listed, more]))


def _stream(visit: Visit, group: str, found: dict[str, Any]) -> Markup:
    last = found.get("lastEventTimestamp")
    name = found["logStreamName"]
    return fill(
        "log_row",
        name=visit.at("/logs/stream", name, group=group, stream=name),
        about=shown.moment(last / 1000) if last is not None else "no event yet",
    )


async def events(visit: Visit) -> Response:
    """A page of events, the last one first asked for; each page in order of time."""
    group, stream = visit.query.get("group", ""), visit.query.get("stream", "")
    answer = await visit.call(
        "logs",
        "GetLogEvents",
        logGroupName=group,
        logStreamName=stream,
        nextToken=visit.query.get("next") or None,
        limit=_EVENTS,
    )
    found = answer["events"]
    rows = [fill("log_event", when=_time(each["timestamp"]), text=each["message"]) for each in found]
    listed = fill("log_events", rows=join(rows)) if rows else shown.empty("No event here.")
    kept = {"group": group, "stream": stream}
    ways = fill(
        "log_ways",
        older=visit.at("/logs/stream", "Older", **kept, next=answer["nextBackwardToken"]),
        newer=visit.at("/logs/stream", "Newer", **kept, next=answer["nextForwardToken"]),
        last=visit.at("/logs/stream", "Last", **kept),
    )
    back = fill("back", link=visit.at("/logs/group", group, group=group))
    return visit.page(stream, join([back, listed, ways]))


def _time(millis: int) -> Markup:
    when = datetime.fromtimestamp(millis / 1000, UTC)
    iso = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup(f'<time datetime="{iso}">{when.strftime("%H:%M:%S")}.{millis % 1000:03d}</time>')


def _more(visit: Visit, path: str, token: str | None, **kept: str) -> Markup:
    return fill("more", link=visit.at(path, "More", **kept, next=token)) if token else Markup("")
