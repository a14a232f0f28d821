"""GET /todos and GET /todos/{id}."""

import base64
import binascii
import json
from typing import Any

from http_api import Answer, Event, answer, owner_of, problem
from tables import TABLE, cached, dynamodb, key, public

PAGE = 50  # to-dos a page, at most 200 when asked


def handler(event: Event, _context: object) -> Answer:
    """Route by API Gateway's resource."""
    if event["resource"] == "/todos":
        return list_todos(owner_of(event), event.get("queryStringParameters") or {})
    return get_todo(owner_of(event), event["pathParameters"]["id"])


def list_todos(owner: str, query: dict[str, str]) -> Answer:
    """Newest first: ``{"todos": [...], "next": token}``; `next` is there while more follow."""
    try:
        limit = min(max(int(query.get("limit", PAGE)), 1), 200)
        start = {"ExclusiveStartKey": key(owner, _decode(query["next"]))} if "next" in query else {}
    except ValueError:
        return problem(400, "limit must be a number and next a token from an earlier page")
    page = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="#owner = :owner",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":owner": {"S": owner}},
        ScanIndexForward=False,
        Limit=limit,
        ConsistentRead=True,  # the answer is kept by the API's cache: it must hold the latest write
        **start,
    )
    body: dict[str, Any] = {"todos": [public(item) for item in page["Items"]]}
    if "LastEvaluatedKey" in page:
        body["next"] = _encode(page["LastEvaluatedKey"]["id"]["S"])
    return answer(200, body)


def get_todo(owner: str, id_: str) -> Answer:
    item = cached().get_item(TableName=TABLE, Key=key(owner, id_)).get("Item")
    return answer(200, public(item)) if item else problem(404, "There is no such to-do")


def _encode(id_: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(id_).encode()).decode().rstrip("=")


def _decode(token: str) -> str:
    try:
        id_ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(token) from error
    if not isinstance(id_, str) or not id_:
        raise ValueError(token)
    return id_
