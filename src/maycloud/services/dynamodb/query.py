"""Query and Scan: a range of the store's order, read until a limit, filtered, and told where to go on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb import keys
from maycloud.services.dynamodb.capacity import Consumed
from maycloud.services.dynamodb.expressions import KeyCondition, compile_key_condition, legacy
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.requests import Expressions, find, key_of, rows
from maycloud.services.dynamodb.store import Index, Table
from maycloud.services.dynamodb.values import Item, check_value

PAGE = 1 << 20  # bytes read of one call


@dataclass(slots=True)
class Reading:
    """What a Query or Scan reads, and what it does with each row."""

    table: Table
    index: Index | None
    low: bytes
    high: bytes
    forward: bool
    limit: int | None
    predicate: Callable[[Item], bool] | None
    project: Callable[[Item], Item] | None
    counts_only: bool


def query(call: Call, params: Params) -> Result:
    """Items of one partition in order of their sort key."""
    legacy.refuse_mixed(params)
    _check_limit(params)
    expressions = Expressions(params, "ProjectionExpression", "FilterExpression", "KeyConditionExpression")
    if params.get("KeyConditionExpression") is None and not params.get("KeyConditions"):
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    project = expressions.projection(params)
    predicate = _filter(expressions, params, "QueryFilter")
    table = find(call, params["TableName"])
    index = _index(table, params)
    schema = index.schema if index is not None else table.schema
    condition = _key_condition(expressions, params, schema)
    expressions.check()
    _check_filter_keys(predicate, schema, "Filter")
    low, high = _bounds(schema, condition)
    start = _start_key(table, index, params)
    forward = params.get("ScanIndexForward", True)
    if start is not None:
        if not low <= start < high:
            raise validation(
                "The provided starting key is outside query boundaries based on provided conditions"
            )
        low, high = (start + b"\0", high) if forward else (low, start)
    reading = Reading(
        table,
        index,
        low,
        high,
        forward,
        params.get("Limit"),
        predicate,
        project,
        params.get("Select") == "COUNT",
    )
    return _read(call, reading, params)


def scan(call: Call, params: Params) -> Result:
    """Items of a table or index, or of one segment of it, in the order of the store."""
    legacy.refuse_mixed(params)
    _check_limit(params)
    number, total = params.get("Segment"), params.get("TotalSegments")
    if (number is None) != (total is None):
        missing = "TotalSegments" if total is None else "Segment"
        given = "Segment" if total is None else "TotalSegments"
        raise validation(
            f"The {missing} parameter is required but was not present in the request when {given} parameter"
            " is present"
        )
    if number is not None and total is not None and number >= total:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment:"
            f" {number} is not less than TotalSegments: {total}"
        )
    expressions = Expressions(params, "ProjectionExpression", "FilterExpression")
    project = expressions.projection(params)
    predicate = _filter(expressions, params, "ScanFilter")
    expressions.check()
    table = find(call, params["TableName"])
    index = _index(table, params)
    low, high = (
        keys.segment(number, total) if number is not None and total is not None else (b"", b"\xff" * 8)
    )
    start = _start_key(table, index, params)
    if start is not None:
        if not low <= start < high:
            raise validation(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use"
                " ExclusiveStartKey with correct Segment. "
                f"TotalSegments: {total} Segment: {number}"
            )
        low = start + b"\0"
    reading = Reading(
        table,
        index,
        low,
        high,
        True,
        params.get("Limit"),
        predicate,
        project,
        params.get("Select") == "COUNT",
    )
    return _read(call, reading, params)


def _check_limit(params: Params) -> None:
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


def _filter(expressions: Expressions, params: Params, legacy_name: str) -> Any:
    if params.get(legacy_name):
        return legacy.conditions(params[legacy_name], params.get("ConditionalOperator"))
    if params.get("ConditionalOperator") is not None and not params.get("KeyConditions"):
        raise validation("ConditionalOperator can only be used when Filter or Expected is specified")
    return expressions.condition(params, "FilterExpression")


def _check_filter_keys(predicate: Any, schema: KeySchema, kind: str) -> None:
    """A Query's filter may not name the keys: those are for the key condition."""
    for path in getattr(predicate, "paths", ()):
        if path[0] in schema.names:
            raise validation(
                f"{kind} Expression can only contain non-primary key attributes: Primary key attribute:"
                f" {path[0]}"
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
    if index.is_global:
        if params.get("ConsistentRead"):
            raise validation("Consistent reads are not supported on global secondary indexes")
        if params.get("Select") == "ALL_ATTRIBUTES" and index.projection is not None:
            raise validation(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for"
                f" global secondary index {name} because its projection type is not ALL"
            )
    return index


def _key_condition(expressions: Expressions, params: Params, schema: KeySchema) -> KeyCondition:
    text = params.get("KeyConditionExpression")
    if text is None:
        condition = legacy.key_conditions(params["KeyConditions"], schema.hash, schema.range)
    else:
        condition = compile_key_condition(
            text, expressions.names, expressions.values, schema.hash, schema.range, expressions.used
        )
    _check_operand(schema, schema.hash, condition.hash_value)
    if schema.range is not None:
        for operand in condition.operands:
            _check_operand(schema, schema.range, operand)
    return condition


def _check_operand(schema: KeySchema, name: str, value: Item | Any) -> None:
    if schema.type_of(name) not in value:
        raise validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    ((kind, content),) = value.items()
    if kind != "N" and not content and name == schema.hash:
        what = "string" if kind == "S" else "binary"
        raise validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
            f" contain an empty {what} value. Key: {name}"
        )


