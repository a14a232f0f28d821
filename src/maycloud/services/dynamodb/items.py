"""GetItem, PutItem, UpdateItem and DeleteItem."""

from typing import Any

import orjson

from maycloud.errors import validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb import keys, writes
from maycloud.services.dynamodb.capacity import Consumed, read_units
from maycloud.services.dynamodb.expressions import Update, compile_update, legacy
from maycloud.services.dynamodb.requests import Expressions, check_scalars, find, rows
from maycloud.services.dynamodb.store import Table
from maycloud.services.dynamodb.values import MAX_ITEM, Item, check_item, check_value
from maycloud.services.dynamodb.writes import Stored

_PLAIN = frozenset({"TableName", "Key", "ConsistentRead", "Item"})


def get_item(call: Call, params: Params) -> Result:
    """The item as it is stored, unparsed, unless a part of it is asked for."""
    if len(params) == 2 or params.keys() <= _PLAIN:  # the two that must be there
        # The usual call asks for nothing else: half the work.
        state = call.state
        table = state.tables.find(call.scope, params["TableName"])
        if table is not None and len(params["Key"]) == len(table.schema.names):
            usual = keys.usual_key(table.schema, params["Key"])
            if usual is not None:
                found = state.rows.get(table, usual)
                return {"Item": orjson.Fragment(found[0])} if found is not None else None
    legacy.refuse_mixed(params)
    expressions = Expressions(params, "ProjectionExpression")
    key = check_key_values(params["Key"])
    project = expressions.projection(params)
    expressions.check()
    table = find(call, params["TableName"])
    row_key = keys.row_key(table.schema, keys.check_key(table.schema, key))
    check_scalars(table, project)
    found = rows(call).get(table, row_key)
    result: dict[str, Any] = {}
    if found is not None:
        result["Item"] = orjson.Fragment(found[0]) if project is None else project(orjson.loads(found[0]))
    if "ReturnConsumedCapacity" in params:
        consumed = Consumed(table, params)
        consumed.add(read_units(found[1] if found else 0, consistent=params.get("ConsistentRead", False)))
        consumed.put_into(result)
    return result


def check_key_values(key: Any) -> Item:
    """A key's values alone are checked before the table is looked for."""
    return {name: check_value(value)[0] for name, value in key.items() if value is not None}


def condition_of(expressions: Expressions, params: Params) -> Any:
    """The predicate of ConditionExpression or of its forerunner Expected, or None."""
    if params.get("Expected") is not None:
        return legacy.expected(params["Expected"], params.get("ConditionalOperator"))
    if params.get("ConditionalOperator") is not None:
        raise validation("ConditionalOperator can only be used when Filter or Expected is specified")
    return expressions.condition(params)


