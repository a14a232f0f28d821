"""Query and Scan: a range of the store's order, read until a limit, filtered, and told where to go on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from maycloud.errors import validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb import keys, starts
from maycloud.services.dynamodb.capacity import Consumed
from maycloud.services.dynamodb.expressions import (
    KeyCondition,
    KeyConditions,
    KeyTests,
    Predicate,
    Projection,
    binding,
    keyconditions,
    legacy,
)
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.requests import Expressions, check_scalars, find, key_of, rows
from maycloud.services.dynamodb.store import Index, Table
from maycloud.services.dynamodb.values import Item, item_size

PAGE = 1 << 20  # bytes read of one call
MAX_KEYS = 2  # attributes of a table's key
MAX_INDEX_KEYS = 8


@dataclass(slots=True)
class Reading:
    """The rows that a Query or Scan reads."""

    table: Table
    index: Index | None
    low: bytes
    high: bytes
    forward: bool = True
    single: bool = False  # there is one such row at the most


@dataclass(slots=True)
class Wanted:
    """What becomes of each row read."""

    limit: int | None
    predicate: Predicate | None
    project: Projection | None
    counts_only: bool


def query(call: Call, params: Params) -> Result:
    """Items of one partition in order of their sort key."""
    legacy.refuse_mixed(params)
    expressions = Expressions(params, "ProjectionExpression", "FilterExpression", "KeyConditionExpression")
    predicate = _legacy_filter(params, "QueryFilter")
    project = expressions.legacy_projection(params)
    start = starts.values(params)
    tests, text = None, params.get("KeyConditionExpression")
    most = MAX_INDEX_KEYS if params.get("IndexName") else MAX_KEYS
    if params.get("KeyConditions") is not None:
        tests = legacy.key_conditions(params["KeyConditions"], most)
    elif text is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    keyed = None
    if text is not None:
        keyed = KeyConditions(text, expressions.names, expressions.values, expressions.used)
    predicate = predicate or expressions.condition(params, "FilterExpression")
    project = project or expressions.projection(params)
    expressions.check()
    if tests is None:
        assert keyed is not None
        tests = keyed.tests(most)
    _check_select(params)
    table = find(call, params["TableName"])
    index = _index(table, params)
    schema = index.schema if index is not None else table.schema
    if start is not None:
        starts.check_hash(start, table, index)
    keyconditions.check_hash(tests, schema)
    if start is not None:
        starts.check_rest(start, table, index)
    condition = _condition(tests, schema)
    low, high = _bounds(schema, condition)
    forward = params.get("ScanIndexForward", True)
    if start is not None:
        at = starts.place(start, table, index)
        _check_within(condition, start, index is not None, schema, at)
        low, high = (at + b"\0", high) if forward else (low, at)
    _check_filter_keys(predicate, schema, "QueryFilter" if "QueryFilter" in params else "Filter Expression")
    check_scalars(table, predicate, project)
    _check_projected(index, params, project)
    wanted = Wanted(params.get("Limit"), predicate, project, params.get("Select") == "COUNT")
    single = index is None and condition.operator == "="
    return _read(call, Reading(table, index, low, high, forward, single), wanted, params)


def scan(call: Call, params: Params) -> Result:
    """Items of a table or index, or of one segment of it, in the order of the store."""
    legacy.refuse_mixed(params)
    expressions = Expressions(params, "ProjectionExpression", "FilterExpression")
    project = expressions.legacy_projection(params)
    predicate = _legacy_filter(params, "ScanFilter")
    start = starts.values(params)
    number, total = params.get("Segment"), params.get("TotalSegments")
    _check_segment(number, total)
    predicate = predicate or expressions.condition(params, "FilterExpression")
    project = project or expressions.projection(params)
    _check_select(params)
    expressions.check()
    table = find(call, params["TableName"])
    index = _index(table, params)
    if start is not None and index is not None:
        starts.check_index(start, table, index)
    _check_projected(index, params, project)
    low, high = (
        keys.segment(number, total) if number is not None and total is not None else (b"", b"\xff" * 8)
    )
    if start is not None:
        starts.check_table(start, table, alone=index is None)
        at = starts.place(start, table, index)
        if not low <= at < high:
            raise validation(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use"
                " ExclusiveStartKey with correct Segment. "
                f"TotalSegments: {total} Segment: {number}"
            )
        low = at + b"\0"
    check_scalars(table, predicate, project)
    wanted = Wanted(params.get("Limit"), predicate, project, params.get("Select") == "COUNT")
    return _read(call, Reading(table, index, low, high), wanted, params)


def _check_segment(number: int | None, total: int | None) -> None:
    if number is not None and total is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request when Segment"
            " parameter is present"
        )
    if number is None and total is not None:
        raise validation(
            "The Segment parameter is required but was not present in the request when parameter"
            " TotalSegments is present"
        )
    if number is not None and total is not None and number >= total:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment:"
            f" {number} is not less than TotalSegments: {total}"
        )


def _check_select(params: Params) -> None:
    if params.get("Select") == "COUNT" and params.get("ProjectionExpression") is not None:
        raise validation("Cannot specify the ProjectionExpression when choosing to get only the Count")
    if params.get("Select") == "COUNT" and params.get("AttributesToGet") is not None:
        raise validation("Cannot specify the AttributesToGet when choosing to get only the Count")
    if params.get("Select") == "SPECIFIC_ATTRIBUTES" and not (
        params.get("ProjectionExpression") or params.get("AttributesToGet")
    ):
        raise validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get"
            " SPECIFIC_ATTRIBUTES"
        )
    if params.get("Select") in ("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES") and (
        params.get("ProjectionExpression") or params.get("AttributesToGet")
    ):
        which = "ProjectionExpression" if params.get("ProjectionExpression") else "AttributesToGet"
        raise validation(f"Cannot specify the {which} when choosing to get {params['Select']}")


def _legacy_filter(params: Params, name: str) -> Predicate | None:
    if params.get(name):
        return legacy.conditions(params[name], params.get("ConditionalOperator"))
    if params.get("ConditionalOperator") is not None and not params.get("KeyConditions"):
        raise validation("ConditionalOperator can only be used when Filter or Expected is specified")
    return None


def _check_filter_keys(predicate: Predicate | None, schema: KeySchema, kind: str) -> None:
    """A Query's filter may not name the keys: those are for the key condition."""
    for path in predicate.paths if predicate is not None else ():
        if path[0] in schema.names:
            raise validation(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {path[0]}"
            )


