"""Users with policies, accounts and strangers, for tests of who may do what."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import ADMIN, RunningCloud

OTHER = "111122223333"  # another account


def user(cloud: RunningCloud, name: str, *statements: dict[str, Any], account: str = ADMIN[0]) -> Any:
    """An S3 client of a new user with one policy of `statements`."""
    iam = cloud.client("iam", key=account)
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="given", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return cloud.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(code: str, call: Any, /, **params: Any) -> str:
    """Asserts that a call is refused with `code`; gives the message."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    status = str(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])
    assert code in (error["Code"], status), error
    return error["Message"]


def stranger(
    cloud: RunningCloud, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    """An unsigned request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(cloud.url + path, data=body, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
