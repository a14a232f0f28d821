"""Tables: made, described, changed, deleted; their tags, expiry and policies."""

import re
import uuid
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.definitions import check_definition, check_throughput
from maycloud.services.dynamodb.requests import rows, table_name, tables
from maycloud.services.dynamodb.store import Document, Table, not_found

COUNTED = 20_000  # items that DescribeTable counts at once; beyond that the figure is the last sweep's
MAX_TABLES = 2500
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")

_TRANSPARENT = ("TableClass", "SSESpecification")


def named(call: Call, name: str) -> Table:
    """The table of a control-plane call, by name or ARN."""
    if name.startswith("arn:"):
        parts = name.split(":")
        table = tables(call).find((parts[4], parts[3]), table_name(name)) if len(parts) > 5 else None
    else:
        check_name(name)
        table = tables(call).find(call.scope, name)
    if table is None:
        raise not_found(f"Requested resource not found: Table: {table_name(name)} not found")
    return table


def check_name(name: str) -> None:
    if not 3 <= len(name) <= 255:
        raise validation("TableName must be at least 3 characters long and at most 255 characters long")
    if not _NAME.fullmatch(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member"
            " must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


def create_table(call: Call, params: Params) -> Result:
    name = params["TableName"]
    check_name(name)
    check_definition(params)
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
        "ProvisionedThroughput": params.get("ProvisionedThroughput", _NO_THROUGHPUT),
        "DeletionProtectionEnabled": params.get("DeletionProtectionEnabled", False),
        "Tags": {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
    }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if params.get(kind):
            body[kind] = [dict(index) for index in params[kind]]
    for setting in (*_TRANSPARENT, "OnDemandThroughput"):
        if setting in params:
            body[setting] = params[setting]
    if params.get("ResourcePolicy"):
        body["Policy"] = _policy(params["ResourcePolicy"])
    table = tables(call).create(call.scope, name, body)
    if params.get("StreamSpecification", {}).get("StreamEnabled"):
        table = _open_stream(call, table, params["StreamSpecification"])
    described = describe(call, table)
    described["TableStatus"] = "CREATING"
    for index in described.get("GlobalSecondaryIndexes", []):
        index["IndexStatus"] = "CREATING"
    return {"TableDescription": described}


_NO_THROUGHPUT = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}


def _open_stream(call: Call, table: Table, specification: Document) -> Table:
    if not specification.get("StreamViewType"):
        raise validation("StreamEnabled is true but no StreamViewType is specified")
    stream, label = call.state.streams.open(table, specification["StreamViewType"], call.now())
    table.body |= {
        "StreamId": stream,
        "StreamLabel": label,
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": specification["StreamViewType"]},
    }
    return tables(call).save(table)


def _close_stream(call: Call, table: Table) -> None:
    call.state.streams.close(table.stream, call.now())
    del table.body["StreamId"], table.body["StreamSpecification"]


def describe(call: Call, table: Table) -> Document:
    """A TableDescription."""
    body = table.body
    items, size = rows(call).count(table, COUNTED)
    if items >= COUNTED:
        items, size = body.get("Counted", (items, size))
    described: Document = {
        "TableName": table.name,
        "TableArn": table.arn,
        "TableId": body["TableId"],
        "TableStatus": "ACTIVE",
        "CreationDateTime": body["CreationDateTime"],
        "AttributeDefinitions": body["AttributeDefinitions"],
        "KeySchema": body["KeySchema"],
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **body["ProvisionedThroughput"]},
        "TableSizeBytes": size,
        "ItemCount": items,
        "DeletionProtectionEnabled": body["DeletionProtectionEnabled"],
        "WarmThroughput": {
            "ReadUnitsPerSecond": 12_000,
            "WriteUnitsPerSecond": 4_000,
            "Status": "ACTIVE",
        },
    }
    if body["BillingMode"] == "PAY_PER_REQUEST":
        described["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": body["CreationDateTime"],
        }
    if "TableClass" in body:
        described["TableClassSummary"] = {"TableClass": body["TableClass"]}
    if "OnDemandThroughput" in body:
        described["OnDemandThroughput"] = body["OnDemandThroughput"]
    if body.get("SSESpecification", {}).get("Enabled"):
        described["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": body["SSESpecification"].get("SSEType", "KMS"),
        }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if body.get(kind):
            described[kind] = [_describe_index(table, index, kind) for index in body[kind]]
    if "StreamLabel" in body:
        described["LatestStreamLabel"] = body["StreamLabel"]
        described["LatestStreamArn"] = f"{table.arn}/stream/{body['StreamLabel']}"
    if "StreamSpecification" in body:
        described["StreamSpecification"] = body["StreamSpecification"]
    return described