def _index(table: Table, params: Params) -> Index | None:
    name = params.get("IndexName")
    if name is None:
        if params.get("Select") == "ALL_PROJECTED_ATTRIBUTES":
            raise validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        return None
    index = table.indexes.get(name)
    if index is None:
        raise validation(f"The table does not have the specified index: {name}")
    if not index.ready:
        raise validation(f"Cannot read from backfilling global secondary index: {name}")
    if index.is_global and params.get("ConsistentRead"):
        raise validation("Consistent reads are not supported on global secondary indexes")
    return index


def _check_projected(index: Index | None, params: Params, project: Projection | None) -> None:
    """A global index has what it projects and fetches nothing from its table."""
    if index is None or not index.is_global or index.projection is None:
        return
    if params.get("Select") == "ALL_ATTRIBUTES":
        raise validation(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for"
            f" global secondary index {index.name} because its projection type is not ALL"
        )
    lacking = [str(path[0]) for path in project.paths if path[0] not in index.projection] if project else []
    if lacking:
        raise validation(
            f"One or more parameter values were invalid: Global secondary index {index.name} does not project"
            f" [{', '.join(lacking)}]"
        )


def _condition(tests: KeyTests, schema: KeySchema) -> KeyCondition:
    """What the tests say of these keys; every fault in them is told before what is not supported."""
    others = tests.keys() - {*schema.names}
    if not others:
        keyconditions.check_indexable(tests)
        for name, (_, operands) in tests.items():
            for operand in operands:
                _check_operand(schema, name, operand)
    return keyconditions.choose(tests, schema)


def _check_operand(schema: KeySchema, name: str, value: Item | Any) -> None:
    if schema.type_of(name) not in value:
        raise validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    ((kind, content),) = value.items()
    if kind != "N" and not content and name in schema.hashes:
        what = "string" if kind == "S" else "binary"
        raise validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
            f" contain an empty {what} value. Key: {name}"
        )


def _check_within(condition: KeyCondition, start: Item, of_index: bool, schema: KeySchema, at: bytes) -> None:
    """Whether a page may begin behind this key; in the words that dynalite's test/query.js observed."""
    given = tuple(start[name] for name in schema.hashes)
    same = all(map(binding.equal, given, condition.hash_values))
    if condition.operator is None:
        if not same:
            raise validation(
                "The provided starting key is outside query boundaries based on provided conditions"
            )
        return
    low, high = _bounds(schema, replace(condition, hash_values=given))
    single = not of_index and condition.operator == "="
    if not single and not low <= at < high:
        raise validation("The provided starting key does not match the range key predicate")
    if single or not same:
        raise validation("The query can return at most one row and cannot be restarted")


