"""POST /todos, PUT /todos/{id} and DELETE /todos/{id}. API Gateway has validated the bodies."""

import json
import os
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError
from http_api import Answer, Event, answer, owner_of, problem

dynamodb: Any = boto3.resource("dynamodb")
table = dynamodb.Table(os.environ["TABLE_NAME"])


def handler(event: Event, _context: object) -> Answer:
    """Route by method."""
    owner = owner_of(event)
    if event["httpMethod"] == "POST":
        return create(owner, json.loads(event["body"]))
    id_ = event["pathParameters"]["id"]
    if event["httpMethod"] == "PUT":
        return change(owner, id_, json.loads(event["body"]))
    return delete(owner, id_)


def create(owner: str, wanted: dict[str, Any]) -> Answer:
    now = _now()
    todo = {
        "id": _new_id(),
        "title": wanted["title"],
        "done": wanted.get("done", False),
        "createdAt": now,
        "updatedAt": now,
    }
    table.put_item(Item={"owner": owner, **todo}, ConditionExpression=Attr("id").not_exists())
    return answer(201, todo)


def change(owner: str, id_: str, wanted: dict[str, Any]) -> Answer:
    """Set what the body names; the rest stays."""
    values = {"updatedAt": _now(), **wanted}
    assignments = ", ".join(f"#{name} = :{name}" for name in values)
    try:
        changed = table.update_item(
            Key={"owner": owner, "id": id_},
            UpdateExpression=f"SET {assignments}",
            ConditionExpression=Attr("id").exists(),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return problem(404, "There is no such to-do")
        raise
    return answer(200, {name: value for name, value in changed.items() if name != "owner"})


def delete(owner: str, id_: str) -> Answer:
    gone = table.delete_item(Key={"owner": owner, "id": id_}, ReturnValues="ALL_OLD").get("Attributes")
    return answer(204) if gone else problem(404, "There is no such to-do")


def _new_id() -> str:
    """Ids that sort by the time of their making, and cannot be guessed."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
