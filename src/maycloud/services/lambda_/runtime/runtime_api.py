"""The Lambda Runtime API, from which runtimes fetch their invocations over HTTP.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Served by the cloud's own port below a path
that holds a secret of each environment.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from maycloud.edge.messages import BodyTooLargeError, Request, Response

PATH = "/_aws/lambda/runtime/"
MAX_ANSWER = 6 * 1024 * 1024 + 100

_ACCEPTED = orjson.dumps({"status": "OK"})
_JSON = (b"content-type", b"application/json")


class OnAnswer(Protocol):
    def __call__(self, body: bytes, *, error: bool) -> None: ...


class Session:
    """One environment's side of the API: an invocation that waits to be fetched, or to be answered."""

    def __init__(
        self,
        address: str,
        on_answer: OnAnswer,
        on_waiting: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        """`on_waiting` is called when the runtime asks for an invocation that is not there yet."""
        loop = asyncio.get_running_loop()
        self.address = address
        self.started: asyncio.Future[bytes | None] = (
            loop.create_future()
        )  # an error's JSON, None if all is well
        self.waiting = False
        self._on_answer = on_answer
        self._on_waiting = on_waiting
        self._closed = closed
        self._offered: asyncio.Future[tuple[dict[str, Any], bytes]] = loop.create_future()
        self._current = ""

    def offer(self, meta: dict[str, Any], payload: bytes) -> None:
        self._offered.set_result((meta, payload))

    async def next(self) -> Response:
        """The next invocation, whenever it comes."""
        if not self.started.done():
            self.started.set_result(None)
        if not self._offered.done():
            self.waiting = True
            self._on_waiting()
        meta, payload = await asyncio.shield(self._offered)
        self.waiting = False
        self._offered = asyncio.get_running_loop().create_future()
        self._current = meta["id"]
        headers = [
            _JSON,
            (b"lambda-runtime-aws-request-id", meta["id"].encode()),
            (b"lambda-runtime-deadline-ms", str(meta["deadline"]).encode()),
            (b"lambda-runtime-invoked-function-arn", meta["arn"].encode()),
            (b"lambda-runtime-trace-id", meta["trace"].encode()),
        ]
        if meta.get("client"):
            headers.append((b"lambda-runtime-client-context", orjson.dumps(meta["client"])))
        return Response(200, headers, payload)

    def answer(self, identifier: str, body: bytes, *, error: bool) -> Response:
        if identifier != self._current:
            return _refused(400, "InvalidRequestID", "Invalid request ID")
        self._current = ""
        if len(body) > MAX_ANSWER:
            too_large = {
                "errorMessage": (
                    f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
                ),
                "errorType": "Function.ResponseSizeTooLarge",
            }
            self._on_answer(orjson.dumps(too_large), error=True)
            return _refused(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
        self._on_answer(body, error=error)
        return Response(202, [_JSON], _ACCEPTED)

    def fail(self, body: bytes) -> Response:
        if not self.started.done():
            self.started.set_result(body or b"{}")
        return Response(202, [_JSON], _ACCEPTED)

    def close(self) -> None:
        """The process is gone."""
        if not self.started.done():
            self.started.set_result(b"")
        self._closed()


class RuntimeApi:
    """Sessions by their secrets. `address` gives host and port of the cloud."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._sessions: dict[str, Session] = {}

    def open(self, on_answer: OnAnswer, on_waiting: Callable[[], None]) -> Session:
        secret = os.urandom(16).hex()
        session = Session(
            f"{self._address()}{PATH}{secret}",
            on_answer,
            on_waiting,
            lambda: self._sessions.pop(secret, None) and None,
        )
        self._sessions[secret] = session
        return session

    async def handle(self, request: Request) -> Response:
        secret, _, rest = request.path.removeprefix(PATH).partition("/")
        session = self._sessions.get(secret)
        if session is None:
            return _refused(403, "Forbidden", "Forbidden")
        parts = rest.split("/")
        if parts[:2] != ["2018-06-01", "runtime"]:
            return _refused(404, "NotFound", "Not Found")
        if request.method == "GET" and parts[2:] == ["invocation", "next"]:
            return await session.next()
        body = request.body
        if not isinstance(body, bytes):
            try:
                body = await body.read(MAX_ANSWER + 1)
            except BodyTooLargeError:
                body = bytes(MAX_ANSWER + 1)
        if request.method == "POST" and parts[2:] == ["init", "error"]:
            return session.fail(body)
        answers = len(parts) == 5 and parts[2] == "invocation" and parts[4] in ("response", "error")
        if request.method == "POST" and answers:
            return session.answer(parts[3], body, error=parts[4] == "error")
        return _refused(404, "NotFound", "Not Found")


def _refused(status: int, kind: str, message: str) -> Response:
    return Response(status, [_JSON], orjson.dumps({"errorType": kind, "errorMessage": message}))
