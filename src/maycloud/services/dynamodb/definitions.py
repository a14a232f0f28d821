"""What CreateTable and UpdateTable check of a table's definition, in the order in which DynamoDB does.

Words of the errors as observed, see architect/dynalite's tests of CreateTable.
"""

from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Params
from maycloud.services.dynamodb.store import Document

MAX_LOCAL = 5
MAX_GLOBAL = 20
MAX_NON_KEY = 100
MAX_PARTS = 4  # attributes of a global index's partition key, and of its sort key

MAX_UNITS = 1_000_000_000_000

_INVALID = "One or more parameter values were invalid: "
_NOT_NULL = "Member must not be null"


def check_bounds(throughput: Document | None, index: str = "") -> None:
    where = f" for index {index}" if index else ""
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if throughput is not None and throughput[name] > MAX_UNITS:
            raise validation(f"Given value {throughput[name]} for {name} is out of bounds{where}")


def check_throughput(mode: str, throughput: Document | None, *, required: bool) -> None:
    if mode == "PAY_PER_REQUEST":
        if throughput is not None and any(throughput.values()):
            raise validation(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when"
                " BillingMode is PAY_PER_REQUEST"
            )
        return
    if throughput is None and required:
        raise validation(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is"
            " PROVISIONED"
        )
    check_bounds(throughput)


def check_definition(params: Params) -> None:
    """Raises ValidationException for what DynamoDB refuses of a new table."""
    members = {"attributeDefinitions": "AttributeDefinitions", "keySchema": "KeySchema"}
    missing = [name for name, member in members.items() if params.get(member) is None]
    if missing:  # the model asks for neither, for the sake of global tables
        words = [f"Value null at '{name}' failed to satisfy constraint: {_NOT_NULL}" for name in missing]
        plural = "s" if len(missing) > 1 else ""
        raise validation(f"{len(missing)} validation error{plural} detected: {'; '.join(words)}")
    mode = params.get("BillingMode", "PROVISIONED")
    check_throughput(mode, params.get("ProvisionedThroughput"), required=True)
    types = _types(params["AttributeDefinitions"])
    _check_schema(params["KeySchema"], types)
    used = {element["AttributeName"] for element in params["KeySchema"]}
    names: set[str] = set()
    for kind, most in (("LocalSecondaryIndexes", MAX_LOCAL), ("GlobalSecondaryIndexes", MAX_GLOBAL)):
        if kind in params:
            used |= _check_indexes(params, kind, most, types, names)
    check_non_key([*params.get("LocalSecondaryIndexes", []), *params.get("GlobalSecondaryIndexes", [])])
    if used != types.keys():
        raise validation(
            f"{_INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined"
            " in AttributeDefinitions"
            if not names
            else (
                f"{_INVALID}Some AttributeDefinitions are not used. AttributeDefinitions:"
                f" [{', '.join(types)}], keys used: [{', '.join(sorted(used))}]"
            )
        )


def _types(definitions: list[Document]) -> dict[str, str]:
    types: dict[str, str] = {}
    for each in definitions:
        if each["AttributeName"] in types:
            raise validation(
                f"{_INVALID}Duplicate AttributeName in AttributeDefinitions: {each['AttributeName']}"
            )
        types[each["AttributeName"]] = each["AttributeType"]
    return types


def _check_indexes(params: Params, kind: str, most: int, types: dict[str, str], names: set[str]) -> set[str]:
    """Checks the indexes of one kind; gives the attributes of their keys and adds to `names`."""
    indexes, label = params[kind], kind.removesuffix("SecondaryIndexes")
    if not indexes:
        raise validation(f"{_INVALID}List of {kind} is empty")
    if label == "Local" and len(params["KeySchema"]) < 2:
        raise validation(
            f"{_INVALID}Table KeySchema does not have a range key, which is required when specifying a"
            " LocalSecondaryIndex"
        )
    used: set[str] = set()
    for index in indexes:
        used |= _check_index(index, params["KeySchema"], types, label)
        if index["IndexName"] in names:
            raise validation(f"{_INVALID}Duplicate index name: {index['IndexName']}")
        names.add(index["IndexName"])
        if label == "Global":
            check_index_throughput(index, params.get("BillingMode", "PROVISIONED"))
    if len(indexes) > most:
        if label == "Global":
            raise too_many_global()
        raise validation(f"{_INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of {most}")
    return used


def too_many_global() -> AwsError:
    return AwsError(
        "LimitExceededException", f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}"
    )


def check_added_index(index: Document, given: list[Document], body: Document) -> None:
    """What UpdateTable checks of an index to be made. Its keys must be among the definitions given with it,
    even where the table has them; others of those count for nothing, as scylladb/scylladb's
    test/alternator/test_gsi_updatetable.py observed."""
    types = _types(given)
    _check_index(index, body["KeySchema"], types, "Global")
    known = {each["AttributeName"]: each["AttributeType"] for each in body["AttributeDefinitions"]}
    for element in index["KeySchema"]:
        name = element["AttributeName"]
        if name in known and known[name] != types[name]:
            key = f"key{{{name}:%s:{element['KeyType']}}}"
            raise validation(
                f"{_INVALID}Attributes cannot be redefined. Please check that your attribute has the same"
                f" type as previously defined. Existing schema: Schema:[SchemaElement: {key % known[name]}]"
                f" New schema: Schema:[SchemaElement: {key % types[name]}]"
            )
    check_index_throughput(index, body["BillingMode"])


