"""What the tests of S3 share: refusals with all their elements, and signed requests as they are."""

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from running import ADMIN, RunningCloud


def failing(call: Callable[..., Any], /, **params: Any) -> dict[str, Any]:
    """The whole answer to a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    return dict(caught.value.response)


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> dict[str, Any]:
    """The error of a call that must be refused with `code`."""
    error = failing(call, **params)["Error"]
    assert error["Code"] == code, error
    return error


def got(s3: Any, **params: Any) -> dict[str, Any]:
    """The answer to GetObject with its body read, so that its connection is free again."""
    found = s3.get_object(**params)
    found["Body"] = found["Body"].read()
    return found


def fetched(request: urllib.request.Request) -> tuple[int, bytes]:
    status, _, body = opened(request)
    return status, body


def opened(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body, errors included."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def raw(
    cloud: RunningCloud, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """A signed request as it is, without boto3's help."""
    request = AWSRequest(method, cloud.url + path, data=body, headers=headers or {})
    S3SigV4Auth(Credentials(*ADMIN), "s3", "us-east-1").add_auth(request)
    sent = urllib.request.Request(
        cloud.url + path, data=body or None, method=method, headers=dict(request.headers.items())
    )
    sent.add_unredirected_header("Content-Type", (headers or {}).get("Content-Type", "text/plain"))
    return opened(sent)
