"""What DynamoDB refuses, in which words and in which order, as others observed of AWS: architect/dynalite's
test/getItem.js, putItem.js, updateItem.js, batchWriteItem.js, query.js and scan.js, scylladb/scylladb's
test/alternator/test_item.py and test_gsi_updatetable.py; of transactions, AWS's API reference.
"""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

INVALID = "One or more parameter values were invalid: "
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
NO_MATCH = "The provided key element does not match the schema"
C_MISMATCH = "Type mismatch for Index Key c Expected: S Actual: N IndexName: index1"
START = "The provided starting key is invalid"
SCALARS = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
A: dict[str, Any] = {"a": {"S": "a"}}
AB: dict[str, Any] = A | {"b": {"S": "b"}}


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    """A client that sends what it is given; with the tables that dynalite's tests have."""
    client = cloud.client("dynamodb", config=Config(parameter_validation=False))

    def key(*names: str) -> list[dict[str, str]]:
        return [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
        ]

    def index(name: str, *names: str, kind: str = "ALL", **more: Any) -> dict[str, Any]:
        return {"IndexName": name, "KeySchema": key(*names), "Projection": {"ProjectionType": kind, **more}}

    def types(names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "AttributeType": "S"} for name in names]

    client.create_table(
        TableName="hash", KeySchema=key("a"), AttributeDefinitions=types("a"), BillingMode="PAY_PER_REQUEST"
    )
    client.create_table(
        TableName="range", KeySchema=key("a", "b"), AttributeDefinitions=types("abcd"),
        BillingMode="PAY_PER_REQUEST",
        LocalSecondaryIndexes=[index("index1", "a", "c"), index("index2", "a", "d")],
        GlobalSecondaryIndexes=[
            index("index3", "c"), index("index4", "c", "d", kind="INCLUDE", NonKeyAttributes=["e"]),
        ],
    )  # fmt: skip
    return client


def refused(call: Callable[..., Any], code: str = "ValidationException", /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, EMPTY),
        ({"M": {"a": {}}}, EMPTY),
        ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
        ({"BS": [b"b", b"b"]}, INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ({"NS": ["1", "1"]}, "Input collection contains duplicates"),
        ({"S": "a", "N": "b"}, "The parameter cannot be converted to a numeric value: b"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly",
        ),
    ],
)
def test_values_are_looked_at_before_expressions(dynamodb: Any, value: Any, message: str) -> None:
    """But after it is told that there are no expressions at all."""
    for call, what in (
        (dynamodb.get_item, {"Key": {"a": value}, "ProjectionExpression": ""}),
        (
            dynamodb.put_item,
            {"Item": {"a": value}, "ConditionExpression": "", "ExpressionAttributeValues": {}},
        ),
        (dynamodb.update_item, {"Key": {"a": value}, "UpdateExpression": "", "ExpressionAttributeNames": {}}),
    ):
        assert refused(call, TableName="absent", **what).startswith(message)
        names = {"ExpressionAttributeNames": {"#a": "a"}}
        unneeded = refused(call, TableName="absent", **{next(iter(what)): {"a": value}}, **names)
        assert unneeded.startswith("ExpressionAttributeNames can only be specified when using expressions")


def test_values_without_expressions_are_told_which_are_missing(dynamodb: Any) -> None:
    """As dynalite's test/getItem.js, putItem.js, updateItem.js, query.js and scan.js observed."""
    told = "can only be specified when using expressions"
    for call, what, missing in (
        (dynamodb.put_item, {"Item": {}}, "ConditionExpression is null"),
        (dynamodb.delete_item, {"Key": {}}, "ConditionExpression is null"),
        (dynamodb.update_item, {"Key": {}}, "UpdateExpression and ConditionExpression are null"),
        (dynamodb.query, {}, "FilterExpression and KeyConditionExpression are null"),
        (dynamodb.scan, {}, "FilterExpression is null"),
    ):
        values = refused(call, TableName="absent", ExpressionAttributeValues={}, **what)
        assert values == f"ExpressionAttributeValues {told}: {missing}"
        names = refused(call, TableName="absent", ExpressionAttributeNames={}, **what)
        assert names == f"ExpressionAttributeNames {told}"