def _check_schema(
    schema: list[Document], types: dict[str, str], index: str = "", *, several: bool = False
) -> None:
    """`several`: the keys may be of several attributes each, as a global index's may."""
    if several and (len(schema) > 2 or schema[-1]["KeyType"] == "HASH"):
        _check_several(schema, types)
        return
    if len(schema) > 2:
        raise validation(
            f"1 validation error detected: Value '[{_shown(schema)}]' at 'keySchema' failed to"
            " satisfy constraint: Member must have length less than or equal to 2"
        )
    names = [each["AttributeName"] for each in schema]
    if any(name not in types for name in names) or (not index and len(types) < len(schema)):
        if not index and len(schema) == 2:
            raise validation("Invalid KeySchema: Some index key attribute have no definition")
        raise _undefined(names, types)
    if schema[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2:
        if names[0] == names[1]:
            raise validation(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name"
            )
        if schema[1]["KeyType"] != "RANGE":
            raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_several(schema: list[Document], types: dict[str, str]) -> None:
    """Up to four attributes for each key, those of the partition key first."""
    names = [each["AttributeName"] for each in schema]
    if any(name not in types for name in names):
        raise _undefined(names, types)
    kinds = [each["KeyType"] for each in schema]
    if kinds[0] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if kinds != sorted(kinds):
        raise validation("Invalid KeySchema: All HASH key elements must come before the RANGE key elements")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > MAX_PARTS:
            raise validation(
                f"Invalid KeySchema: The number of {kind} key elements exceeds the limit of {MAX_PARTS}"
            )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise validation(f"{_INVALID}Duplicate AttributeName in KeySchema: {twice}")


def _undefined(names: list[str], types: dict[str, str]) -> AwsError:
    return validation(
        f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys:"
        f" [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
    )


def _shown(schema: list[Document]) -> str:
    return ", ".join(
        f"KeySchemaElement(attributeName={each['AttributeName']}, keyType={each['KeyType']})"
        for each in schema
    )


def _check_index(index: Document, table: list[Document], types: dict[str, str], label: str) -> set[str]:
    """Checks one index of a table with such a key; gives the attributes of its own."""
    name, schema = index["IndexName"], index["KeySchema"]
    _check_schema(schema, types, name, several=label == "Global")
    if label == "Local":
        if len(schema) < 2:
            raise validation(f"{_INVALID}Index KeySchema does not have a range key for index: {name}")
        if schema[0]["AttributeName"] != table[0]["AttributeName"]:
            raise validation(
                f"{_INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for"
                f" index: {name}. index hash key: {schema[0]['AttributeName']}, table hash key:"
                f" {table[0]['AttributeName']}"
            )
    _check_projection(index.get("Projection") or {})
    return {element["AttributeName"] for element in schema}


def _check_projection(projection: dict[str, Any]) -> None:
    kind, extra = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise validation(f"{_INVALID}Unknown ProjectionType: null")
    if extra is not None and kind != "INCLUDE":
        raise validation(f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not extra:
        raise validation(f"{_INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if extra is not None and len(set(extra)) != len(extra):
        raise validation(f"{_INVALID}Duplicate attribute in NonKeyAttributes: [{', '.join(extra)}]")


def check_non_key(indexes: list[Document]) -> None:
    """The limit is for all indexes of a table together."""
    if sum(len(index["Projection"].get("NonKeyAttributes", [])) for index in indexes) > MAX_NON_KEY:
        raise validation(f"{_INVALID}Number of NonKeyAttributes exceeds the limit of {MAX_NON_KEY}")


def check_index_throughput(index: Document, mode: str) -> None:
    throughput, name = index.get("ProvisionedThroughput"), index["IndexName"]
    if mode == "PROVISIONED" and throughput is None:
        raise validation(f"{_INVALID}ProvisionedThroughput is not specified for index: {name}")
    if mode == "PAY_PER_REQUEST" and throughput is not None and any(throughput.values()):
        raise validation(
            f"{_INVALID}ProvisionedThroughput should not be specified for index: {name} when"
            " BillingMode is PAY_PER_REQUEST"
        )
    check_bounds(throughput, name)


WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}  # of every on-demand table


def check_warm(wanted: Document, current: Document, index: str | None = None) -> None:
    """Warm throughput only grows.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
    """
    where = f"index {index}" if index else "table"
    for name in WARM:
        if wanted.get(name, current[name]) < current[name]:
            raise validation(
                f"{_INVALID}Requested {name} for WarmThroughput for {where} is lower than current"
                " WarmThroughput, decreasing WarmThroughput is not supported"
            )
