"""TransactGetItems and TransactWriteItems: passed on to DynamoDB.

Reads are neither taken from the cache nor kept. What was written is read again for the cache, as AWS does:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.client.html
"""

from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dax import cbor, keys, requests
from maycloud.services.dax.authorization import Caller
from maycloud.services.dax.cbor import MalformedError, Reader, wanted
from maycloud.services.dax.expressions import Expressions, Path
from maycloud.services.dax.keys import Item, KeySchema
from maycloud.services.dax.node import Node, project
from maycloud.services.dax.requests import Options, table_name
from maycloud.services.dax.writes import refresh

_MOST_ITEMS = 100
_PUT, _DELETE, _UPDATE, _CHECK = 2, 7, 9, 12
_KINDS = {_PUT: "Put", _DELETE: "Delete", _UPDATE: "Update", _CHECK: "ConditionCheck"}
_PERMISSIONS = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem"}
_NONE, _ALL_OLD = 1, 2


class CancelledError(Exception):
    """A cancelled transaction, with the items of its reasons in the form of answers."""

    def __init__(self, error: AwsError, items: list[bytes | None]) -> None:
        super().__init__(error.message)
        self.error = error
        self.items = items


async def transact_get_items(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    node.check(caller, "GetItem", "TransactGetItems")
    tables, key_list = wanted(reader.item(), list), wanted(reader.item(), list)
    count = _count(len(tables))
    projections = _column(reader.item(), count)
    options = Options(reader.item())
    if len(key_list) != count:
        raise MalformedError("as many keys as tables are wanted")
    plans: list[tuple[KeySchema, Item, list[Path]]] = []
    asked: list[dict[str, Any]] = []
    for name, data, projected in zip(tables, key_list, projections, strict=True):
        table = table_name(name)
        schema = await node.schema(table)
        key = keys.decode(schema, data)
        plans.append((schema, key, requests.projection(Expressions(), projected)))
        asked.append({"Get": {"TableName": table, "Key": key}})
    try:
        result = await node.dynamodb("TransactGetItems", {"TransactItems": asked, **options.returning()})
    except AwsError as error:
        raise _cancelled(node, error, [schema for schema, _, _ in plans]) from error
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 4, 2)
    cbor.head(out, 4, count)
    for (schema, _, paths), response in zip(plans, result["Responses"], strict=True):
        item = response.get("Item")
        if item is None:
            cbor.null(out)
        elif paths:
            out += project(paths, item)
        else:
            cbor.blob(out, node.encode_item(schema, item))
    _capacities(out, result)
    return bytes(out)


def _count(count: int) -> int:
    if not 1 <= count <= _MOST_ITEMS:
        raise validation(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must"
            f" have length {'less' if count else 'greater'} than or equal to {_MOST_ITEMS if count else 1}"
        )
    return count


def _column(item: Any, count: int) -> list[Any]:
    """One property of all actions; null stands for nothing in any of them."""
    if item is None:
        return [None] * count
    if len(wanted(item, list)) != count:
        raise MalformedError("as many members as actions are wanted")
    return item


def _capacities(out: bytearray, result: dict[str, Any]) -> None:
    found = result.get("ConsumedCapacity", [])
    cbor.head(out, 4, len(found))
    for each in found:
        requests.transaction_capacity(out, each)


async def transact_write_items(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    operations = wanted(reader.item(), list)
    count = _count(len(operations))
    kinds = [_kind(each) for each in operations]
    for kind in dict.fromkeys(kinds):
        node.check(caller, _PERMISSIONS.get(kind, "ConditionCheckItem"), "TransactWriteItems")
    # Tables, keys, values, values to return, those of failed checks, conditions, updates.
    columns = [_column(reader.item(), count) for _ in range(7)]
    options = Options(reader.item())
    plans: list[tuple[str, KeySchema, Item]] = []
    asked: list[dict[str, Any]] = []
    for kind, (name, data, values, _, failed, condition, update) in zip(
        kinds, zip(*columns, strict=True), strict=True
    ):
        table = table_name(name)
        schema = await node.schema(table)
        key = keys.decode(schema, data)
        plans.append((table, schema, key))
        action: dict[str, Any] = {"TableName": table}
        if kind == "Put":
            action["Item"] = node.decode_item(key, values)
        else:
            action["Key"] = key
        asked.append({kind: action | _expressions(condition, update, failed)})
    params: dict[str, Any] = {"TransactItems": asked, **options.returning()}
    if (token := options.get(requests.TOKEN)) is not None:
        params["ClientRequestToken"] = _token(token)
    try:
        result = await node.dynamodb("TransactWriteItems", params)
    except AwsError as error:
        raise _cancelled(node, error, [schema for _, schema, _ in plans]) from error
    await refresh(node, [plan for kind, plan in zip(kinds, plans, strict=True) if kind != "ConditionCheck"])
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 4, 3)
    cbor.head(out, 4, 0)  # items, which DynamoDB does not answer
    _capacities(out, result)
    requests.all_collection_metrics(out, result)
    return bytes(out)


def _kind(operation: Any) -> str:
    kind = _KINDS.get(operation) if operation.__class__ is int else None
    if kind is None:
        raise validation("TransactItems can only contain one of ConditionCheck, Put, Update or Delete")
    return kind


def _token(item: Any) -> str:
    token = item.decode("utf-8", "replace") if isinstance(item, bytes) else wanted(item, str)
    if not 1 <= len(token) <= 36:
        raise validation(
            f"1 validation error detected: Value '{token[:100]}' at 'clientRequestToken' failed to satisfy"
            " constraint: Member must have length less than or equal to 36"
        )
    return token


def _expressions(condition: Any, update: Any, failed: Any) -> dict[str, Any]:
    expressions = Expressions()
    found: dict[str, Any] = {}
    if condition is not None:
        found["ConditionExpression"] = expressions.condition(condition)
    if update is not None:
        found["UpdateExpression"] = expressions.update(update)
    if failed == _ALL_OLD:
        found["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    elif failed not in (None, _NONE):
        raise MalformedError("unknown values to return of a failed check")
    return found | expressions.parameters()


def _cancelled(node: Node, error: AwsError, schemas: list[KeySchema]) -> Exception:
    """The error, with the items of its reasons encoded as answers are."""
    reasons: list[dict[str, Any]] = error.members.get("CancellationReasons", [])
    if len(reasons) != len(schemas):
        return error
    items: list[bytes | None] = []
    for reason, schema in zip(reasons, schemas, strict=True):
        item = reason.get("Item")
        items.append(None if item is None else node.encode_item(schema, item))
    return CancelledError(error, items)