@pytest.mark.parametrize("count", [0, 26])
def test_a_batch_of_no_or_too_many_writes_is_told_of_as_its_map(dynamodb: Any, count: int) -> None:
    """As dynalite's test/batchWriteItem.js observed."""
    writes = [{"PutRequest": {"Item": {"a": {"S": f"{n:0500}"}}}} for n in range(count)]
    message = refused(dynamodb.batch_write_item, RequestItems={"absent": writes})
    assert message.startswith("1 validation error detected: Value '{absent=[")
    assert message.endswith(
        "]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint:"
        " [Member must have length less than or equal to 25,"
        " Member must have length greater than or equal to 1]"
    )


def test_names_are_looked_at_before_values_and_both_before_expressions(dynamodb: Any) -> None:
    def message(**given: Any) -> str:
        return refused(dynamodb.update_item, TableName="absent", Key={}, UpdateExpression="", **given)

    assert message(ExpressionAttributeNames={}, ExpressionAttributeValues={}) == (
        "ExpressionAttributeNames must not be empty"
    )
    assert message(ExpressionAttributeValues={":b": {}, "b": {"S": "a"}}) == (
        'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"'
    )
    assert message(ExpressionAttributeValues={":b": {}}) == (
        f"ExpressionAttributeValues contains invalid value: {EMPTY} for key :b"
    )
    assert message() == "Invalid UpdateExpression: The expression can not be empty;"


@pytest.mark.parametrize(
    ("update", "values", "message"),
    [
        ("add a.b :a", {":a": {"N": "1"}}, "Cannot update attribute a. This attribute is part of the key"),
        ("set a = a.b + a[1]", None, "Cannot update attribute a. This attribute is part of the key"),
        ("set d.a = a add c :a", {":a": {"N": "1"}}, C_MISMATCH),
        ("set e = c[1], c = a + :a", {":a": {"N": "1"}}, C_MISMATCH),
        ("set d[1] = :a", {":a": {"N": "1"}}, SCALARS + "IndexKey: d"),
        ("set e = list_append(a, b), f = d[1]", None, SCALARS + "IndexKey: d"),
    ],
)  # fmt: skip
def test_updates_of_keys(dynamodb: Any, update: str, values: Any, message: str) -> None:
    given = {"ExpressionAttributeValues": values} if values else {}
    found = refused(dynamodb.update_item, TableName="range", Key=AB, UpdateExpression=update, **given)
    assert found.removeprefix(INVALID) == message


def test_updates_that_would_make_an_index_key_unfit(dynamodb: Any) -> None:
    key = {"a": {"S": "unfit"}, "b": {"S": "b"}}
    dynamodb.put_item(TableName="range", Item=key | {"e": {"N": "1"}, "f": {"S": ""}, "g": {"S": "x" * 1025}})
    for update, message in (
        (
            "set c = e",
            "The update expression attempted to update the secondary index key to unsupported type",
        ),
        (
            "set c = f",
            (
                "One or more parameter values are not valid. The update expression attempted to update a"
                " secondary index key to a value that is not supported. The AttributeValue for a key"
                " attribute cannot contain an empty string value."
            ),
        ),
        (
            "set d = g",
            "The update expression attempted to update the secondary index key beyond allowed size limits",
        ),
    ):
        assert refused(dynamodb.update_item, TableName="range", Key=key, UpdateExpression=update) == message


def test_paths_into_keys(dynamodb: Any) -> None:
    names = {"ExpressionAttributeNames": {"#a": "a", "#d": "d"}}
    for path, table, key, where in (
        ("#a.b.c", "hash", A, "Key: a"), ("#a[0]", "hash", A, "Key: a"), ("#d.b", "range", AB, "IndexKey: d"),
    ):  # fmt: skip
        name = {"ExpressionAttributeNames": {path[:2]: path[1]}}
        found = refused(dynamodb.get_item, TableName=table, Key=key, ProjectionExpression=path, **name)
        assert found == SCALARS + where
        condition = f"attribute_exists({path})"
        assert SCALARS + where == refused(
            dynamodb.delete_item, TableName=table, Key=key, ConditionExpression=condition, **name
        )
        assert SCALARS + where == refused(dynamodb.scan, TableName=table, FilterExpression=condition, **name)
    assert refused(dynamodb.get_item, TableName="hash", Key=AB, ProjectionExpression="#a.b", **names)