def _describe_index(table: Table, index: Document, kind: str) -> Document:
    described: Document = {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": f"{table.arn}/index/{index['IndexName']}",
    }
    if kind == "GlobalSecondaryIndexes":
        status = index.get("IndexStatus", "ACTIVE")
        throughput = index.get("ProvisionedThroughput", _NO_THROUGHPUT)
        described |= {
            "IndexStatus": status,
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **throughput},
        }
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


def delete_table(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    if table.body["DeletionProtectionEnabled"]:
        raise validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion"
            " protection first."
        )
    described = describe(call, table)
    described["TableStatus"] = "DELETING"
    if table.stream is not None:
        call.state.streams.close(table.stream, call.now())
    tables(call).delete(table)
    call.store.outbox.put("dynamodb-sweep", {"table": table.id})
    return {"TableDescription": described}


def update_table(call: Call, params: Params) -> Result:
    """Billing, throughput, indexes, stream, protection; one change of an index at a time, as on AWS."""
    table = named(call, params["TableName"])
    body = table.body
    known = (
        "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates", "StreamSpecification",
        "DeletionProtectionEnabled", "OnDemandThroughput", "ReplicaUpdates", *_TRANSPARENT,
    )  # fmt: skip
    if not any(name in params for name in known):
        raise validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled,"
            " GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
        )
    if "ReplicaUpdates" in params:
        raise AwsError("UnsupportedOperationException", "Global tables are not supported by Maycloud yet")
    _update_billing(params, body)
    for setting in (*_TRANSPARENT, "DeletionProtectionEnabled", "OnDemandThroughput"):
        if setting in params:
            body[setting] = params[setting]
    if "AttributeDefinitions" in params:
        known_names = {each["AttributeName"] for each in params["AttributeDefinitions"]}
        kept = [each for each in body["AttributeDefinitions"] if each["AttributeName"] not in known_names]
        body["AttributeDefinitions"] = kept + params["AttributeDefinitions"]
    for update in params.get("GlobalSecondaryIndexUpdates", []):
        _update_index(call, table, update)
    _drop_unused_attributes(body)
    table = tables(call).save(table)
    if "StreamSpecification" in params:
        table = _update_stream(call, table, params["StreamSpecification"])
    described = describe(call, table)
    described["TableStatus"] = "UPDATING"
    return {"TableDescription": described}


def _update_billing(params: Params, body: Document) -> None:
    mode = params.get("BillingMode", body["BillingMode"])
    throughput = params.get("ProvisionedThroughput")
    check_throughput(mode, throughput, required="BillingMode" in params and mode != body["BillingMode"])
    if mode == "PAY_PER_REQUEST":
        body["ProvisionedThroughput"] = _NO_THROUGHPUT
    elif throughput is not None:
        current = body["ProvisionedThroughput"]
        if "BillingMode" not in params and all(throughput[name] == current.get(name) for name in throughput):
            raise validation(
                "The provisioned throughput for the table will not change. The requested value equals the"
                " current value. Current ReadCapacityUnits provisioned for the table:"
                f" {current['ReadCapacityUnits']}. Requested ReadCapacityUnits:"
                f" {throughput['ReadCapacityUnits']}. Current WriteCapacityUnits provisioned for the table:"
                f" {current['WriteCapacityUnits']}. Requested WriteCapacityUnits:"
                f" {throughput['WriteCapacityUnits']}. Refer to the Amazon DynamoDB Developer Guide for"
                " current limits and how to request higher limits."
            )
        body["ProvisionedThroughput"] = throughput
    body["BillingMode"] = mode


