"""API Gateway proxy events in, proxy responses out."""

import json
from typing import Any

Event = dict[str, Any]
Answer = dict[str, Any]

HEADERS = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}


def answer(status: int, body: object = None) -> Answer:
    """A proxy response; `body` as JSON, or none at all."""
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    return {"statusCode": status, "headers": HEADERS, "body": text}


def problem(status: int, message: str) -> Answer:
    return answer(status, {"message": message})


def owner_of(event: Event) -> str:
    """Whose to-dos are meant: the signed-in user's, whom the API's authorizer has verified."""
    return event["requestContext"]["authorizer"]["claims"]["sub"]