def test_an_update_that_only_takes_away_makes_no_item(dynamodb: Any) -> None:
    """alternator's test_item.py and test_returnvalues.py."""
    taken: dict[str, Any] = {
        "UpdateExpression": "DELETE s :s",
        "ExpressionAttributeValues": {":s": {"SS": ["x"]}},
    }
    for number, change in enumerate(
        [
            {"UpdateExpression": "REMOVE x"},
            {"UpdateExpression": "REMOVE x.y, z[0]"},
            {"AttributeUpdates": {"x": {"Action": "DELETE"}}},
            taken,
        ]
    ):
        key = {"a": {"S": f"none-{number}"}}
        found = dynamodb.update_item(TableName="hash", Key=key, ReturnValues="ALL_NEW", **change)
        assert "Attributes" not in found
        dynamodb.transact_write_items(
            TransactItems=[
                {"Update": {"TableName": "hash", "Key": key, "UpdateExpression": "REMOVE x"}},
            ]
        )
        assert "Item" not in dynamodb.get_item(TableName="hash", Key=key)
    key = {"a": {"S": "made"}}
    found = dynamodb.update_item(TableName="hash", Key=key, AttributeUpdates={}, ReturnValues="ALL_NEW")
    assert found["Attributes"] == key


def test_batches_and_transactions_say_it_otherwise(dynamodb: Any) -> None:
    put = {"PutRequest": {"Item": {"a": {"N": "1"}}}}
    assert refused(dynamodb.batch_write_item, RequestItems={"hash": [put]}) == NO_MATCH
    put = {"PutRequest": {"Item": AB | {"c": {"N": "1"}}}}
    assert refused(dynamodb.batch_write_item, RequestItems={"range": [put]}) == (INVALID + C_MISMATCH)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"Put": {"TableName": "hash", "Item": {"a": {"N": "5"}}}},
         INVALID + "Type mismatch for key a expected: S actual: N"),
        ({"Put": {"TableName": "range", "Item": AB | {"c": {"N": "5"}}}},
         INVALID + C_MISMATCH),
        ({"Update": {"TableName": "range", "Key": AB, "UpdateExpression": "SET c = :v",
                     "ExpressionAttributeValues": {":v": {"N": "5"}}}},
         INVALID + C_MISMATCH),
        ({"Delete": {"TableName": "hash", "Key": {"a": {"N": "5"}}}}, NO_MATCH),
    ],
)  # fmt: skip
def test_wrong_types_of_keys_cancel_a_transaction(dynamodb: Any, action: Any, message: str) -> None:
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[action, {"Put": {"TableName": "hash", "Item": {"a": {"S": "other"}}}}]
        )
    assert caught.value.response["CancellationReasons"] == [
        {"Code": "ValidationError", "Message": message}, {"Code": "None"},
    ]  # fmt: skip
    assert "Item" not in dynamodb.get_item(TableName="hash", Key={"a": {"S": "other"}})


def test_empty_keys_refuse_a_transaction(dynamodb: Any) -> None:
    not_valid = "One or more parameter values are not valid. "
    for action, message in (
        (
            {"Put": {"TableName": "hash", "Item": {"a": {"S": ""}}}},
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: a",
        ),
        (
            {"Put": {"TableName": "range", "Item": AB | {"c": {"S": ""}}}},
            (
                "A value specified for a secondary index key is not supported. The AttributeValue for a key"
                " attribute cannot contain an empty string value. IndexName: index1, IndexKey: c"
            ),
        ),
    ):
        assert refused(dynamodb.transact_write_items, TransactItems=[action]) == not_valid + message


