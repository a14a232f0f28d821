"""Answers that stacks wait for: of wait conditions, of custom resources, of signals.

Each wait has a box with a secret name, which is the last part of the address that answers are sent to, as
AWS's presigned URLs are secret. What arrived is kept in the store: it counts after a restart as well.
"""

import asyncio
import os
from typing import Any

import orjson

from maycloud.edge.messages import BodyTooLargeError, Request, Response
from maycloud.services.base import Cloud
from maycloud.store import Document

PATH = "/_aws/cloudformation/"
MAX_ANSWER = 64 * 1024  # bytes; AWS takes 4 KB of a custom resource

_HERE = ("", "")  # boxes belong to no account: their names are enough to find them and cannot be guessed


class Signals:
    """All boxes of the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._boxes = cloud.store.documents("cloudformation.boxes")
        self._arrivals: dict[str, asyncio.Event] = {}
        cloud.serve_path(PATH, self._serve)

    def open(self) -> str:
        """A new box; gives its address."""
        box = os.urandom(24).hex()
        self._boxes.put(_HERE, box, {"answers": []})
        return f"{self._cloud.url}{PATH}{box}"

    def close(self, address: str) -> None:
        self._boxes.delete(_HERE, _box(address))

    def answers(self, address: str) -> list[Document]:
        found = self._boxes.get(_HERE, _box(address))
        return found["answers"] if found else []

    def add(self, address: str, answer: Document) -> bool:
        """Put an answer into a box; False if there is no such box."""
        box = _box(address)
        found = self._boxes.get(_HERE, box)
        if found is None:
            return False
        found["answers"].append(answer)
        self._boxes.put(_HERE, box, found)
        arrival = self._arrivals.get(box)
        if arrival is not None:
            arrival.set()
        return True

    async def wait(self, address: str, known: int, deadline: float) -> list[Document] | None:
        """All answers once there are more than `known`; None if the clock passes `deadline` before."""
        box, clock = _box(address), self._cloud.store.clock
        arrival = self._arrivals.setdefault(box, asyncio.Event())
        arrival.clear()
        timer = clock.call_at(deadline, arrival.set)
        try:
            while len(found := self.answers(address)) <= known:
                if clock.time() >= deadline:
                    return None
                await arrival.wait()
                arrival.clear()
            return found
        finally:
            timer.cancel()
            self._arrivals.pop(box, None)

    async def _serve(self, request: Request) -> Response:
        """PUT of a JSON object into a box, as a presigned URL of S3 takes it."""
        if request.method != "PUT":
            return _refused(405, "MethodNotAllowed")
        body = request.body
        try:
            raw = body if isinstance(body, bytes) else await body.read(MAX_ANSWER)
        except BodyTooLargeError:
            return _refused(400, "EntityTooLarge")
        try:
            answer: Any = orjson.loads(raw)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            return _refused(400, "InvalidRequest")
        if not self.add(request.path, answer):
            return _refused(403, "AccessDenied")
        return Response(200)


def _box(address: str) -> str:
    return address.rpartition("/")[2]


def _refused(status: int, code: str) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Response(status, [(b"content-type", b"application/xml")], text.encode())
