"""What the operations on items share: the table meant, expressions read, capacity counted."""

import re
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Policy
from maycloud.services.dynamodb.expressions import (
    Predicate,
    Projection,
    Used,
    compile_condition,
    compile_projection,
    legacy,
)
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.store import Rows, Table, Tables, not_found
from maycloud.services.dynamodb.values import Item, check_value

Names = dict[str, str] | None

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_PLACEHOLDER = re.compile(r":[A-Za-z0-9_]+")


def tables(call: Call) -> Tables:
    return call.state.tables


def rows(call: Call) -> Rows:
    return call.state.rows


def table_name(name: str) -> str:
    """The name in a table's name or ARN."""
    return name.rpartition(":table/")[2].partition("/")[0] if name.startswith("arn:") else name


def table_arn(call: Call, params: Params) -> str:
    return arn_of(call, params.get("TableName", ""))


def arn_of(call: Call, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name}"


def index_arn(call: Call, params: Params) -> str:
    arn = table_arn(call, params)
    return f"{arn}/index/{params['IndexName']}" if params.get("IndexName") else arn


def owner(_call: Call, params: Params) -> str | None:
    """The account in the table's ARN, where the caller gives one."""
    name = params.get("TableName", "")
    return name.split(":")[4] if name.startswith("arn:") and name.count(":") >= 5 else None


def key_context(call: Call, params: Params) -> dict[str, Any]:
    """``dynamodb:LeadingKeys`` and ``dynamodb:Attributes`` for fine-grained policies."""
    table = tables(call).find(call.scope, table_name(params.get("TableName", "")))
    source = params.get("Key") or params.get("Item")
    if table is None or not source or table.schema.hash not in source:
        return {}
    value = source[table.schema.hash]
    return {
        "dynamodb:LeadingKeys": [str(each) for each in value.values()] if isinstance(value, dict) else [],
        "dynamodb:Attributes": sorted(source),
    }


def table_policy(call: Call, arn: str) -> Policy | None:
    """The resource policy of a table, which also guards its indexes."""
    known = tables(call).policies
    if arn not in known:
        table = None
        if ":table/" in arn:
            table = tables(call).find((arn.split(":")[4], arn.split(":")[3]), table_name(arn))
        if table is None:
            return None  # not kept: it may be made any moment
        known[arn] = table.body.get("Policy")
    return known[arn]


def _by_arn(call: Call, arn: str) -> Table | None:
    """A table of any account, in the region that is asked: an endpoint knows no other."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[3] != call.region:
        return None
    return tables(call).find((parts[4], parts[3]), table_name(arn))


def find(call: Call, name: str) -> Table:
    """The table of a data-plane call."""
    table = _by_arn(call, name) if name.startswith("arn:") else tables(call).find(call.scope, name)
    if table is None:
        if not name.startswith("arn:"):
            check_name(name)
        raise not_found()
    return table


def named(call: Call, name: str) -> Table:
    """The table of a control-plane call, by name or ARN."""
    if name.startswith("arn:"):
        table = _by_arn(call, name)
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


def check_values(params: Params) -> Item | None:
    """ExpressionAttributeValues, each checked and normalised."""
    given = params.get("ExpressionAttributeValues")
    if given is None:
        return None
    if not given:
        raise validation("ExpressionAttributeValues must not be empty")
    for name in given:
        if _PLACEHOLDER.fullmatch(name) is None:
            raise validation(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{name}"')
    values: Item = {}
    for name, value in given.items():
        try:
            values[name] = check_value(value)[0]
        except AwsError as error:
            if error.code != "ValidationException":
                raise
            raise validation(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}"
            ) from error
    return values


class Expressions:
    """A request's names and values, and which of them its expressions used.

    Made before the rest of the request is looked at: that there are no expressions for them is told first,
    what is wrong with them only when the first expression is read.
    """

    __slots__ = ("_params", "_values", "names", "used")

    def __init__(self, params: Params, *kinds: str) -> None:
        self.names: Names = params.get("ExpressionAttributeNames")
        self._params: Params | None = params if "ExpressionAttributeValues" in params else None
        self._values: Item | None = None
        self.used = Used()
        if (self.names is not None or self._params is not None) and not any(
            params.get(k) is not None for k in kinds
        ):
            self._refuse_unneeded(kinds)

    @property
    def values(self) -> Item | None:
        """The values, checked when first asked for, after the names."""
        if self._params is not None:
            self.used.check_names(self.names)
            self._values = check_values(self._params)
            self._params = None
        return self._values

    def _refuse_unneeded(self, kinds: tuple[str, ...]) -> None:
        """Only for values does AWS say which expressions are not there."""
        if self.names is not None:
            raise validation("ExpressionAttributeNames can only be specified when using expressions")
        kinds = tuple(kind for kind in kinds if kind != "ProjectionExpression")
        missing = f"{' and '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} null"
        raise validation(f"ExpressionAttributeValues can only be specified when using expressions: {missing}")

    def condition(self, params: Params, kind: str = "ConditionExpression") -> Predicate | None:
        text = params.get(kind)
        if text is not None:
            return compile_condition(text, self.names, self.values, kind, self.used)
        return None

    def projection(self, params: Params) -> Projection | None:
        text = params.get("ProjectionExpression")
        if text is not None:
            _ = self.values
            return compile_projection(text, self.names, self.used)
        return self.legacy_projection(params)

    def legacy_projection(self, params: Params) -> Projection | None:
        if params.get("AttributesToGet") is not None:
            return legacy.attributes_to_get(params["AttributesToGet"])
        return None

    def check(self) -> None:
        """Refuse names and values that no expression used."""
        if self.names is not None or self.values is not None:
            self.used.check(self.names, self.values)


def check_scalars(table: Table, *readers: Any) -> None:
    """Paths may not lead into keys, which are scalars. `readers` have `paths`, or are None."""
    for reader in readers:
        for path in (*reader.paths, *getattr(reader, "reads", ())) if reader is not None else ():
            if len(path) == 1:
                continue
            kind = "Key"
            if path[0] not in table.schema.names:
                if not any(path[0] in index.schema.names for index in table.indexes.values()):
                    continue
                kind = "IndexKey"
            raise validation(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed:"
                f" {kind}: {path[0]}"
            )


def key_of(schema: KeySchema, item: Item) -> Item:
    return {name: item[name] for name in schema.names}
