"""PutItem, UpdateItem, DeleteItem and BatchWriteItem: written to DynamoDB, and then to the item cache.

The query cache is left as it is: what it holds passes with its time.
"""

import asyncio
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dax import cbor, keys, requests
from maycloud.services.dax.authorization import Caller
from maycloud.services.dax.cbor import MalformedError, Reader, wanted
from maycloud.services.dax.expressions import Expressions
from maycloud.services.dax.keys import Item, KeySchema
from maycloud.services.dax.node import Node
from maycloud.services.dax.requests import Options, answer, consumed, table_name

_MOST_WRITES = 25


async def put_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "PutItem")
    table, key_bytes, values = table_name(reader.item()), reader.item(), reader.item()
    options = Options(reader.item())
    schema = await node.schema(table)
    key = keys.decode(schema, key_bytes)
    item = node.decode_item(key, values)
    params = {"TableName": table, "Item": item, **_conditional(options)}
    result = await node.dynamodb("PutItem", params | {"ReturnValues": options.return_values()})
    node.keep(table, schema, key, item)
    return _written(node, schema, options, result)


async def delete_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "DeleteItem")
    table, key_bytes, options = table_name(reader.item()), reader.item(), Options(reader.item())
    schema = await node.schema(table)
    key = keys.decode(schema, key_bytes)
    params = {"TableName": table, "Key": key, **_conditional(options)}
    result = await node.dynamodb("DeleteItem", params | {"ReturnValues": options.return_values()})
    node.forget(table, schema, key)
    return _written(node, schema, options, result)


async def update_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "UpdateItem")
    table, key_bytes, options = table_name(reader.item()), reader.item(), Options(reader.item())
    schema = await node.schema(table)
    key = keys.decode(schema, key_bytes)
    params = {"TableName": table, "Key": key, **_conditional(options)}
    returned = options.return_values()
    # Whoever wants nothing back is asked for the new item, which the cache needs anyhow.
    asked = "ALL_NEW" if returned == "NONE" else returned
    result = await node.dynamodb("UpdateItem", params | {"ReturnValues": asked})
    if asked == "ALL_NEW":
        node.keep(table, schema, key, result["Attributes"])
    else:
        await refresh(node, [(table, schema, key)])
    if returned == "NONE":
        result.pop("Attributes")
    return _written(node, schema, options, result)


def _conditional(options: Options) -> dict[str, Any]:
    """The expressions of a write, and what it asks to know."""
    expressions = Expressions()
    found: dict[str, Any] = {}
    if (data := options.get(requests.CONDITION)) is not None:
        found["ConditionExpression"] = expressions.condition(data)
    if (data := options.get(requests.UPDATE)) is not None:
        found["UpdateExpression"] = expressions.update(data)
    return found | expressions.parameters() | options.returning()


def _written(node: Node, schema: KeySchema, options: Options, result: dict[str, Any]) -> bytes:
    members = consumed(result)
    attributes: Item | None = result.get("Attributes")
    if attributes is not None:
        if options.return_values().startswith("UPDATED"):
            encoded = node.encode_part(attributes)
        else:
            encoded = node.encode_item(schema, attributes)
        members[requests.ATTRIBUTES] = requests.blob(encoded)
    if (metrics := result.get("ItemCollectionMetrics")) is not None:
        members[requests.COLLECTION] = requests.collection_metrics(metrics)
    return answer(members)


async def refresh(node: Node, written: list[tuple[str, KeySchema, Item]]) -> None:
    """Read written items again for the cache. A role that may not read them leaves the cache without."""
    for table, schema, key in written:
        node.forget(table, schema, key)
    for table, schema, key in written:
        params = {"TableName": table, "Key": key, "ConsistentRead": True}
        try:
            result = await node.dynamodb("GetItem", params)
        except AwsError:
            return
        node.keep(table, schema, key, result.get("Item"))


# BatchWriteItem

_Write = tuple[Item, Item | None]  # a key, and the item to put or None to delete


async def batch_write_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "BatchWriteItem")
    tables = wanted(reader.item(), dict)
    options = Options(reader.item())
    plans: dict[str, tuple[KeySchema, list[_Write]]] = {}
    for name, each in tables.items():
        table = table_name(name)
        schema = await node.schema(table)
        plans[table] = schema, await _writes(node, schema, wanted(each, list))
    count = sum(len(writes) for _, writes in plans.values())
    if not 1 <= count <= _MOST_WRITES:
        raise validation(
            "Too many items requested for the BatchWriteItem call"
            if count
            else "The batch write request list for a table cannot be null or empty"
        )
    asked = {table: [_request(write) for write in writes] for table, (_, writes) in plans.items()}
    result = await node.dynamodb("BatchWriteItem", {"RequestItems": asked, **options.returning()})
    left: dict[str, list[dict[str, Any]]] = result.get("UnprocessedItems", {})
    for table, (schema, writes) in plans.items():
        unwritten = left.get(table, [])
        for write in writes:
            key, item = write
            if item is None or _request(write) in unwritten:
                node.forget(table, schema, key)
            else:
                node.keep(table, schema, key, item)
    return _batch_answer(node, plans, left, result)


async def _writes(node: Node, schema: KeySchema, items: list[Any]) -> list[_Write]:
    """Keys and values by turns; no value deletes."""
    if len(items) % 2:
        raise MalformedError("a key without a value")
    found: list[_Write] = []
    for at in range(0, len(items), 2):
        key = keys.decode(schema, items[at])
        found.append((key, None if items[at + 1] is None else node.decode_item(key, items[at + 1])))
        await asyncio.sleep(0)  # large items take their time to read: others have their turn in between
    return found


def _request(write: _Write) -> dict[str, Any]:
    key, item = write
    return {"DeleteRequest": {"Key": key}} if item is None else {"PutRequest": {"Item": item}}


def _batch_answer(
    node: Node,
    plans: dict[str, tuple[KeySchema, list[_Write]]],
    left: dict[str, list[dict[str, Any]]],
    result: dict[str, Any],
) -> bytes:
    """Three values: unprocessed writes by table, consumed capacity, collection metrics."""
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 5, len(left))
    for table, unwritten in left.items():
        schema = plans[table][0]
        cbor.text(out, table)
        cbor.head(out, 4, 2 * len(unwritten))
        for each in unwritten:
            item = each.get("PutRequest", {}).get("Item")
            key = each["DeleteRequest"]["Key"] if item is None else item
            cbor.blob(out, keys.encode(schema, key))
            if item is None:
                cbor.null(out)
            else:
                cbor.blob(out, node.encode_item(schema, item))
    capacities = result.get("ConsumedCapacity", [])
    cbor.head(out, 4, len(capacities))
    for each in capacities:
        out += requests.capacity(each)
    requests.all_collection_metrics(out, result)
    return bytes(out)