def _bounds(schema: KeySchema, condition: KeyCondition) -> tuple[bytes, bytes]:
    """The key range [low, high) of a key condition."""
    prefix = keys.partition(condition.hash_value)
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


def _start_key(table: Table, index: Index | None, params: Params) -> bytes | None:
    """Where an earlier page ended, as a key of the store."""
    given = params.get("ExclusiveStartKey")
    if given is None:
        return None
    start = {name: check_value(value)[0] for name, value in given.items()}
    names = {*table.schema.names, *(index.schema.names if index is not None else ())}
    if set(start) != names:
        raise validation("The provided starting key is invalid")
    schemas = (table.schema,) if index is None else (index.schema, table.schema)
    try:
        for schema in schemas:
            keys.check_item_keys(schema, {name: start[name] for name in schema.names})
    except AwsError as error:
        raise validation(
            "The provided starting key is invalid: The provided key element does not match the schema"
        ) from error
    return b"".join(keys.row_key(schema, start) for schema in schemas)


def _read(call: Call, reading: Reading, params: Params) -> Result:
    """Read rows until a page is full; the answer's items are unparsed where nothing looks into them."""
    table, index = reading.table, reading.index
    found: list[Any] = []
    scanned = matched = size = 0
    last: bytes | None = None
    more = False
    needs_item = reading.predicate is not None or reading.project is not None
    cut = index.projection if index is not None and params.get("Select") != "ALL_ATTRIBUTES" else None
    if cut is not None and reading.project is not None and index is not None and not index.is_global:
        cut = None  # a local index fetches what it does not project from the table
    limit = reading.limit
    unparsed = not needs_item and cut is None and not reading.counts_only
    for _key, row_size, raw in _rows(call, reading):
        if scanned == limit or (scanned and size + row_size > PAGE):
            more = True
            break
        scanned += 1
        size += row_size
        last = raw
        if unparsed:
            found.append(orjson.Fragment(raw))
            continue
        if reading.counts_only and reading.predicate is None:
            matched += 1
            continue
        item = orjson.loads(raw)
        if cut is not None:
            item = {name: value for name, value in item.items() if name in cut}
        if reading.predicate is not None and not reading.predicate(item):
            continue
        matched += 1
        if not reading.counts_only:
            found.append(reading.project(item) if reading.project is not None else item)
    result: dict[str, Any] = {"Count": scanned if unparsed else matched, "ScannedCount": scanned}
    if not reading.counts_only:
        result["Items"] = found
    if last is not None and (more or scanned == reading.limit):
        result["LastEvaluatedKey"] = _last_key(table, index, orjson.loads(last))
    if "ReturnConsumedCapacity" in params:
        _account(reading, params, size, result)
    return result


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


def _account(reading: Reading, params: Params, size: int, result: dict[str, Any]) -> None:
    """A Query's units: the bytes of all it read together, rounded up once."""
    consumed = Consumed(reading.table, params)
    blocks = max(1, -(-size // 4096))
    units = blocks * (1.0 if params.get("ConsistentRead") else 0.5)
    consumed.add(units, reading.index.name if reading.index is not None else None)
    consumed.put_into(result)
