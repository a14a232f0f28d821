"""DAX clusters for tests: made through the API, used with AWS's own client."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from amazondax import AmazonDaxClient

from running import RunningCloud
from waiting import until

ROLE_POLICY = [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]


def role(cloud: RunningCloud, name: str, statements: Any = ROLE_POLICY, service: str = "dax") -> str:
    """The ARN of a role that a service may assume."""
    iam = cloud.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trust]))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(statements))
    return arn


def document(statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user(cloud: RunningCloud, name: str, statements: Any = ()) -> dict[str, str]:
    """A user's key, as the client's arguments."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(statements))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}


def cluster(cloud: RunningCloud, name: str, role_arn: str, **options: Any) -> dict[str, Any]:
    """A cluster, once it is available."""
    dax = cloud.client("dax")
    asked = {"NodeType": "dax.t3.small", "ReplicationFactor": 1, **options}
    dax.create_cluster(ClusterName=name, IamRoleArn=role_arn, **asked)
    return available(cloud, name)


def available(cloud: RunningCloud, name: str) -> dict[str, Any]:
    def look() -> Any:
        found = cloud.client("dax").describe_clusters(ClusterNames=[name])["Clusters"][0]
        return found if found["Status"] == "available" else None

    return until(look, what=f"DAX cluster {name}")


@contextlib.contextmanager
def connected(url: str, **options: Any) -> Iterator[Any]:
    """AWS's client, as the administrator unless told otherwise."""
    admin = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    asked = {"region_name": "us-east-1", **admin, **options}
    client = AmazonDaxClient(endpoint_url=url, **asked)
    try:
        yield client
    finally:
        client.close()


def table(cloud: RunningCloud, name: str, **keys: str) -> str:
    """A table with a partition key and perhaps a sort key, named with their types: pk="S", sk="N"."""
    kinds = ("HASH", "RANGE")
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)],
    )
    return name