def test_items_older_than_an_index_stay_changeable(dynamodb: Any) -> None:
    """An attribute of another type keeps an item out of an index made later, and may stay as it is."""
    dynamodb.create_table(
        TableName="older", KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    dynamodb.put_item(TableName="older", Item=A | {"x": {"N": "1"}})
    dynamodb.update_table(
        TableName="older", AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {"Create": {"IndexName": "by-x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"}}}
        ],
    )  # fmt: skip
    until(
        lambda: (
            dynamodb.describe_table(TableName="older")["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"]
            == "ACTIVE"
        )
    )
    values = {":v": {"S": "v"}}
    dynamodb.update_item(
        TableName="older", Key=A, UpdateExpression="SET v = :v", ExpressionAttributeValues=values,
        ReturnConsumedCapacity="INDEXES",
    )  # fmt: skip
    assert dynamodb.scan(TableName="older", IndexName="by-x")["Count"] == 0
    dynamodb.update_item(
        TableName="older", Key=A, UpdateExpression="SET x = :v", ExpressionAttributeValues=values
    )
    assert dynamodb.scan(TableName="older", IndexName="by-x")["Count"] == 1
    dynamodb.delete_item(TableName="older", Key=A)
    assert dynamodb.scan(TableName="older", IndexName="by-x")["Count"] == 0


# Query and Scan


def where(text: str, **values: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"KeyConditionExpression": text}
    if values:
        given["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return given


S, N = {"S": "a"}, {"N": "1"}
Z = where("z = :a", a=N)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (where("", a=S) | {"FilterExpression": ""},
         "Invalid KeyConditionExpression: The expression can not be empty;"),
        (where("attribute_type(a, :a)", a=S) | {"FilterExpression": ""},
         "Invalid KeyConditionExpression: Invalid attribute type name found; type: a, valid types:"
         " {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        (where("attribute_exists(a)") | {"FilterExpression": "", "ProjectionExpression": ""},
         "Invalid FilterExpression: The expression can not be empty;"),
        (where("attribute_exists(a)") | {"FilterExpression": "a > b", "ProjectionExpression": ""},
         "Invalid ProjectionExpression: The expression can not be empty;"),
        (where("attribute_exists(a)"), "Invalid operator used in KeyConditionExpression: attribute_exists"),
        (where("a = :a AND b = :a AND c = :a", a=S), "Conditions can be of length 1 or 2 only"),
        ({"KeyConditions": {}}, "Conditions can be of length 1 or 2 only"),
        ({},
         "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
        ({"QueryFilter": {"a": {"ComparisonOperator": "EQ"}}, "AttributesToGet": ["a", "a"],
          "ExclusiveStartKey": {"a": {}}},
         INVALID + "Invalid number of argument(s) for the EQ ComparisonOperator"),
        ({"AttributesToGet": ["a", "a"], "ExclusiveStartKey": {"a": {}}},
         INVALID + "Duplicate value in attribute name: a"),
        ({"KeyConditions": {"a": {"ComparisonOperator": "EQ"}}, "ExclusiveStartKey": {"a": {}}},
         f"{START}: {EMPTY}"),
        (where("") | {"ExclusiveStartKey": {"a": {"SS": []}}},
         f"{START}: {INVALID}An string set  may not be empty"),
        (where("") | {"ExclusiveStartKey": {"a": {"NS": []}}}, INVALID + "An number set  may not be empty"),
        (where("") | {"ExclusiveStartKey": {"a": {"N": "b"}}},
         "The parameter cannot be converted to a numeric value: b"),
    ],
)  # fmt: skip
def test_a_query_is_checked_before_its_table_is_looked_for(
    dynamodb: Any, params: dict[str, Any], message: str
) -> None:
    assert refused(dynamodb.query, TableName="absent", **params) == message


def test_a_query_that_is_right_in_itself_wants_its_table(dynamodb: Any) -> None:
    message = refused(
        dynamodb.query, "ResourceNotFoundException", TableName="absent", ExclusiveStartKey={}, **Z
    )
    assert message == "Requested resource not found"


A_IS, C_IS = where("a = :a", a={"S": "b"}), where("c = :a", a={"S": "b"})
MISSED = "Query condition missed key schema element: "
OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"
PREDICATE = "The provided starting key does not match the range key predicate"
ONE_ROW = "The query can return at most one row and cannot be restarted"


