"""TransactGetItems and TransactWriteItems: all of up to 100 operations, or none.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import hashlib
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Check, Params, Result
from maycloud.services.dynamodb import keys, writes
from maycloud.services.dynamodb.capacity import Consumed, read_units
from maycloud.services.dynamodb.expressions import Update
from maycloud.services.dynamodb.items import check_key_values, check_update, update_of, updated
from maycloud.services.dynamodb.requests import Expressions, arn_of, check_scalars, find, rows
from maycloud.services.dynamodb.store import Table
from maycloud.services.dynamodb.values import check_item

MAX_ACTIONS = 100
MAX_BYTES = 4 << 20
TOKEN_LIFE = 600.0  # seconds that a client token is remembered

_PERMISSIONS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Put": "dynamodb:PutItem",
    "Delete": "dynamodb:DeleteItem",
    "Update": "dynamodb:UpdateItem",
}
Reason = dict[str, Any]
_NOT_VALID = "One or more parameter values are not valid."


def write_checks(call: Call, params: Params) -> list[Check]:
    return [
        (_PERMISSIONS[kind], arn_of(call, action["TableName"]))
        for entry in params["TransactItems"]
        for kind, action in entry.items()
    ]


def get_checks(call: Call, params: Params) -> list[Check]:
    return [
        ("dynamodb:GetItem", arn_of(call, entry["Get"]["TableName"])) for entry in params["TransactItems"]
    ]


def _cancelled(reasons: list[Reason]) -> AwsError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def _only_action(entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if len(entry) != 1:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    return next(iter(entry.items()))


class _Plan:
    """One action of a transaction: where it goes, its condition and how it changes the item."""

    __slots__ = ("action", "change_by", "fault", "item", "key", "kind", "predicate", "size", "table")

    def __init__(self, call: Call, kind: str, action: dict[str, Any]) -> None:
        self.kind = kind
        self.action = action
        self.size = 0
        self.change_by: Update | None = None
        self.fault: AwsError | None = None  # what cancels it before its item is looked at
        self.key = b""
        kinds = ("UpdateExpression", "ConditionExpression") if kind == "Update" else ("ConditionExpression",)
        expressions = Expressions(action, *kinds)
        if kind == "Put":
            self.item, self.size = check_item(action["Item"])
        else:
            self.item = check_key_values(action["Key"])
        if kind == "Update":
            self.change_by = update_of(expressions, action)
        self.predicate = expressions.condition(action)
        expressions.check()
        self.table = find(call, action["TableName"])
        self._check_against_table()

    def _check_against_table(self) -> None:
        """Keys of wrong types are reasons of a cancellation ("One or more parameter values were invalid",
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html); empty and
        oversized ones refuse the request."""
        schema = self.table.schema
        try:
            if self.kind == "Put":
                keys.check_item_key_types(schema, self.item)
            else:
                keys.check_key_types(schema, self.item)
        except AwsError as error:
            self.fault = error
            return
        keys.check_key_values(schema, self.item)
        self.key = keys.row_key(schema, self.item)
        try:
            check_update(self.table, self.change_by)
        except AwsError as error:
            self.fault = error
        check_scalars(self.table, self.predicate)

    def decide(self, call: Call) -> writes.Change | None:
        """What it would write; None for nothing. Raises what cancels the transaction."""
        stored = writes.load(call, self.table, self.key)
        writes.check_condition(self.predicate, stored, self.action.get("ReturnValuesOnConditionCheckFailure"))
        if self.kind == "ConditionCheck":
            return None
        if self.kind == "Put":
            return writes.put(self.table, stored, self.item, self.size)
        if self.kind == "Delete":
            return writes.delete(self.table, stored)
        new = updated(self.change_by, stored, self.item)
        if new is None:
            return writes.delete(self.table, stored)
        return writes.update(self.table, stored, new)


def transact_write_items(call: Call, params: Params) -> Result:
    entries = [_only_action(entry) for entry in params["TransactItems"]]
    token = params.get("ClientRequestToken")
    digest = hashlib.sha256(orjson.dumps(params["TransactItems"], option=orjson.OPT_SORT_KEYS)).digest()
    if token is not None:
        earlier = _earlier_answer(call, token, digest)
        if earlier is not None:
            return earlier
    plans = [_Plan(call, kind, action) for kind, action in entries]
    placed = [(plan.table.id, plan.key) for plan in plans if plan.key]
    if len(set(placed)) != len(placed):
        raise validation("Transaction request cannot include multiple operations on one item")
    if sum(plan.size for plan in plans) > MAX_BYTES:
        raise validation("Transaction payload size cannot exceed 4 MB")
    changes = _decide_all(call, plans)
    consumed: dict[int, Consumed] = {}
    metrics: dict[str, list[dict[str, Any]]] = {}
    for plan, change in zip(plans, changes, strict=True):
        each = consumed.setdefault(plan.table.id, Consumed(plan.table, params))
        if change is None:
            each.add(2.0)
            continue
        writes.apply(call, change)
        writes.count(each, change, transactional=True)
        metric = writes.collection_metrics(plan.table, plan.item, params.get("ReturnItemCollectionMetrics"))
        if metric is not None:
            metrics.setdefault(plan.table.name, []).append(metric)
    result: dict[str, Any] = {}
    if params.get("ReturnConsumedCapacity", "NONE") != "NONE":
        result["ConsumedCapacity"] = [each.describe(read=False) for each in consumed.values()]
    if metrics:
        result["ItemCollectionMetrics"] = metrics
    if token is not None:
        # A repetition is answered with what reading the items again would cost.
        again = dict(result)
        if "ConsumedCapacity" in again:
            again["ConsumedCapacity"] = [each.describe(read=True) for each in consumed.values()]
        _remember(call, token, digest, again)
    return result


def _refuse_faults(faults: list[AwsError | None]) -> None:
    """The first fault cancels; what follows is not looked at, and no condition is, as scylladb/scylladb's
    test/alternator/test_transact.py observed."""
    first = next((at for at, fault in enumerate(faults) if fault is not None), None)
    if first is not None:
        reasons: list[Reason] = [{"Code": "None"} for _ in faults]
        fault = faults[first]
        assert fault is not None
        reasons[first] = _reason(fault)
        raise _cancelled(reasons)


def _decide_all(call: Call, plans: list[_Plan]) -> list[writes.Change | None]:
    _refuse_faults([plan.fault for plan in plans])
    changes: list[writes.Change | None] = []
    reasons: list[Reason] = []
    for plan in plans:
        try:
            changes.append(plan.decide(call))
            reasons.append({"Code": "None"})
        except AwsError as error:
            reasons.append(_reason(error))
    if len(changes) != len(plans):
        raise _cancelled(reasons)
    return changes


def _reason(error: AwsError) -> Reason:
    if error.code == "ConditionalCheckFailedException":
        return {"Code": "ConditionalCheckFailed", "Message": error.message, **error.members}
    # That a key would be empty is no reason of a cancellation: it refuses the request.
    if error.code == "ValidationException" and not error.message.startswith(_NOT_VALID):
        return {"Code": "ValidationError", "Message": error.message}
    raise error


def _scope(call: Call) -> str:
    return f"{call.account}/{call.region}"


def _earlier_answer(call: Call, token: str, digest: bytes) -> dict[str, Any] | None:
    row = call.store.db.row(
        "SELECT digest, answer FROM dynamodb_tokens WHERE scope=? AND token=? AND expires>?",
        (_scope(call), token, call.now()),
    )
    if row is None:
        return None
    if row[0] != digest:
        raise AwsError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. Do not reuse a"
            " client token with different requests, unless the requests are identical",
        )
    return orjson.loads(row[1])


def _remember(call: Call, token: str, digest: bytes, answer: dict[str, Any]) -> None:
    db = call.store.db
    db.write("DELETE FROM dynamodb_tokens WHERE expires<=?", (call.now(),))
    db.write(
        "REPLACE INTO dynamodb_tokens VALUES (?, ?, ?, ?, ?)",
        (_scope(call), token, digest, orjson.dumps(answer), call.now() + TOKEN_LIFE),
    )


def transact_get_items(call: Call, params: Params) -> Result:
    """All items as they are at one moment."""
    planned: list[tuple[Table, bytes, Any]] = []
    faults: list[AwsError | None] = []
    for entry in params["TransactItems"]:
        wanted = entry["Get"]
        expressions = Expressions(wanted, "ProjectionExpression")
        key = check_key_values(wanted["Key"])
        project = expressions.projection(wanted)
        expressions.check()
        table = find(call, wanted["TableName"])
        try:
            keys.check_key_types(table.schema, key)
        except AwsError as error:
            faults.append(error)
            continue
        keys.check_key_values(table.schema, key)
        check_scalars(table, project)
        planned.append((table, keys.row_key(table.schema, key), project))
        faults.append(None)
    if len({(table.id, key) for table, key, _ in planned}) != len(planned):
        raise validation("Transaction request cannot include multiple operations on one item")
    _refuse_faults(faults)
    responses: list[dict[str, Any]] = []
    consumed: dict[int, Consumed] = {}
    total = 0
    for table, key, project in planned:
        found = rows(call).get(table, key)
        each = consumed.setdefault(table.id, Consumed(table, params))
        each.add(read_units(found[1] if found else 0, consistent=True, transactional=True))
        if found is None:
            responses.append({})
            continue
        total += found[1]
        item = orjson.Fragment(found[0]) if project is None else project(orjson.loads(found[0]))
        responses.append({"Item": item})
    if total > MAX_BYTES:
        raise validation("The total size of the items in the transaction exceeds 4 MB")
    result: dict[str, Any] = {"Responses": responses}
    if params.get("ReturnConsumedCapacity", "NONE") != "NONE":
        result["ConsumedCapacity"] = [each.describe(read=True) for each in consumed.values()]
    return result
