"""Tables: made, described, listed, deleted."""

import uuid
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb import counts
from maycloud.services.dynamodb.definitions import WARM, check_definition, check_warm
from maycloud.services.dynamodb.policies import attach, read_policy
from maycloud.services.dynamodb.requests import check_name, named, tables
from maycloud.services.dynamodb.settings import check_tags
from maycloud.services.dynamodb.store import Document, Table

MAX_TABLES = 2500

TRANSPARENT = ("TableClass", "SSESpecification", "OnDemandThroughput")  # told as they were given
NO_THROUGHPUT = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
_DELETED = frozenset(
    {
        "TableName", "TableArn", "TableId", "TableStatus", "ProvisionedThroughput", "TableSizeBytes",
        "ItemCount", "BillingModeSummary", "DeletionProtectionEnabled", "TableClassSummary",
    }
)  # fmt: skip


def create_table(call: Call, params: Params) -> Result:
    name = params["TableName"]
    check_name(name)
    check_definition(params)
    check_tags(params.get("Tags", []))
    for holder in (params, *params.get("GlobalSecondaryIndexes", [])):
        if "WarmThroughput" in holder:
            check_warm(holder["WarmThroughput"], WARM, holder.get("IndexName"))
    if tables(call).find(call.scope, name) is not None:
        raise AwsError("ResourceInUseException", f"Table already exists: {name}")
    if tables(call).count(call.scope) >= MAX_TABLES:
        raise AwsError(
            "LimitExceededException", f"Subscriber limit exceeded: The limit is {MAX_TABLES} tables."
        )
    now = call.now()
    body: Document = {
        "TableId": str(uuid.uuid4()),
        "CreationDateTime": now,
        "AttributeDefinitions": params["AttributeDefinitions"],
        "KeySchema": params["KeySchema"],
        "BillingMode": params.get("BillingMode", "PROVISIONED"),
        "ProvisionedThroughput": params.get("ProvisionedThroughput", NO_THROUGHPUT),
        "DeletionProtectionEnabled": params.get("DeletionProtectionEnabled", False),
        "Tags": {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
    }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if params.get(kind):
            body[kind] = [dict(index) for index in params[kind]]
    if body["BillingMode"] == "PAY_PER_REQUEST":
        body["OnDemandSince"] = now
    for setting in (*TRANSPARENT, "WarmThroughput"):
        if setting in params:
            body[setting] = params[setting]
    policy = read_policy(params["ResourcePolicy"]) if params.get("ResourcePolicy") else None
    table = tables(call).create(call.scope, name, body)
    if policy is not None:
        attach(table, policy, now)
        table = tables(call).save(table)
    if params.get("StreamSpecification", {}).get("StreamEnabled"):
        table = open_stream(call, table, params["StreamSpecification"])
    described = describe(call, table)
    described["TableStatus"] = "CREATING"
    described.get("BillingModeSummary", {}).pop("LastUpdateToPayPerRequestDateTime", None)
    for index in described.get("GlobalSecondaryIndexes", []):
        index["IndexStatus"] = "CREATING"
    return {"TableDescription": described}


def open_stream(call: Call, table: Table, specification: Document) -> Table:
    if not specification.get("StreamViewType"):
        raise validation("StreamEnabled is true but no StreamViewType is specified")
    stream, label = call.state.streams.open(table, specification["StreamViewType"], call.now())
    table.body |= {
        "StreamId": stream,
        "StreamLabel": label,
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": specification["StreamViewType"]},
    }
    return tables(call).save(table)


def close_stream(call: Call, table: Table) -> None:
    call.state.streams.close(table.stream, call.now())
    del table.body["StreamId"], table.body["StreamSpecification"]


def describe(call: Call, table: Table) -> Document:
    """A TableDescription."""
    body = table.body
    tally = counts.of(call, table)
    described: Document = {
        "TableName": table.name,
        "TableArn": table.arn,
        "TableId": body["TableId"],
        "TableStatus": "ACTIVE",
        "CreationDateTime": body["CreationDateTime"],
        "AttributeDefinitions": body["AttributeDefinitions"],
        "KeySchema": body["KeySchema"],
        "ProvisionedThroughput": _throughput(call, body),
        "TableSizeBytes": tally.table[1],
        "ItemCount": tally.table[0],
        "DeletionProtectionEnabled": body["DeletionProtectionEnabled"],
        "WarmThroughput": warm_throughput(body),
    }
    if "OnDemandSince" in body:  # told of every table that ever was on demand
        described["BillingModeSummary"] = {
            "BillingMode": body["BillingMode"],
            "LastUpdateToPayPerRequestDateTime": body["OnDemandSince"],
        }
    if "TableClass" in body:
        described["TableClassSummary"] = {"TableClass": body["TableClass"]}
    if "OnDemandThroughput" in body:
        described["OnDemandThroughput"] = body["OnDemandThroughput"]
    if body.get("SSESpecification", {}).get("Enabled"):
        described["SSEDescription"] = sse_description(table, body["SSESpecification"], "ENABLED")
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if body.get(kind):
            described[kind] = [_describe_index(table, index, kind, tally) for index in body[kind]]
    if "StreamLabel" in body:
        described["LatestStreamLabel"] = body["StreamLabel"]
        described["LatestStreamArn"] = f"{table.arn}/stream/{body['StreamLabel']}"
    if "StreamSpecification" in body:
        described["StreamSpecification"] = body["StreamSpecification"]
    return described


def _throughput(call: Call, body: Document) -> Document:
    """With the decreases of this day, in UTC, as AWS counts them."""
    told = {"NumberOfDecreasesToday": 0, **body["ProvisionedThroughput"]}
    if body.get("DecreasesOn") == int(call.now() // 86_400):
        told["NumberOfDecreasesToday"] = body["Decreases"]
    return told


def warm_throughput(body: Document) -> Document:
    return WARM | body.get("WarmThroughput", {}) | {"Status": "ACTIVE"}


def sse_description(table: Table, specification: Document, status: str) -> Document:
    """Where none is given the key is the account's own for DynamoDB, as recorded of AWS in LocalStack's
    tests/aws/services/dynamodb/test_dynamodb.snapshot.json."""
    usual = uuid.uuid5(uuid.NAMESPACE_URL, f"alias/aws/dynamodb/{table.account}/{table.region}")
    return {
        "Status": status,
        "SSEType": specification.get("SSEType", "KMS"),
        "KMSMasterKeyArn": _key_arn(table, specification.get("KMSMasterKeyId", str(usual))),
    }


def _key_arn(table: Table, key: str) -> str:
    if key.startswith("arn:"):
        return key
    what = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:aws:kms:{table.region}:{table.account}:{what}"


def _describe_index(table: Table, index: Document, kind: str, tally: counts.Tally) -> Document:
    items, size = tally.indexes.get(index["IndexName"], (0, 0))
    described: Document = {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexSizeBytes": size,
        "ItemCount": items,
        "IndexArn": f"{table.arn}/index/{index['IndexName']}",
    }
    if kind == "GlobalSecondaryIndexes":
        status = index.get("IndexStatus", "ACTIVE")
        throughput = index.get("ProvisionedThroughput", NO_THROUGHPUT)
        described |= {
            "IndexStatus": status,
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **throughput},
            "WarmThroughput": warm_throughput(index),
        }
        if "OnDemandThroughput" in index:
            described["OnDemandThroughput"] = index["OnDemandThroughput"]
        if status == "CREATING":
            described["Backfilling"] = True
    return described


def describe_table(call: Call, params: Params) -> Result:
    return {"Table": describe(call, named(call, params["TableName"]))}


def list_tables(call: Call, params: Params) -> Result:
    limit = params.get("Limit", 100)
    names = tables(call).names(call.scope, params.get("ExclusiveStartTableName", ""), limit + 1)
    result: dict[str, Any] = {"TableNames": names[:limit]}
    if len(names) > limit:
        result["LastEvaluatedTableName"] = names[limit - 1]
    return result


def in_use(name: str, done: str) -> AwsError:
    return AwsError(
        "ResourceInUseException",
        f"Attempt to change a resource which is still in use: Table is being {done}: {name}",
    )


def delete_table(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    if table.body["DeletionProtectionEnabled"]:
        raise validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion"
            " protection first."
        )
    if not all(index.ready for index in table.indexes.values()):
        raise in_use(table.name, "updated")
    # Neither keys nor indexes, as scylladb/scylladb's test/alternator/test_table.py observed.
    described = {name: value for name, value in describe(call, table).items() if name in _DELETED}
    described["TableStatus"] = "DELETING"
    if table.stream is not None:
        call.state.streams.close(table.stream, call.now())
    tables(call).delete(table)
    call.store.outbox.put("dynamodb-sweep", {"table": table.id})
    return {"TableDescription": described}