@pytest.mark.parametrize(
    ("table", "index", "start", "condition", "message"),
    [
        ("hash", None, {}, Z, START),
        ("hash", None, {"b": S}, Z, START),
        ("hash", None, {"a": N}, Z, NO_MATCH),
        ("range", None, {"a": S}, Z, START),
        ("range", None, {"a": N, "z": S}, Z, NO_MATCH),
        ("range", None, {"a": S, "b": N}, Z, MISSED + "a"),
        ("range", "index1", {"a": S, "b": S}, Z, START),
        ("range", "index3", {"c": N, "x": S, "y": S}, Z, NO_MATCH),
        ("range", "index3", {"x": N, "y": N, "c": S}, Z, MISSED + "c"),
        ("range", None, {"a": S, "z": S}, A_IS, START),
        ("range", None, {"a": S, "b": N}, A_IS, NO_MATCH),
        ("range", "index1", {"a": S, "b": N, "c": N}, A_IS, NO_MATCH),
        ("range", "index1", {"a": S, "b": N, "c": S}, A_IS, f"{START}: {NO_MATCH}"),
        ("range", "index3", {"x": N, "y": N, "c": S}, C_IS, f"{START}: {NO_MATCH}"),
        ("range", "index4", {"a": S, "b": S, "c": S, "e": S}, C_IS, START),
        ("range", None, {"a": S, "b": S}, where("a = :a and c = :b", a=S, b=N), MISSED + "b"),
        ("range", None, {"a": S, "b": S}, A_IS, OUTSIDE),
        ("range", "index1", {"a": S, "b": S, "c": S}, A_IS, OUTSIDE),
        ("range", "index3", {"a": S, "b": S, "c": S}, C_IS, OUTSIDE),
        ("range", None, {"a": S, "b": S}, where("a = :b and b > :a", a=S, b={"S": "b"}), PREDICATE),
        ("range", None, {"a": S, "b": S}, where("a = :b and b < :b", b={"S": "b"}), ONE_ROW),
        ("range", None, {"a": S, "b": S}, where("a = :a and b = :a", a=S), ONE_ROW),
    ],
)  # fmt: skip
def test_starting_keys_that_are_refused(
    dynamodb: Any, table: str, index: str | None, start: Any, condition: Any, message: str
) -> None:
    """dynalite, test/query.js."""
    named = {"IndexName": index} if index else {}
    found = refused(dynamodb.query, TableName=table, ExclusiveStartKey=start, **named, **condition)
    assert found == message


@pytest.mark.parametrize(
    ("table", "index", "start", "more", "message"),
    [
        ("hash", None, {}, {}, f"{START}: {NO_MATCH}"),
        ("hash", None, {"a": N}, {}, f"{START}: {NO_MATCH}"),
        ("range", None, {"a": S, "z": S}, {}, f"{START}: {NO_MATCH}"),
        ("range", "index1", {"a": S, "c": S}, {}, START),
        ("range", "index1", {"a": S, "b": S, "c": N}, {}, NO_MATCH),
        ("range", "index1", {"a": S, "b": N, "c": S}, {}, f"{START}: {NO_MATCH}"),
        ("range", "index4", {"x": N, "y": N, "c": S, "d": N}, {}, NO_MATCH),
        (
            "range", "index4", {"x": N, "y": N, "c": S, "d": S}, {"Select": "ALL_ATTRIBUTES"},
            INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index index4 because"
            " its projection type is not ALL",
        ),
        ("range", "other", {"a": S}, {}, "The table does not have the specified index: other"),
    ],
)  # fmt: skip
def test_starting_keys_of_scans(
    dynamodb: Any, table: str, index: str | None, start: Any, more: Any, message: str
) -> None:
    """dynalite, test/scan.js."""
    named = {"IndexName": index} if index else {}
    assert refused(dynamodb.scan, TableName=table, ExclusiveStartKey=start, **named, **more) == message


def test_segments_are_told_of_in_their_own_words(dynamodb: Any) -> None:
    required = "parameter is required but was not present in the request when"
    assert refused(dynamodb.scan, TableName="absent", Segment=1, FilterExpression="") == (
        f"The TotalSegments {required} Segment parameter is present"
    )
    assert refused(dynamodb.scan, TableName="absent", TotalSegments=1, FilterExpression="") == (
        f"The Segment {required} parameter TotalSegments is present"
    )


