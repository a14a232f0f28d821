"""Errors that many of S3's operations share."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call


def malformed_xml() -> AwsError:
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def invalid_argument(message: str, name: str, value: str | None = None) -> AwsError:
    given: dict[str, Any] = {} if value is None else {"ArgumentValue": value}
    return AwsError("InvalidArgument", message, ArgumentName=name, **given)


def access_denied() -> AwsError:
    return AwsError("AccessDenied", "Access Denied", 403)


def address(call: Call, bucket: str) -> str:
    """The bucket's address in the style that the client used."""
    request = call.http
    if request is None:
        return f"{call.cloud.url}/{bucket}"
    host = request.header("host")
    base = f"{'https' if request.secure else 'http'}://{host}"
    return base if host.lower().startswith(f"{bucket}.") else f"{base}/{bucket}"
