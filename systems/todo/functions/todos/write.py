"""POST /todos, PUT /todos/{id} and DELETE /todos/{id}. API Gateway has validated the bodies."""

import functools
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError
from http_api import Answer, Event, answer, owner_of, problem
from tables import TABLE, cached, dynamodb, key, public, value


def handler(event: Event, _context: object) -> Answer:
    """Route by method; what changed something makes the API forget the lists it has kept."""
    owner = owner_of(event)
    if event["httpMethod"] == "POST":
        done = create(owner, json.loads(event["body"]))
    elif event["httpMethod"] == "PUT":
        done = change(owner, event["pathParameters"]["id"], json.loads(event["body"]))
    else:
        done = delete(owner, event["pathParameters"]["id"])
    if done["statusCode"] < 300:
        forget_lists(event["requestContext"])
    return done


@functools.cache
def _api_gateway() -> Any:
    return boto3.client("apigateway")


def forget_lists(request: dict[str, Any]) -> None:
    """Flush the stage's cache, so that the next list holds the write that is about to be acknowledged.

    AWS bounds how often that may be asked for. The write is done whatever comes of it: a list is then
    older by the cache's time to live at the most.
    """
    try:
        _api_gateway().flush_stage_cache(restApiId=request["apiId"], stageName=request["stage"])
    except ClientError as error:
        print(f"the cached lists stay until they expire: {error}")


def create(owner: str, wanted: dict[str, Any]) -> Answer:
    """Make a to-do. With an id that the client chose, asking again makes no second one."""
    now = _now()
    todo = {
        "id": wanted.get("id") or _new_id(),
        "title": wanted["title"],
        "done": wanted.get("done", False),
        "createdAt": now,
        "updatedAt": now,
    }
    try:
        cached().put_item(
            TableName=TABLE,
            Item={name: value(plain) for name, plain in {"owner": owner, **todo}.items()},
            ConditionExpression="attribute_not_exists(id)",
        )
    except ClientError as error:
        if not _condition_failed(error):
            raise
        found = dynamodb.get_item(TableName=TABLE, Key=key(owner, todo["id"]), ConsistentRead=True)
        return answer(200, public(found["Item"]) if "Item" in found else todo)
    return answer(201, todo)


def change(owner: str, id_: str, wanted: dict[str, Any]) -> Answer:
    """Set what the body names; the rest stays."""
    values = {"updatedAt": _now(), **wanted}
    assignments = ", ".join(f"#{name} = :{name}" for name in values)
    try:
        changed = cached().update_item(
            TableName=TABLE,
            Key=key(owner, id_),
            UpdateExpression=f"SET {assignments}",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value(plain) for name, plain in values.items()},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if not _condition_failed(error):
            raise
        return problem(404, "There is no such to-do")
    return answer(200, public(changed))


def delete(owner: str, id_: str) -> Answer:
    done = cached().delete_item(TableName=TABLE, Key=key(owner, id_), ReturnValues="ALL_OLD")
    return answer(204) if done.get("Attributes") else problem(404, "There is no such to-do")


def _condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


def _new_id() -> str:
    """Ids that sort by the time of their making, and cannot be guessed."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
