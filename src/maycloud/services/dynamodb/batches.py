"""BatchGetItem and BatchWriteItem: many single operations in one request, each for itself."""

from typing import Any

import orjson

from maycloud.errors import validation
from maycloud.services.base import Call, Check, Params, Result
from maycloud.services.dynamodb import keys, writes
from maycloud.services.dynamodb.capacity import Consumed, read_units
from maycloud.services.dynamodb.expressions import legacy
from maycloud.services.dynamodb.items import check_key_values
from maycloud.services.dynamodb.requests import Expressions, arn_of, check_scalars, find, rows
from maycloud.services.dynamodb.store import Table
from maycloud.services.dynamodb.values import check_item

MAX_WRITES = 25
MAX_READS = 100
MAX_READ_BYTES = 16 << 20


def get_checks(call: Call, params: Params) -> list[Check]:
    return [("dynamodb:BatchGetItem", arn_of(call, name)) for name in params["RequestItems"]]


def write_checks(call: Call, params: Params) -> list[Check]:
    return [("dynamodb:BatchWriteItem", arn_of(call, name)) for name in params["RequestItems"]]


def batch_get_item(call: Call, params: Params) -> Result:
    """Up to 100 keys; what would make the answer longer than 16 MB is left as unprocessed."""
    wanted = params["RequestItems"]
    if sum(len(each["Keys"]) for each in wanted.values()) > MAX_READS:
        raise validation("Too many items requested for the BatchGetItem call")
    for each in wanted.values():
        legacy.refuse_mixed(each)
    plans = [(name, *_read_plan(call, name, each)) for name, each in wanted.items()]
    responses: dict[str, list[Any]] = {}
    left: dict[str, Any] = {}
    capacities: list[dict[str, Any]] = []
    total = 0
    for name, table, keys_wanted, project in plans:
        found = responses.setdefault(name, [])
        consumed = Consumed(table, params)
        consistent = wanted[name].get("ConsistentRead", False)
        for position, (_, row_key) in enumerate(keys_wanted):
            row = rows(call).get(table, row_key)
            if row is not None and total + row[1] > MAX_READ_BYTES:
                rest = [given for given, _ in keys_wanted[position:]]
                left[name] = {**wanted[name], "Keys": rest}
                break
            consumed.add(read_units(row[1] if row else 0, consistent=consistent))
            if row is not None:
                total += row[1]
                found.append(orjson.Fragment(row[0]) if project is None else project(orjson.loads(row[0])))
        if consumed.wanted != "NONE":
            capacities.append(consumed.describe())
    result: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": left}
    if capacities:
        result["ConsumedCapacity"] = capacities
    return result


def _read_plan(call: Call, name: str, wanted: dict[str, Any]) -> tuple[Table, list[tuple[Any, bytes]], Any]:
    expressions = Expressions(wanted, "ProjectionExpression")
    project = expressions.projection(wanted)
    expressions.check()
    checked = [check_key_values(key) for key in wanted["Keys"]]
    table = find(call, name)
    planned = [(key, keys.row_key(table.schema, keys.check_key(table.schema, key))) for key in checked]
    check_scalars(table, project)
    if len({key for _, key in planned}) != len(planned):
        raise validation("Provided list of item keys contains duplicates")
    return table, planned, project


def batch_write_item(call: Call, params: Params) -> Result:
    """Up to 25 puts and deletes; all are checked before the first is done."""
    wanted = params["RequestItems"]
    count = sum(len(each) for each in wanted.values())
    if not 1 <= count <= MAX_WRITES:
        raise validation(
            "Too many items requested for the BatchWriteItem call"
            if count
            else "The batch write request list for a table cannot be null or empty"
        )
    plans: list[tuple[str, Table, list[tuple[bytes, Any, int]]]] = []
    for name, requests in wanted.items():
        plans.append((name, *_write_plan(call, name, requests)))
    capacities: list[dict[str, Any]] = []
    metrics: dict[str, list[dict[str, Any]]] = {}
    for name, table, planned in plans:
        consumed = Consumed(table, params)
        # Where nothing depends on what was there before, it is not looked up.
        plain = table.is_plain and consumed.wanted == "NONE"
        for key, item, size in planned:
            if plain and size >= 0:
                rows(call).put(table, key, orjson.dumps(item), size)
                continue
            stored = writes.load(call, table, key)
            change = writes.put(table, stored, item, size) if size >= 0 else writes.delete(table, stored)
            writes.apply(call, change)
            writes.count(consumed, change)
            metric = writes.collection_metrics(table, item, params.get("ReturnItemCollectionMetrics"))
            if metric is not None:
                metrics.setdefault(name, []).append(metric)
        if consumed.wanted != "NONE":
            capacities.append(consumed.describe())
    result: dict[str, Any] = {"UnprocessedItems": {}}
    if capacities:
        result["ConsumedCapacity"] = capacities
    if metrics:
        result["ItemCollectionMetrics"] = metrics
    return result


def _write_plan(
    call: Call, name: str, requests: list[dict[str, Any]]
) -> tuple[Table, list[tuple[bytes, Any, int]]]:
    """Row key, item or key, and size (-1 for a delete) of each request."""
    checked: list[tuple[Any, int]] = []
    for request in requests:
        if len([kind for kind in ("PutRequest", "DeleteRequest") if request.get(kind)]) != 1:
            raise validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the"
                " supported datatypes"
                if len(request) > 1
                else "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
            )
        if "PutRequest" in request:
            item, size = check_item(request["PutRequest"]["Item"])
            writes.check_size(size)
            checked.append((item, size))
        else:
            checked.append((check_key_values(request["DeleteRequest"]["Key"]), -1))
    table = find(call, name)
    planned: list[tuple[bytes, Any, int]] = []
    for item, size in checked:
        if size >= 0:
            # Not in PutItem's words, as architect/dynalite's test/batchWriteItem.js observed.
            keys.check_key_types(table.schema, item, alone=False)
            keys.check_key_values(table.schema, item)
            for index in table.indexes.values():
                keys.check_index_keys(index.schema, item, index.name)
        else:
            keys.check_key(table.schema, item)
        planned.append((keys.row_key(table.schema, item), item, size))
    if len({key for key, _, _ in planned}) != len(planned):
        raise validation("Provided list of item keys contains duplicates")
    return table, planned
