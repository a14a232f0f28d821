"""ExclusiveStartKey: where an earlier page ended, checked as architect/dynalite's test/query.js and
test/scan.js observed: its values before the table is known, an index's keys before the table's own."""

from maycloud.errors import AwsError, validation
from maycloud.services.base import Params
from maycloud.services.dynamodb import keys
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.store import Index, Table
from maycloud.services.dynamodb.values import Item, check_value

_INVALID = "The provided starting key is invalid"
_NO_MATCH = "The provided key element does not match the schema"
# What is wrong with these is told as wrong with the starting key; of numbers and duplicates it is told alone.
_PREFIXED = ("Supplied AttributeValue", "Null attribute value", "An string set  may", "Binary sets should")


def values(params: Params) -> Item | None:
    """The key with its values checked, or None."""
    given = params.get("ExclusiveStartKey")
    if given is None:
        return None
    try:
        return {name: check_value(value)[0] for name, value in given.items()}
    except AwsError as error:
        if any(words in error.message for words in _PREFIXED):
            raise validation(f"{_INVALID}: {error.message}") from error
        raise


def check_hash(start: Item, table: Table, index: Index | None) -> None:
    """Before a Query's condition: how many attributes there are, and the partition key."""
    names = {*table.schema.names, *(index.schema.names if index is not None else ())}
    schema = index.schema if index is not None else table.schema
    if len(start) != len(names):
        raise validation(_INVALID)
    _check(start, schema, schema.hashes)


def check_rest(start: Item, table: Table, index: Index | None) -> None:
    """After a Query's condition on the partition key: all else."""
    schema = index.schema if index is not None else table.schema
    _check(start, schema, schema.ranges)
    if index is not None:
        check_table(start, table, alone=False)
    else:
        _check_values(schema, start)


def check_index(start: Item, table: Table, index: Index) -> None:
    """A Scan's start in an index."""
    check_hash(start, table, index)
    _check(start, index.schema, index.schema.ranges)
    _check_values(index.schema, start)


def check_table(start: Item, table: Table, *, alone: bool) -> None:
    """The table's own keys; `alone`: without an index's."""
    try:
        keys.check_key_types(table.schema, start, alone=alone)
    except AwsError as error:
        raise validation(f"{_INVALID}: {_NO_MATCH}") from error
    _check_values(table.schema, start)


def _check(start: Item, schema: KeySchema, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in start:
            raise validation(_INVALID)
        if schema.type_of(name) not in start[name]:
            raise validation(_NO_MATCH)


def _check_values(schema: KeySchema, start: Item) -> None:
    try:
        keys.check_key_values(schema, start)
    except AwsError as error:
        raise validation(f"{_INVALID}: {error.message}") from error


def place(start: Item, table: Table, index: Index | None) -> bytes:
    """The key as a key of the store."""
    schemas = (table.schema,) if index is None else (index.schema, table.schema)
    return b"".join(keys.row_key(schema, start) for schema in schemas)
