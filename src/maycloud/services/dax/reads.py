"""GetItem, BatchGetItem, Query and Scan: from the caches where the caller does not want it consistent.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.consistency.html
"""

from typing import Any

import orjson

from maycloud.errors import validation
from maycloud.services.dax import cbor, keys, requests
from maycloud.services.dax.authorization import Caller
from maycloud.services.dax.caches import MISS
from maycloud.services.dax.cbor import MalformedError, Reader, wanted
from maycloud.services.dax.expressions import Expressions, Path
from maycloud.services.dax.keys import Item, KeySchema
from maycloud.services.dax.node import Node, project
from maycloud.services.dax.requests import Options, answer, consumed, table_name

_SELECT = ("", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES")
_MOST_SEGMENTS = 1_000_000
_MOST_KEYS = 100


def get_cached_item(node: Node, caller: Caller | None, reader: Reader) -> bytes | None:
    """GetItem's answer where it is at hand and whole items are wanted; None leaves it to `get_item`.

    A plain function: a task would take as long as the rest.
    """
    node.check(caller, "GetItem")
    table, key_bytes, options = table_name(reader.item()), reader.item(), Options(reader.item())
    schema = node.known_schema(table)
    if schema is None or options.flag(requests.CONSISTENT) or options.get(requests.PROJECTION) is not None:
        return None
    found = node.kept(table, schema, keys.decode(schema, key_bytes))
    if found is MISS:
        return None
    node.count("ItemCacheHits")
    members = requests.nothing_consumed(options, table)
    if found is not None:
        members[requests.ITEM] = requests.blob(found)
    return answer(members)


async def get_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "GetItem")
    table, key_bytes, options = table_name(reader.item()), reader.item(), Options(reader.item())
    paths = options.projection(Expressions())
    schema = await node.schema(table)
    key = keys.decode(schema, key_bytes)
    consistent = options.flag(requests.CONSISTENT)
    found = MISS if consistent else node.kept(table, schema, key)
    if found is MISS:
        params = {"TableName": table, "Key": key, "ConsistentRead": consistent, **options.returning()}
        result = await node.dynamodb("GetItem", params)
        members = consumed(result)
        item = result.get("Item")
        if consistent:
            found = None if item is None else node.encode_item(schema, item)
        else:
            node.count("ItemCacheMisses")
            found = node.keep(table, schema, key, item)
    else:
        node.count("ItemCacheHits")
        members = requests.nothing_consumed(options, table)
    if found is not None:
        item_bytes = project(paths, node.decode_item(key, found)) if paths else requests.blob(found)
        members[requests.ITEM] = item_bytes
    return answer(members)


# BatchGetItem


class _Wanted:
    """One table's part of a BatchGetItem: what was found and what DynamoDB left for later."""

    def __init__(self, name: str, schema: KeySchema, consistent: bool, paths: list[Path]) -> None:
        self.name = name
        self.schema = schema
        self.consistent = consistent
        self.paths = paths
        self.missing: list[Item] = []
        self.found: list[tuple[Item, bytes]] = []
        self.left: list[Item] = []


async def batch_get_item(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "BatchGetItem")
    tables = wanted(reader.item(), dict)
    options = Options(reader.item())
    if not tables:
        raise validation("The requestItems parameter is required for BatchGetItem")
    plans = [await _plan(node, table_name(name), each) for name, each in tables.items()]
    if sum(len(plan.missing) + len(plan.found) for plan in plans) > _MOST_KEYS:
        raise validation("Too many items requested for the BatchGetItem call")
    asked = {
        plan.name: {"Keys": plan.missing, "ConsistentRead": plan.consistent} for plan in plans if plan.missing
    }
    result: dict[str, Any] = {}
    if asked:
        result = await node.dynamodb("BatchGetItem", {"RequestItems": asked, **options.returning()})
    for plan in plans:
        _take(node, plan, result)
    return _batch_answer(node, plans, result)


async def _plan(node: Node, name: str, item: Any) -> _Wanted:
    if len(wanted(item, list)) != 3:
        raise MalformedError("a table's part of a batch has three members")
    consistent, projected, key_list = item
    schema = await node.schema(name)
    paths = requests.projection(Expressions(), projected)
    plan = _Wanted(name, schema, bool(consistent), paths)
    known: set[tuple[str, ...]] = set()
    for data in wanted(key_list, list):
        key = keys.decode(schema, data)
        if schema.identity(key) in known:
            raise validation("Provided list of item keys contains duplicates")
        known.add(schema.identity(key))
        kept = MISS if plan.consistent else node.kept(name, schema, key)
        if kept is MISS:
            plan.missing.append(key)
        else:
            node.count("ItemCacheHits")
        if kept is not MISS and kept is not None:
            plan.found.append((key, kept))
    if not known:
        raise validation("The list of keys in RequestItems for BatchGetItem is required")
    return plan


def _take(node: Node, plan: _Wanted, result: dict[str, Any]) -> None:
    """What DynamoDB answered for a table: items, and by their absence that there are none."""
    schema = plan.schema
    items = {schema.identity(item): item for item in result.get("Responses", {}).get(plan.name, [])}
    plan.left = result.get("UnprocessedKeys", {}).get(plan.name, {}).get("Keys", [])
    left = {schema.identity(key) for key in plan.left}
    for key in plan.missing:
        identity = schema.identity(key)
        if identity in left:
            continue
        item = items.get(identity)
        if plan.consistent:
            encoded = None if item is None else node.encode_item(schema, item)
        else:
            node.count("ItemCacheMisses")
            encoded = node.keep(plan.name, schema, key, item)
        if encoded is not None:
            plan.found.append((key, encoded))


