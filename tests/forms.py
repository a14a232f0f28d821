"""Browsers' forms for tests: encoded as browsers encode them, sent over a socket."""

import http.client
from collections.abc import Iterable
from typing import Any

from running import RunningCloud

BOUNDARY = "----WebKitFormBoundaryPuvF5rLV4JoEkzLa"


def encode(
    fields: list[tuple[str, str]] | dict[str, str],
    file: bytes | None,
    *,
    filename: str | None = "photo.jpg",
    after: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The form's body; `after` holds fields behind the file, which is left out if it is None."""
    given = fields if isinstance(fields, list) else fields.items()
    parts = [_field(name, value) for name, value in given]
    if file is not None:
        named = "" if filename is None else f'; filename="{filename}"'
        head = f'Content-Disposition: form-data; name="file"{named}\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(head.encode() + file)
    parts += [_field(name, value) for name, value in after]
    delimiter = f"--{BOUNDARY}\r\n".encode()
    return b"".join(delimiter + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def _field(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def send(
    cloud: RunningCloud,
    bucket: str,
    body: Any,
    *,
    path: str = "",
    host: str = "",
    kind: str = "",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
    try:
        headers = {"Content-Type": kind or f"multipart/form-data; boundary={BOUNDARY}"}
        headers |= {"Host": host} if host else {}
        connection.request("POST", path or f"/{bucket}", body, headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()
