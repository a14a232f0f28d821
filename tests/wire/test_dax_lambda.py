"""A function that reads through DAX where DAX_ENDPOINT is set, with AWS's client in its package."""

import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import daxes
from packages import LOGGING
from running import RunningCloud

SOURCE = """
import os
import boto3

def connect():
    if endpoint := os.environ.get("DAX_ENDPOINT"):
        from amazondax import AmazonDaxClient
        return AmazonDaxClient(endpoint_url=endpoint)
    return boto3.client("dynamodb")

client = connect()

def handler(event, context):
    found = client.get_item(TableName=os.environ["TABLE"], Key={"pk": {"S": event["pk"]}})
    return {"item": found.get("Item"), "client": type(client).__name__}
"""


def package() -> bytes:
    """The handler with the client and its parser; the rest of what it needs is Lambda's own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", SOURCE)
        for name in ("amazondax", "antlr4"):
            spec = importlib.util.find_spec(name)
            assert spec is not None and spec.origin is not None
            folder = Path(spec.origin).parent
            for file in folder.rglob("*.py"):
                archive.write(file, str(file.relative_to(folder.parent)))
    return packed.getvalue()


def test_a_function_reads_through_dax_with_its_roles_permissions(cloud: RunningCloud) -> None:
    daxes.table(cloud, "InFunction", pk="S")
    dynamodb, functions = cloud.client("dynamodb"), cloud.client("lambda")
    dynamodb.put_item(TableName="InFunction", Item={"pk": {"S": "1"}, "v": {"S": "cached"}})
    found = daxes.cluster(cloud, "functions", daxes.role(cloud, "DaxFunctions"))
    allowed = [{"Effect": "Allow", "Action": "dax:GetItem", "Resource": found["ClusterArn"]}]
    role = daxes.role(cloud, "Reader", allowed, service="lambda")
    cloud.client("iam").attach_role_policy(RoleName="Reader", PolicyArn=LOGGING)
    variables = {"DAX_ENDPOINT": found["ClusterDiscoveryEndpoint"]["URL"], "TABLE": "InFunction"}
    functions.create_function(
        FunctionName="through-dax",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": package()},
        Timeout=20,
        MemorySize=256,
        Environment={"Variables": variables},
    )

    def read(key: str) -> Any:
        answer = functions.invoke(FunctionName="through-dax", Payload=json.dumps({"pk": key}))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        assert payload["client"] == "AmazonDaxClient"
        return payload["item"]

    assert read("1")["v"] == {"S": "cached"}
    dynamodb.delete_item(TableName="InFunction", Key={"pk": {"S": "1"}})
    assert read("1")["v"] == {"S": "cached"}, "a hit: the item is gone behind DAX's back"
    # An environment that slept while its authorization and the item's time ran out.
    cloud.advance(3600)
    assert read("1") is None