def _bounds(schema: KeySchema, condition: KeyCondition) -> tuple[bytes, bytes]:
    """The key range [low, high) of a key condition."""
    prefix = keys.partition(*condition.hash_values) + b"".join(map(keys.encode, condition.leading))
    low, high = prefix, keys.after(prefix)
    if condition.operator is None:
        return low, high
    values = [prefix + keys.encode(operand) for operand in condition.operands]
    if condition.operator == "=":
        return values[0], keys.after(values[0])
    if condition.operator == "<":
        return low, values[0]
    if condition.operator == "<=":
        return low, keys.after(values[0])
    if condition.operator == ">":
        return keys.after(values[0]), high
    if condition.operator == ">=":
        return values[0], high
    if condition.operator == "between":
        return values[0], keys.after(values[1])
    begins = prefix + keys.encode_prefix(condition.operands[0])
    return begins, keys.after(begins)


def _read(call: Call, reading: Reading, wanted: Wanted, params: Params) -> Result:
    """Read rows until a page is full; the answer's items are unparsed where nothing looks into them."""
    table, index = reading.table, reading.index
    found: list[Any] = []
    scanned = matched = size = 0
    last: bytes | None = None
    more = False
    needs_item = wanted.predicate is not None or wanted.project is not None
    cut = index.projection if index is not None else None
    fetches = _fetches(index, params, wanted.project)
    fetched = 0
    limit = wanted.limit
    unparsed = not needs_item and cut is None and not wanted.counts_only
    for _key, item_bytes, raw in _rows(call, reading):
        row_size, item = item_bytes, None
        if cut is not None:  # a row of an index is as large as what it has of the item
            item = {name: value for name, value in orjson.loads(raw).items() if name in cut}
            row_size = item_size(item)
        if scanned == limit or (scanned and size + row_size > PAGE):
            more = True
            break
        scanned += 1
        size += row_size
        last = raw
        if fetches:
            fetched += max(1, -(-item_bytes // 4096))
            item = None
        if unparsed:
            found.append(orjson.Fragment(raw))
            continue
        if wanted.counts_only and wanted.predicate is None:
            matched += 1
            continue
        if item is None:
            item = orjson.loads(raw)
        if wanted.predicate is not None and not wanted.predicate(item):
            continue
        matched += 1
        if not wanted.counts_only:
            found.append(wanted.project(item) if wanted.project is not None else item)
    result: dict[str, Any] = {"Count": scanned if unparsed else matched, "ScannedCount": scanned}
    if not wanted.counts_only:
        result["Items"] = found
    if last is not None and (more or scanned == wanted.limit) and not reading.single:
        result["LastEvaluatedKey"] = _last_key(table, index, orjson.loads(last))
    if "ReturnConsumedCapacity" in params:
        _account(reading, params, size, fetched, result)
    return result


def _fetches(index: Index | None, params: Params, project: Projection | None) -> bool:
    """Whether a local index must fetch from the table what it does not project.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ThroughputConsiderations
    """
    if index is None or index.is_global or index.projection is None:
        return False
    if params.get("Select") == "ALL_ATTRIBUTES":
        return True
    return project is not None and any(path[0] not in index.projection for path in project.paths)


def _rows(call: Call, reading: Reading) -> Iterator[tuple[bytes, int, bytes]]:
    store = rows(call)
    if reading.index is None:
        return store.range(reading.table, reading.low, reading.high, forward=reading.forward)
    return store.index_range(reading.table, reading.index, reading.low, reading.high, forward=reading.forward)


def _last_key(table: Table, index: Index | None, item: Item) -> Item:
    last = key_of(table.schema, item)
    if index is not None:
        last |= key_of(index.schema, item)
    return last


def _account(reading: Reading, params: Params, size: int, fetched: int, result: dict[str, Any]) -> None:
    """A Query's units: the bytes of all it read together, rounded up once; and the blocks of each item that
    was fetched from the table."""
    consumed = Consumed(reading.table, params)
    blocks = max(1, -(-size // 4096))
    each = 1.0 if params.get("ConsistentRead") else 0.5
    consumed.add(blocks * each, reading.index.name if reading.index is not None else None)
    consumed.add(fetched * each)
    consumed.put_into(result)