NOT_INDEXABLE = "Attempted conditional constraint is not an indexable operation"


def only(operator: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": [*values]}


@pytest.mark.parametrize(
    ("table", "conditions", "message"),
    [
        ("hash", {"a": only("NULL")}, NOT_INDEXABLE),
        ("hash", {"a": only("NE", N)}, NOT_INDEXABLE),
        ("range", {"a": only("EQ", S), "b": only("IN", S)}, NOT_INDEXABLE),
        ("hash", {"a": only("LE", N)}, INVALID + "Condition parameter type does not match schema type"),
        ("hash", {"a": only("LE", S)}, "Query key condition not supported"),
        ("hash", {"y": only("EQ", S), "z": only("EQ", S)}, "Query key condition not supported"),
        ("range", {"a": only("EQ", S), "c": only("NULL")}, MISSED + "b"),
    ],
)  # fmt: skip
def test_key_conditions_of_old(dynamodb: Any, table: str, conditions: Any, message: str) -> None:
    assert refused(dynamodb.query, TableName=table, KeyConditions=conditions) == message


def test_filters_may_not_name_keys(dynamodb: Any) -> None:
    said = "can only contain non-primary key attributes: Primary key attribute: b"
    equals = {"a": only("EQ", S)}
    found = refused(dynamodb.query, TableName="range", KeyConditions=equals, QueryFilter={"b": only("EQ", S)})
    assert found == f"QueryFilter {said}"
    found = refused(dynamodb.query, TableName="range", FilterExpression="b[1] = :a", **where("a = :a", a=S))
    assert found == f"Filter Expression {said}"


def test_a_global_index_has_only_what_it_projects(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html, of Select."""
    message = refused(
        dynamodb.query,
        TableName="range",
        IndexName="index4",
        ProjectionExpression="e, f, g",
        **where("c = :a", a=S),
    )
    assert message == f"{INVALID}Global secondary index index4 does not project [f, g]"


def test_pages_of_an_index_with_both_keys_given_go_on(dynamodb: Any) -> None:
    """Of a table's whole key there is one item and no further page; an index may have many."""
    items = [{"a": S, "b": {"S": f"same-{n}"}, "c": {"S": "same"}, "d": {"S": "same"}} for n in range(3)]
    for item in items:
        dynamodb.put_item(TableName="range", Item=item)
    pages = dynamodb.get_paginator("query").paginate(
        TableName="range", IndexName="index4", PaginationConfig={"PageSize": 1},
        **where("c = :c AND d = :c", c={"S": "same"}),
    )  # fmt: skip
    assert sorted(item["b"]["S"] for page in pages for item in page["Items"]) == [
        "same-0",
        "same-1",
        "same-2",
    ]
    found = dynamodb.query(TableName="range", Limit=1, **where("a = :a AND b = :b", a=S, b={"S": "same-0"}))
    assert found["Items"] == [items[0]] and "LastEvaluatedKey" not in found


def test_unused_names_are_told_before_what_a_query_says_of_keys(dynamodb: Any) -> None:
    """As moto's tests/test_dynamodb/exceptions/test_dynamodb_exceptions.py (verified against AWS) has it."""
    words = refused(
        dynamodb.query, TableName="absent", KeyConditionExpression="(#0 = x)",
        ExpressionAttributeNames={"#0": "a", "#count": "count"},
    )  # fmt: skip
    assert words == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#count}"


def test_a_request_that_names_no_operation(cloud: RunningCloud) -> None:
    """As dynalite's test/connection.js has it."""
    request = AWSRequest("POST", f"{cloud.url}/", {"Content-Type": "application/x-amz-json-1.0"}, b"{}")
    SigV4Auth(Credentials("test", "test"), "dynamodb", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("localhost", cloud.port, timeout=60)
    connection.request("POST", "/", b"{}", dict(request.headers))
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    assert (answer.status, told) == (400, {"__type": "com.amazon.coral.service#UnknownOperationException"})