def put_item(call: Call, params: Params) -> Result:
    if len(params) == 2 or params.keys() <= _PLAIN:
        done = _put_plainly(call, params)
        if done is not None:
            return done
    legacy.refuse_mixed(params)
    wanted = params.get("ReturnValues", "NONE")
    if wanted not in ("NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    expressions = Expressions(params, "ConditionExpression")
    item, size = check_item(params["Item"])
    writes.check_size(size)
    predicate = condition_of(expressions, params)
    expressions.check()
    table = find(call, params["TableName"])
    keys.check_item_keys(table.schema, item)
    check_scalars(table, predicate)
    key = keys.row_key(table.schema, item)
    stored = writes.load(call, table, key)
    writes.check_condition(predicate, stored, params.get("ReturnValuesOnConditionCheckFailure"))
    change = writes.put(table, stored, item, size)
    writes.apply(call, change)
    result: dict[str, Any] = {}
    if wanted == "ALL_OLD" and stored.item is not None:
        result["Attributes"] = stored.item
    _account(result, params, table, change, item)
    return result


def _put_plainly(call: Call, params: Params) -> Result:
    """A put of which nothing depends on what was there before; None if something does."""
    state = call.state
    table = state.tables.find(call.scope, params["TableName"])
    if table is None or not table.is_plain:
        return None
    item, size = check_item(params["Item"])
    key = keys.usual_key(table.schema, item)
    if key is None or size > MAX_ITEM:
        return None
    state.rows.put(table, key, orjson.dumps(item), size)
    return {}


def _account(result: dict[str, Any], params: Params, table: Table, change: Any, item: Item) -> None:
    consumed = Consumed(table, params)
    writes.count(consumed, change)
    consumed.put_into(result)
    metrics = writes.collection_metrics(table, item, params.get("ReturnItemCollectionMetrics"))
    if metrics is not None:
        result["ItemCollectionMetrics"] = metrics


def delete_item(call: Call, params: Params) -> Result:
    legacy.refuse_mixed(params)
    wanted = params.get("ReturnValues", "NONE")
    if wanted not in ("NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    expressions = Expressions(params, "ConditionExpression")
    key = check_key_values(params["Key"])
    predicate = condition_of(expressions, params)
    expressions.check()
    table = find(call, params["TableName"])
    row_key = keys.row_key(table.schema, keys.check_key(table.schema, key))
    check_scalars(table, predicate)
    stored = writes.load(call, table, row_key)
    writes.check_condition(predicate, stored, params.get("ReturnValuesOnConditionCheckFailure"))
    change = writes.delete(table, stored)
    writes.apply(call, change)
    result: dict[str, Any] = {}
    if wanted == "ALL_OLD" and stored.item is not None:
        result["Attributes"] = stored.item
    _account(result, params, table, change, key)
    return result


def update_item(call: Call, params: Params) -> Result:
    """Change an item's attributes, or make the item if it is not there."""
    legacy.refuse_mixed(params)
    expressions = Expressions(params, "UpdateExpression", "ConditionExpression")
    key = check_key_values(params["Key"])
    change_by = update_of(expressions, params)
    predicate = condition_of(expressions, params)
    expressions.check()
    table = find(call, params["TableName"])
    key = keys.check_key(table.schema, key)
    check_update(table, change_by)
    check_scalars(table, predicate)
    stored = writes.load(call, table, keys.row_key(table.schema, key))
    writes.check_condition(predicate, stored, params.get("ReturnValuesOnConditionCheckFailure"))
    new = updated(change_by, stored, key)
    change = writes.update(table, stored, new) if new is not None else writes.delete(table, stored)
    writes.apply(call, change)
    result: dict[str, Any] = {}
    attributes = returned(params.get("ReturnValues", "NONE"), change_by, stored.item, change.new)
    if attributes:
        result["Attributes"] = attributes
    _account(result, params, table, change, key)
    return result


def update_of(expressions: Expressions, params: Params) -> Update | None:
    """The compiled UpdateExpression or AttributeUpdates; None changes nothing."""
    if params.get("UpdateExpression") is not None:
        return compile_update(
            params["UpdateExpression"], expressions.names, expressions.values, expressions.used
        )
    if params.get("AttributeUpdates"):
        return legacy.attribute_updates(params["AttributeUpdates"])
    return None


def check_update(table: Table, change_by: Update | None) -> None:
    """What no update may do to the keys of its table and its indexes, whatever the item is."""
    if change_by is None:
        return
    for path in change_by.paths:
        if path[0] in table.schema.names:
            raise validation(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}. This"
                " attribute is part of the key"
            )
    for index in table.indexes.values():
        keys.check_update_kinds(index.schema, change_by.kinds, index.name)
    check_scalars(table, change_by)


def updated(change_by: Update | None, stored: Stored, key: Item) -> Item | None:
    """The item after the update; None where there is none before and nothing to make one of.

    Taking attributes away makes no item, and whatever the path, no error where there is no item: observed by
    scylladb/scylladb, test/alternator/test_item.py and test_update_expression.py.
    """
    if change_by is None:
        return stored.item if stored.item is not None else dict(key)
    if stored.item is None and not change_by.makes:
        return None
    return change_by.apply(stored.item if stored.item is not None else dict(key))


def returned(wanted: str, change_by: Any, old: Item | None, new: Item | None) -> Item | None:
    """What ReturnValues asks for."""
    if wanted == "ALL_OLD":
        return old
    if wanted == "ALL_NEW":
        return new
    if wanted == "NONE" or change_by is None:
        return None
    source = old if wanted == "UPDATED_OLD" else new
    return change_by.pick(source) if source else None
