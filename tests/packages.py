"""Functions for tests: zips in memory, and roles that Lambda may assume."""

import io
import json
import zipfile
from typing import Any

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
LOGGING = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def zipped(**files: str | bytes) -> bytes:
    """A zip; names are given with `__` for the dot: ``app__py="…"``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


def make_role(iam: Any, name: str, *policies: str, trust: Any = TRUST) -> str:
    """A role with managed policies attached; gives its ARN."""
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    for arn in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return role["Arn"]


def make_function(
    client: Any, role: str, name: str, source: str, *, runtime: str = "python3.12", **settings: Any
) -> dict[str, Any]:
    """A function of one file with the handler `handler`, that may take its time unless told otherwise."""
    python = runtime.startswith("python")
    code = zipped(app__py=source) if python else zipped(app__mjs=source)
    return client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": code},
        **{"Timeout": 60, **settings},
    )
