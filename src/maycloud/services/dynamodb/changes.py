"""UpdateTable: billing, throughput, indexes, stream, protection; one change of an index at a time, as on AWS.

Checks and their order as observed of AWS: architect/dynalite's test/updateTable.js and scylladb/scylladb's
test/alternator/test_gsi_updatetable.py and test_warm_throughput.py.
"""

from copy import deepcopy
from dataclasses import replace

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.definitions import (
    MAX_GLOBAL,
    check_added_index,
    check_bounds,
    check_non_key,
    check_throughput,
    check_warm,
    too_many_global,
)
from maycloud.services.dynamodb.requests import named, tables
from maycloud.services.dynamodb.store import Document, Table, not_found
from maycloud.services.dynamodb.tables import (
    NO_THROUGHPUT,
    TRANSPARENT,
    close_stream,
    describe,
    in_use,
    open_stream,
    sse_description,
    warm_throughput,
)

BEGIN_AFTER = 0.1  # seconds until an index begins to be filled, so that clients see it being made
_INVALID = "One or more parameter values were invalid: "
_CHANGES = (
    "BillingMode", "ProvisionedThroughput", "StreamSpecification", "DeletionProtectionEnabled",
    "WarmThroughput", "ReplicaUpdates", "MultiRegionConsistency", *TRANSPARENT,
)  # fmt: skip


def update_table(call: Call, params: Params) -> Result:
    updates: list[Document] = params.get("GlobalSecondaryIndexUpdates", [])
    if not updates and not any(name in params for name in _CHANGES):
        raise validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled,"
            " GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
        )
    check_bounds(params.get("ProvisionedThroughput"))
    _check_updates(updates)
    table = named(call, params["TableName"])
    if "ReplicaUpdates" in params or "MultiRegionConsistency" in params:
        raise AwsError("UnsupportedOperationException", "Global tables are not supported by Maycloud yet")
    if sum("Update" not in each for each in updates) > 1:
        raise _one_at_a_time()
    _check_free(table, updates)
    # A copy, so that a refusal leaves the table as it is known.
    table = replace(table, body=deepcopy(table.body))
    body = table.body
    encrypted = body.get("SSESpecification", {})
    before = describe(call, table).get("GlobalSecondaryIndexes", []) if updates else []
    _update_billing(call, params, body, updates)
    if "WarmThroughput" in params:
        check_warm(params["WarmThroughput"], warm_throughput(body))
        body["WarmThroughput"] = body.get("WarmThroughput", {}) | params["WarmThroughput"]
    for setting in (*TRANSPARENT, "DeletionProtectionEnabled"):
        if setting in params:
            body[setting] = params[setting]
    for update in updates:
        _update_index(call, table, update, params.get("AttributeDefinitions", []))
    _drop_unused_attributes(body)
    table = tables(call).save(table)
    if "StreamSpecification" in params:
        table = _update_stream(call, table, params["StreamSpecification"])
    described = describe(call, table)
    described["TableStatus"] = "UPDATING"
    _tell_index_changes(described, before, updates)
    if encrypted.get("Enabled") and "SSEDescription" not in described:
        described["SSEDescription"] = sse_description(table, encrypted, "UPDATING")
    return {"TableDescription": described}


def _one_at_a_time() -> AwsError:
    return AwsError(
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )


def _check_free(table: Table, updates: list[Document]) -> None:
    """While an index is filled, the table takes no other change than that this index goes again.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
    """
    filling = {index.name for index in table.indexes.values() if not index.ready}
    if not filling:
        return
    changes = [change for each in updates for change in each.items() if change[0] != "Update"]
    if not changes:
        raise in_use(table.name, "updated")
    if any(kind != "Delete" or wanted["IndexName"] not in filling for kind, wanted in changes):
        raise _one_at_a_time()


def _tell_index_changes(described: Document, before: list[Document], updates: list[Document]) -> None:
    """The answer shows indexes as they are while they change: one that goes is there for the last time."""
    for update in updates:
        ((kind, wanted),) = update.items()
        told: list[Document] = described.setdefault("GlobalSecondaryIndexes", [])
        if kind == "Delete":
            told += [
                each | {"IndexStatus": "DELETING"}
                for each in before
                if each["IndexName"] == wanted["IndexName"]
            ]
        for each in told:
            if kind == "Update" and each["IndexName"] == wanted["IndexName"]:
                each["IndexStatus"] = "UPDATING"


