"""What CreateTable checks of a table's definition, in the order in which DynamoDB does.

Words of the errors as observed, see architect/dynalite's tests of CreateTable.
"""

from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Params
from maycloud.services.dynamodb.store import Document

MAX_LOCAL = 5
MAX_GLOBAL = 20
MAX_NON_KEY = 100

_INVALID = "One or more parameter values were invalid: "


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


_NOT_NULL = "Member must not be null"


def check_definition(params: Params, *, updating: bool = False) -> None:
    """Raises ValidationException for what DynamoDB refuses."""
    members = {"attributeDefinitions": "AttributeDefinitions", "keySchema": "KeySchema"}
    missing = [name for name, member in members.items() if params.get(member) is None]
    if missing:  # the model asks for neither, for the sake of global tables
        words = [f"Value null at '{name}' failed to satisfy constraint: {_NOT_NULL}" for name in missing]
        plural = "s" if len(missing) > 1 else ""
        raise validation(f"{len(missing)} validation error{plural} detected: {'; '.join(words)}")
    mode = params.get("BillingMode", "PROVISIONED")
    check_throughput(mode, params.get("ProvisionedThroughput"), required=not updating)
    types = {each["AttributeName"]: each["AttributeType"] for each in params["AttributeDefinitions"]}
    if len(types) != len(params["AttributeDefinitions"]):
        raise validation(f"{_INVALID}Duplicate AttributeName in AttributeDefinitions")
    _check_schema(params["KeySchema"], types)
    used = {element["AttributeName"] for element in params["KeySchema"]}
    names: set[str] = set()
    for kind, most in (("LocalSecondaryIndexes", MAX_LOCAL), ("GlobalSecondaryIndexes", MAX_GLOBAL)):
        indexes = params.get(kind)
        if indexes is None:
            continue
        label = "Local" if kind == "LocalSecondaryIndexes" else "Global"
        if not indexes:
            raise validation(f"{_INVALID}List of {label}SecondaryIndexes is empty")
        if len(indexes) > most:
            if kind == "GlobalSecondaryIndexes":
                raise AwsError(
                    "LimitExceededException",
                    f"GlobalSecondaryIndex count exceeds the per-table limit of {most}",
                )
            raise validation(f"{_INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of {most}")
        for index in indexes:
            if index["IndexName"] in names:
                raise validation(f"{_INVALID}Duplicate index name: {index['IndexName']}")
            names.add(index["IndexName"])
            used |= _check_index(index, params, types, label)
            if kind == "GlobalSecondaryIndexes" and not updating:
                _check_index_throughput(index, mode)
    if len(used) != len(types):
        raise validation(
            f"{_INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined"
            " in AttributeDefinitions"
            if not names
            else (
                f"{_INVALID}Some AttributeDefinitions are not used. AttributeDefinitions:"
                f" [{', '.join(types)}], keys used: [{', '.join(sorted(used))}]"
            )
        )


def _check_schema(schema: list[Document], types: dict[str, str], where: str = "") -> None:
    if len(schema) > 2:
        raise validation(
            f"1 validation error detected: Value '[{_shown(schema)}]' at '{where or 'keySchema'}' failed to"
            " satisfy constraint: Member must have length less than or equal to 2"
        )
    missing = [each["AttributeName"] for each in schema if each["AttributeName"] not in types]
    if missing:
        keys = ", ".join(each["AttributeName"] for each in schema)
        words = "Some index key attributes are not defined in AttributeDefinitions."
        if not where:
            words = "Invalid KeySchema: Some index key attribute have no definition"
            raise validation(words)
        raise validation(f"{_INVALID}{words} Keys: [{keys}], AttributeDefinitions: [{', '.join(types)}]")
    if schema[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2:
        if schema[1]["KeyType"] != "RANGE":
            raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        if schema[0]["AttributeName"] == schema[1]["AttributeName"]:
            raise validation(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name"
            )


def _shown(schema: list[Document]) -> str:
    return ", ".join(
        f"KeySchemaElement(attributeName={each['AttributeName']}, keyType={each['KeyType']})"
        for each in schema
    )


def _check_index(index: Document, params: Params, types: dict[str, str], label: str) -> set[str]:
    """Checks one index; gives the attributes of its keys."""
    _check_schema(index["KeySchema"], types, "keySchema")
    name = index["IndexName"]
    if label == "Local":
        if len(params["KeySchema"]) < 2:
            raise validation(
                f"{_INVALID}Table KeySchema does not have a range key, which is required when specifying a"
                " LocalSecondaryIndex"
            )
        if len(index["KeySchema"]) < 2:
            raise validation(f"{_INVALID}Index KeySchema does not have a range key for index: {name}")
        if index["KeySchema"][0]["AttributeName"] != params["KeySchema"][0]["AttributeName"]:
            raise validation(
                f"{_INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for"
                f" index: {name}. index hash key: {index['KeySchema'][0]['AttributeName']}, table hash key:"
                f" {params['KeySchema'][0]['AttributeName']}"
            )
    _check_projection(index.get("Projection") or {})
    return {element["AttributeName"] for element in index["KeySchema"]}


def _check_projection(projection: dict[str, Any]) -> None:
    kind, extra = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise validation(f"{_INVALID}Unknown ProjectionType: null")
    if extra is not None and kind != "INCLUDE":
        raise validation(f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not extra:
        raise validation(f"{_INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if extra is not None and len(extra) > MAX_NON_KEY:
        raise validation(f"{_INVALID}Number of NonKeyAttributes exceeds the limit of {MAX_NON_KEY}")


def _check_index_throughput(index: Document, mode: str) -> None:
    throughput = index.get("ProvisionedThroughput")
    if mode == "PROVISIONED" and throughput is None:
        raise validation(f"{_INVALID}ProvisionedThroughput is not specified for index: {index['IndexName']}")
    if mode == "PAY_PER_REQUEST" and throughput is not None and any(throughput.values()):
        raise validation(
            f"{_INVALID}ProvisionedThroughput should not be specified for index: {index['IndexName']} when"
            " BillingMode is PAY_PER_REQUEST"
        )