def _update_index(call: Call, table: Table, update: Document) -> None:
    body = table.body
    indexes: list[Document] = body.setdefault("GlobalSecondaryIndexes", [])
    if len(update) != 1:
        raise validation(
            "One or more parameter values were invalid: Only one global secondary index update per index is"
            " allowed simultaneously."
        )
    ((kind, wanted),) = update.items()
    found = next((each for each in indexes if each["IndexName"] == wanted["IndexName"]), None)
    if kind == "Create":
        if found is not None or wanted["IndexName"] in table.indexes:
            raise validation(
                "One or more parameter values were invalid: Duplicate index name: " + wanted["IndexName"]
            )
        index = dict(wanted) | {"Id": tables(call).new_index_id(table), "IndexStatus": "CREATING"}
        indexes.append(index)
        check_definition(
            {
                **{name: body[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")},
                "ProvisionedThroughput": (
                    body["ProvisionedThroughput"] if body["BillingMode"] == "PROVISIONED" else None
                ),
                "GlobalSecondaryIndexes": indexes,
                "LocalSecondaryIndexes": body.get("LocalSecondaryIndexes"),
            },
            updating=True,
        )
        call.store.outbox.put("dynamodb-backfill", {"table": table.id, "index": index["Id"], "after": ""})
        return
    if found is None:
        raise not_found("Requested resource not found")
    if kind == "Update":
        for setting in ("ProvisionedThroughput", "OnDemandThroughput"):
            if setting in wanted:
                found[setting] = wanted[setting]
        return
    indexes.remove(found)
    if not indexes:
        del body["GlobalSecondaryIndexes"]
    call.store.outbox.put("dynamodb-sweep", {"index": found["Id"]})


def _drop_unused_attributes(body: Document) -> None:
    """Attribute definitions last as long as a key uses them."""
    used = {element["AttributeName"] for element in body["KeySchema"]}
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in body.get(kind, []):
            used |= {element["AttributeName"] for element in index["KeySchema"]}
    body["AttributeDefinitions"] = [
        each for each in body["AttributeDefinitions"] if each["AttributeName"] in used
    ]


def _update_stream(call: Call, table: Table, specification: Document) -> Table:
    if specification["StreamEnabled"]:
        if table.stream is not None:
            raise validation("Table already has an enabled stream: TableName: " + table.name)
        return _open_stream(call, table, specification)
    if table.stream is None:
        raise validation("Table is already disabled for streams: TableName: " + table.name)
    _close_stream(call, table)
    return tables(call).save(table)


# Expiry


def update_time_to_live(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    specification = params["TimeToLiveSpecification"]
    attribute, enabled = specification["AttributeName"], specification["Enabled"]
    if enabled and table.expiry is not None:
        raise validation(
            "TimeToLive is already enabled"
            if table.expiry == attribute
            else f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry}"
        )
    if not enabled and table.expiry is None:
        raise validation("TimeToLive is already disabled")
    if not enabled and table.expiry != attribute:
        raise validation(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry}"
        )
    if enabled:
        table.body["Expiry"] = attribute
        call.store.outbox.put("dynamodb-backfill", {"table": table.id, "index": None, "after": ""})
    else:
        del table.body["Expiry"]
        call.store.db.write("DELETE FROM dynamodb_expiry WHERE tbl=?", (table.id,))
    tables(call).save(table)
    return {"TimeToLiveSpecification": specification}


def describe_time_to_live(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    if table.expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.expiry}}


# Tags and policies


def _by_arn(call: Call, arn: str) -> Table:
    parts = arn.split(":")
    if len(parts) < 6 or not parts[5].startswith("table/"):
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    table = tables(call).find((parts[4], parts[3]), table_name(arn))
    if table is None:
        raise not_found(f"Requested resource not found: ResourcArn: {arn} not found")
    return table


def tag_resource(call: Call, params: Params) -> Result:
    table = _by_arn(call, params["ResourceArn"])
    tags = table.body["Tags"] | {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if len(tags) > 50:
        raise validation("One or more parameter values were invalid: Too many tags: 50 at the most")
    table.body["Tags"] = tags
    tables(call).save(table)
    return None


def untag_resource(call: Call, params: Params) -> Result:
    table = _by_arn(call, params["ResourceArn"])
    for name in params["TagKeys"]:
        table.body["Tags"].pop(name, None)
    tables(call).save(table)
    return None


def list_tags_of_resource(call: Call, params: Params) -> Result:
    tags = _by_arn(call, params["ResourceArn"]).body["Tags"]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _policy(text: str) -> Document:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise validation("Invalid policy document: This policy contains invalid Json") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise validation("Invalid policy document: Missing required field Statement")
    return policy


def put_resource_policy(call: Call, params: Params) -> Result:
    table = _by_arn(call, params["ResourceArn"])
    expected = params.get("ExpectedRevisionId")
    current = table.body.get("PolicyRevision")
    if expected is not None and expected != (current or "NO_POLICY"):
        raise AwsError("PolicyNotFoundException", "The revision ID of the policy does not match")
    table.body |= {"Policy": _policy(params["Policy"]), "PolicyRevision": str(uuid.uuid4())}
    tables(call).save(table)
    return {"RevisionId": table.body["PolicyRevision"]}


def get_resource_policy(call: Call, params: Params) -> Result:
    table = _by_arn(call, params["ResourceArn"])
    if "Policy" not in table.body:
        raise AwsError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {params['ResourceArn']}",
        )
    return {
        "Policy": orjson.dumps(table.body["Policy"]).decode(),
        "RevisionId": table.body.get("PolicyRevision"),
    }


def delete_resource_policy(call: Call, params: Params) -> Result:
    table = _by_arn(call, params["ResourceArn"])
    table.body.pop("Policy", None)
    revision = table.body.pop("PolicyRevision", None)
    tables(call).save(table)
    return {"RevisionId": revision} if revision else {}