def _check_updates(updates: list[Document]) -> None:
    """What is wrong with changes of indexes whatever the table is."""
    names: set[str] = set()
    for update in updates:
        if not update:
            raise validation(
                f"{_INVALID}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create,"
                " GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(update) != 1:
            raise validation(
                f"{_INVALID}Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create,"
                " GlobalSecondaryIndexUpdate.Delete can be specified"
            )
        ((_, wanted),) = update.items()
        check_bounds(wanted.get("ProvisionedThroughput"), wanted["IndexName"])
        if wanted["IndexName"] in names:
            raise validation(
                f"{_INVALID}Only one global secondary index update per index is allowed simultaneously."
                f" Index: {wanted['IndexName']}"
            )
        names.add(wanted["IndexName"])


def _update_billing(call: Call, params: Params, body: Document, updates: list[Document]) -> None:
    mode = params.get("BillingMode", body["BillingMode"])
    throughput = params.get("ProvisionedThroughput")
    changes_mode = mode != body["BillingMode"]
    check_throughput(mode, throughput, required=changes_mode)
    if changes_mode:
        _change_mode(call, mode, body, updates)
    if mode == "PAY_PER_REQUEST" or throughput is None:
        return
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
    _note_change(call, body, current, throughput)


def _note_change(call: Call, body: Document, current: Document, throughput: Document) -> None:
    """The new throughput, with when it last grew and shrank."""
    changed = current | throughput
    now = call.now()
    if any(throughput[name] > current[name] for name in throughput):
        changed["LastIncreaseDateTime"] = now
    if any(throughput[name] < current[name] for name in throughput):
        changed["LastDecreaseDateTime"] = now
        today = int(now // 86_400)
        body["Decreases"] = body["Decreases"] + 1 if body.get("DecreasesOn") == today else 1
        body["DecreasesOn"] = today
    body["ProvisionedThroughput"] = changed


def _change_mode(call: Call, mode: str, body: Document, updates: list[Document]) -> None:
    body["BillingMode"] = mode
    indexes: list[Document] = body.get("GlobalSecondaryIndexes", [])
    if mode == "PAY_PER_REQUEST":
        body["OnDemandSince"] = call.now()
        for each in (body, *indexes):
            each["ProvisionedThroughput"] = NO_THROUGHPUT
        return
    given = {
        update["Update"]["IndexName"]
        for update in updates
        if "ProvisionedThroughput" in update.get("Update", {})
    }
    for index in indexes:
        if index["IndexName"] not in given:
            raise validation(
                f"{_INVALID}ProvisionedThroughput must be specified for index: {index['IndexName']}"
            )


def _update_index(call: Call, table: Table, update: Document, definitions: list[Document]) -> None:
    body = table.body
    indexes: list[Document] = body.setdefault("GlobalSecondaryIndexes", [])
    ((kind, wanted),) = update.items()
    found = next((each for each in indexes if each["IndexName"] == wanted["IndexName"]), None)
    if kind == "Create":
        if wanted["IndexName"] in table.indexes:
            raise validation("Attempting to create an index which already exists")
        if len(indexes) >= MAX_GLOBAL:
            raise too_many_global()
        check_added_index(wanted, definitions, body)
        known = {each["AttributeName"] for each in body["AttributeDefinitions"]}
        body["AttributeDefinitions"] += [each for each in definitions if each["AttributeName"] not in known]
        index = dict(wanted) | {"Id": tables(call).new_index_id(table), "IndexStatus": "CREATING"}
        indexes.append(index)
        check_non_key([*body.get("LocalSecondaryIndexes", []), *indexes])
        wanted = {"table": table.id, "index": index["Id"], "after": ""}
        call.store.outbox.put("dynamodb-backfill", wanted, BEGIN_AFTER)
        return
    if found is None:
        raise not_found("Requested resource not found")
    if kind == "Update":
        for setting in ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput"):
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
        return open_stream(call, table, specification)
    if table.stream is None:
        raise validation("Table is already disabled for streams: TableName: " + table.name)
    close_stream(call, table)
    return tables(call).save(table)