def _batch_answer(node: Node, plans: list[_Wanted], result: dict[str, Any]) -> bytes:
    """An array of items and unprocessed keys by table; the consumed capacity follows beside it."""
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 4, 2)
    cbor.head(out, 5, len(plans))
    for plan in plans:
        cbor.text(out, plan.name)
        cbor.head(out, 4, len(plan.found) * (1 if plan.paths else 2))
        for key, encoded in plan.found:
            if plan.paths:
                out += project(plan.paths, node.decode_item(key, encoded))
            else:
                cbor.blob(out, keys.encode(plan.schema, key))
                cbor.blob(out, encoded)
    unprocessed = [plan for plan in plans if plan.left]
    cbor.head(out, 5, len(unprocessed))
    for plan in unprocessed:
        cbor.text(out, plan.name)
        cbor.head(out, 4, len(plan.left))
        for key in plan.left:
            cbor.blob(out, keys.encode(plan.schema, key))
    capacities = result.get("ConsumedCapacity", [])
    cbor.head(out, 4, len(capacities))
    for each in capacities:
        out += requests.capacity(each)
    return bytes(out)


# Query and Scan


async def query(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "Query")
    table, condition, options = table_name(reader.item()), reader.item(), Options(reader.item())
    expressions = Expressions()
    params: dict[str, Any] = {}
    if condition is not None:
        params["KeyConditionExpression"] = expressions.condition(condition)
    forward = options.get(requests.FORWARD)
    if forward is not None:
        params["ScanIndexForward"] = bool(forward)
    return await _list(node, "Query", table, options, expressions, params)


async def scan(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "Scan")
    table, options = table_name(reader.item()), Options(reader.item())
    params: dict[str, Any] = {
        **options.limit(requests.SEGMENTS, "TotalSegments", 1, _MOST_SEGMENTS),
        **options.limit(requests.SEGMENT, "Segment", 0, _MOST_SEGMENTS - 1),
    }
    return await _list(node, "Scan", table, options, Expressions(), params)


async def _list(
    node: Node,
    operation: str,
    table: str,
    options: Options,
    expressions: Expressions,
    params: dict[str, Any],
) -> bytes:
    """Answer from the query cache, which knows a request by all of its parameters, or from DynamoDB."""
    schema = await node.schema(table)
    params |= {
        "TableName": table,
        **options.limit(requests.LIMIT, "Limit", 1, 2**31 - 1),
        **requests.start_key(options, schema),
    }
    if (data := options.get(requests.FILTER)) is not None:
        params["FilterExpression"] = expressions.condition(data)
    if (index := options.get(requests.INDEX)) is not None:
        params["IndexName"] = wanted(index, bytes).decode("utf-8", "replace")
    if (select := options.named(requests.SELECT, _SELECT)) is not None:
        params["Select"] = select
    paths = options.projection(expressions)
    if paths:
        params["ProjectionExpression"] = expressions.top_level(paths)
    params |= expressions.parameters()
    if options.flag(requests.CONSISTENT):
        result = await node.dynamodb(operation, params | {"ConsistentRead": True, **options.returning()})
        return answer(_listed(node, schema, paths, params, result) | consumed(result))
    known = operation, orjson.dumps([params, paths], option=orjson.OPT_SORT_KEYS)
    members = node.queries.get(known)
    if members is not MISS:
        node.count("QueryCacheHits")
        return answer(members | requests.nothing_consumed(options, table))
    node.count("QueryCacheMisses")
    result = await node.dynamodb(operation, params | options.returning())
    members = _listed(node, schema, paths, params, result)
    node.queries.put(known, members, len(known[1]) + sum(map(len, members.values())))
    return answer(members | consumed(result))


def _listed(
    node: Node, schema: KeySchema, paths: list[Path], params: dict[str, Any], result: dict[str, Any]
) -> dict[int, bytes]:
    members = {
        requests.COUNT: requests.integer(result["Count"]),
        requests.SCANNED: requests.integer(result["ScannedCount"]),
    }
    if "Items" in result:
        members[requests.ITEMS] = _items(node, schema, paths, result["Items"])
    if (last := result.get("LastEvaluatedKey")) is not None:
        if "IndexName" in params:
            key = bytearray()
            cbor.value(key, {"M": last})
            members[requests.LAST_KEY] = requests.blob(bytes(key))
        else:
            members[requests.LAST_KEY] = requests.blob(keys.encode(schema, last))
    return members


def _items(node: Node, schema: KeySchema, paths: list[Path], items: list[Item]) -> bytes:
    """Each item as its key and its other attributes, or as the parts that paths lead to."""
    out = bytearray()
    cbor.head(out, 4, len(items))
    for item in items:
        if paths:
            out += project(paths, item)
            continue
        cbor.head(out, 4, 2)
        cbor.blob(out, keys.encode(schema, item))
        cbor.blob(out, node.encode_item(schema, item))
    return bytes(out)
