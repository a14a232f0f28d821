"""DynamoDB's item operations through boto3."""

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    return cloud.client("dynamodb")


def make_table(dynamodb: Any, name: str, *, sort: str | None = "N", **more: Any) -> str:
    """A table with the key h (S) and, unless None, r of the given type."""
    keys = [{"AttributeName": "h", "KeyType": "HASH"}]
    types = {"h": "S"}
    if sort is not None:
        keys.append({"AttributeName": "r", "KeyType": "RANGE"})
        types["r"] = sort
    types |= more.pop("types", {})
    dynamodb.create_table(
        TableName=name,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": v} for k, v in types.items()],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return name


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> str:
    return make_table(dynamodb, "items")


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    """The message of the error that the call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


ALL_TYPES: dict[str, Any] = {
    "s": {"S": "text with \U0001f600 and \0"},
    "empty": {"S": ""},
    "n": {"N": "-12.5"},
    "b": {"B": b"\x00\xff"},
    "t": {"BOOL": True},
    "f": {"BOOL": False},
    "z": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"a", b"b"]},
    "l": {"L": [{"S": "a"}, {"L": []}, {"M": {}}]},
    "m": {"M": {"a": {"M": {"b": {"N": "1"}}}}},
}


def test_every_type_comes_back_as_it_went(dynamodb: Any, table: str) -> None:
    item = {"h": {"S": "types"}, "r": {"N": "1"}, **ALL_TYPES}
    dynamodb.put_item(TableName=table, Item=item)
    found = dynamodb.get_item(TableName=table, Key={"h": {"S": "types"}, "r": {"N": "1.0"}})["Item"]
    assert found == item


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1", "1"), ("01", "1"), ("1.0", "1"), ("-0", "0"), ("0.0", "0"), ("1e3", "1000"), ("1E-3", "0.001"),
        ("+5", "5"), (".5", "0.5"), ("5.", "5"), ("12345678901234567890123456789012345678",) * 2,
        ("0.12345678901234567890123456789012345678",) * 2,
        ("100000000000000000000000000000000000000000",) * 2,
        ("9.9999999999999999999999999999999999999E+125", "99999999999999999999999999999999999999" + "0" * 88),
        ("1E-130", "0." + "0" * 129 + "1"),
    ],
)  # fmt: skip
def test_numbers_are_exact_and_canonical(dynamodb: Any, table: str, sent: str, stored: str) -> None:
    key = {"h": {"S": "numbers"}, "r": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item={**key, "n": {"N": sent}})
    assert dynamodb.get_item(TableName=table, Key=key)["Item"]["n"] == {"N": stored}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("", "The parameter cannot be converted to a numeric value"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        (
            "1e-131",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("0x10", "The parameter cannot be converted to a numeric value: 0x10"),
        # No spaces, says scylladb/scylladb's test/alternator/test_number.py; nor other scripts' digits.
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
        ("\u0661", "The parameter cannot be converted to a numeric value: \u0661"),
    ],
)
def test_numbers_that_are_refused(dynamodb: Any, table: str, number: str, message: str) -> None:
    item = {"h": {"S": "bad"}, "r": {"N": "1"}, "n": {"N": number}}
    assert refused("ValidationException", dynamodb.put_item, TableName=table, Item=item) == message


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"h": {"S": "x"}}, "One or more parameter values were invalid: Missing the key r in the item"),
        (
            {"h": {"N": "1"}, "r": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key h expected: S actual: N",
        ),
        (
            {"h": {"S": ""}, "r": {"N": "1"}},
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
                " contain an empty string value. Key: h"
            ),
        ),
        (
            {"h": {"S": "x"}, "r": {"N": "1"}, "s": {"SS": []}},
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (
            {"h": {"S": "x"}, "r": {"N": "1"}, "s": {"SS": ["a", "a"]}},
            "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
        ),
        (
            {"h": {"S": "x"}, "r": {"N": "1"}, "s": {"NS": ["1", "1.0"]}},
            "Input collection contains duplicates",
        ),
        (
            {"h": {"S": "x" * 2049}, "r": {"N": "1"}},
            (
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size"
                " limit of2048 bytes"
            ),
        ),
        (
            {"h": {"S": "x"}, "r": {"N": "1"}, "big": {"S": "x" * 410_000}},
            "Item size has exceeded the maximum allowed size",
        ),
    ],
)
def test_items_that_are_refused(dynamodb: Any, table: str, item: Any, message: str) -> None:
    assert refused("ValidationException", dynamodb.put_item, TableName=table, Item=item) == message


def test_the_largest_item_is_409600_bytes(dynamodb: Any, table: str) -> None:
    # h, r and big: 1 + 1, 1 + 2, 3 + the rest
    item = {"h": {"S": "x"}, "r": {"N": "1"}, "big": {"S": "x" * (409_600 - 2 - 3 - 3)}}
    dynamodb.put_item(TableName=table, Item=item)
    item["big"]["S"] += "x"
    message = refused("ValidationException", dynamodb.put_item, TableName=table, Item=item)
    assert message == "Item size has exceeded the maximum allowed size"


def test_keys_that_do_not_fit_the_schema(dynamodb: Any, table: str) -> None:
    for key in ({"h": {"S": "x"}}, {"h": {"S": "x"}, "r": {"S": "1"}}, {"h": {"S": "x"}, "q": {"N": "1"}}):
        message = refused("ValidationException", dynamodb.get_item, TableName=table, Key=key)
        assert message == "The provided key element does not match the schema"


def test_what_is_not_there(dynamodb: Any, table: str) -> None:
    key = {"h": {"S": "nobody"}, "r": {"N": "1"}}
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key)
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")
    message = refused("ResourceNotFoundException", dynamodb.get_item, TableName="no-such", Key=key)
    assert message == "Requested resource not found"


def test_put_and_delete_give_the_old_item(dynamodb: Any, table: str) -> None:
    first = {"h": {"S": "old"}, "r": {"N": "1"}, "v": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=first)
    second = dynamodb.put_item(TableName=table, Item=first | {"v": {"N": "2"}}, ReturnValues="ALL_OLD")
    assert second["Attributes"] == first
    key = {"h": first["h"], "r": first["r"]}
    gone = dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")
    assert gone["Attributes"]["v"] == {"N": "2"}


def test_updates_and_conditions(dynamodb: Any, table: str) -> None:
    key = {"h": {"S": "upd"}, "r": {"N": "1"}}
    made = dynamodb.update_item(
        TableName=table, Key=key, UpdateExpression="SET a = :one, l = :l ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}, ":l": {"L": [{"S": "x"}]}}, ReturnValues="ALL_NEW",
    )  # fmt: skip
    assert made["Attributes"] == {**key, "a": {"N": "1"}, "n": {"N": "1"}, "l": {"L": [{"S": "x"}]}}
    changed = dynamodb.update_item(
        TableName=table, Key=key,
        UpdateExpression="SET a = a + :two, l = list_append(l, :l), #b = if_not_exists(#b, :two) REMOVE n",
        ConditionExpression="attribute_exists(h) AND size(l) = :one AND a BETWEEN :one AND :two",
        ExpressionAttributeNames={"#b": "b"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":two": {"N": "2"}, ":l": {"L": [{"S": "y"}]}},
        ReturnValues="UPDATED_NEW",
    )  # fmt: skip
    assert changed["Attributes"]["a"] == {"N": "3"}
    assert changed["Attributes"]["b"] == {"N": "2"}
    assert changed["Attributes"]["l"] == {"L": [{"S": "x"}, {"S": "y"}]}
    assert "n" not in dynamodb.get_item(TableName=table, Key=key)["Item"]
    with pytest.raises(ClientError) as caught:
        dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="SET a = :v", ConditionExpression="a = :v",
            ExpressionAttributeValues={":v": {"N": "9"}}, ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )  # fmt: skip
    assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert caught.value.response["Item"]["a"] == {"N": "3"}


def test_an_update_may_not_touch_the_key(dynamodb: Any, table: str) -> None:
    message = refused(
        "ValidationException", dynamodb.update_item, TableName=table, Key={"h": {"S": "k"}, "r": {"N": "1"}},
        UpdateExpression="SET r = :v", ExpressionAttributeValues={":v": {"N": "2"}},
    )  # fmt: skip
    assert message.endswith("Cannot update attribute r. This attribute is part of the key")


def test_legacy_parameters(dynamodb: Any, table: str) -> None:
    key = {"h": {"S": "legacy"}, "r": {"N": "1"}}
    dynamodb.update_item(
        TableName=table, Key=key, AttributeUpdates={"a": {"Value": {"N": "1"}, "Action": "PUT"}}
    )
    dynamodb.update_item(
        TableName=table, Key=key, AttributeUpdates={"a": {"Value": {"N": "2"}, "Action": "ADD"}},
        Expected={"a": {"ComparisonOperator": "LE", "AttributeValueList": [{"N": "1"}]}},
    )  # fmt: skip
    found = dynamodb.get_item(TableName=table, Key=key, AttributesToGet=["a"])["Item"]
    assert found == {"a": {"N": "3"}}
    refused(
        "ConditionalCheckFailedException", dynamodb.put_item, TableName=table, Item=key,
        Expected={"a": {"Exists": False}},
    )  # fmt: skip


def test_projections(dynamodb: Any, table: str) -> None:
    key = {"h": {"S": "proj"}, "r": {"N": "1"}}
    dynamodb.put_item(
        TableName=table,
        Item={**key, "m": {"M": {"a": {"N": "1"}, "b": {"L": [{"S": "0"}, {"S": "1"}]}}}, "x": {"S": "y"}},
    )
    found = dynamodb.get_item(TableName=table, Key=key, ProjectionExpression="m.a, m.b[1], absent")["Item"]
    assert found == {"m": {"M": {"a": {"N": "1"}, "b": {"L": [{"S": "1"}]}}}}


def test_consumed_capacity(dynamodb: Any, table: str) -> None:
    item = {"h": {"S": "cap"}, "r": {"N": "1"}, "v": {"S": "x" * 5000}}
    put = dynamodb.put_item(TableName=table, Item=item, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 5.0}
    key = {"h": item["h"], "r": item["r"]}
    for consistent, units in ((True, 2.0), (False, 1.0)):
        got = dynamodb.get_item(
            TableName=table, Key=key, ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES"
        )
        assert got["ConsumedCapacity"]["CapacityUnits"] == units
        assert got["ConsumedCapacity"]["Table"] == {"CapacityUnits": units}


def test_batches(dynamodb: Any, table: str) -> None:
    puts = [{"PutRequest": {"Item": {"h": {"S": "batch"}, "r": {"N": str(n)}}}} for n in range(25)]
    assert dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"] == {}
    keys = [{"h": {"S": "batch"}, "r": {"N": str(n)}} for n in range(30)]
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
    assert len(found["Responses"][table]) == 25
    assert found["UnprocessedKeys"] == {}
    twice = {table: {"Keys": [keys[0], keys[0]]}}
    message = refused("ValidationException", dynamodb.batch_get_item, RequestItems=twice)
    assert message == "Provided list of item keys contains duplicates"
    mixed = [{"DeleteRequest": {"Key": keys[0]}}, {"PutRequest": {"Item": keys[0]}}]
    message = refused("ValidationException", dynamodb.batch_write_item, RequestItems={table: mixed})
    assert message == "Provided list of item keys contains duplicates"


def test_a_batch_get_stops_at_16_megabytes(dynamodb: Any) -> None:
    name = make_table(dynamodb, "large-batch")
    for number in range(50):
        item = {"h": {"S": "x"}, "r": {"N": str(number)}, "v": {"S": "x" * 390_000}}
        dynamodb.put_item(TableName=name, Item=item)
    keys = [{"h": {"S": "x"}, "r": {"N": str(n)}} for n in range(50)]
    first = dynamodb.batch_get_item(RequestItems={name: {"Keys": keys}})
    left = first["UnprocessedKeys"][name]["Keys"]
    assert 0 < len(left) < 50
    rest = dynamodb.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert len(first["Responses"][name]) + len(rest["Responses"][name]) == 50


def test_transactions_are_all_or_nothing(dynamodb: Any, table: str) -> None:
    def key(number: int) -> dict[str, Any]:
        return {"h": {"S": "tx"}, "r": {"N": str(number)}}

    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": {**key(1), "v": {"N": "1"}}}},
            {"Put": {"TableName": table, "Item": key(2)}},
        ]
    )
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {**key(3)}}},
                {"ConditionCheck": {
                    "TableName": table, "Key": key(1), "ConditionExpression": "v = :v",
                    "ExpressionAttributeValues": {":v": {"N": "2"}},
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
                {"Delete": {"TableName": table, "Key": key(2)}},
            ]
        )  # fmt: skip
    response = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert "[None, ConditionalCheckFailed, None]" in response["Error"]["Message"]
    reasons = response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert reasons[1]["Item"] == {**key(1), "v": {"N": "1"}}
    got = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(n)}} for n in (1, 2, 3)]
    )
    assert ["Item" in each for each in got["Responses"]] == [True, True, False]


def test_a_transaction_with_a_token_is_done_once(dynamodb: Any, table: str) -> None:
    key = {"h": {"S": "token"}, "r": {"N": "1"}}
    add = {"Update": {"TableName": table, "Key": key, "UpdateExpression": "ADD n :one",
                      "ExpressionAttributeValues": {":one": {"N": "1"}}}}  # fmt: skip
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="once")
    assert dynamodb.get_item(TableName=table, Key=key)["Item"]["n"] == {"N": "1"}
    other = [{"Put": {"TableName": table, "Item": key}}]
    refused(
        "IdempotentParameterMismatchException", dynamodb.transact_write_items,
        TransactItems=other, ClientRequestToken="once",
    )  # fmt: skip


def test_transactions_carry_four_megabytes_and_delete_more(dynamodb: Any, table: str) -> None:
    """scylladb/scylladb, test/alternator/test_transact.py."""
    items = [{"h": {"S": "tx-large"}, "r": {"N": str(n)}, "v": {"S": "x" * 100_000}} for n in range(50)]
    puts = [{"Put": {"TableName": table, "Item": item}} for item in items]
    message = refused("ValidationException", dynamodb.transact_write_items, TransactItems=puts)
    assert message == "Transaction payload size cannot exceed 4 MB"
    for half in (puts[:25], puts[25:]):
        dynamodb.transact_write_items(TransactItems=half)
    keys = [{"h": item["h"], "r": item["r"]} for item in items]
    deletes = [{"Delete": {"TableName": table, "Key": key}} for key in keys]
    dynamodb.transact_write_items(TransactItems=deletes)
    assert "Item" not in dynamodb.get_item(TableName=table, Key=keys[0])


def test_the_first_fault_alone_cancels_a_transaction(dynamodb: Any, table: str) -> None:
    """scylladb/scylladb, test/alternator/test_transact.py: no condition is looked at then."""
    bad = {"Put": {"TableName": table, "Item": {"h": {"N": "7"}, "r": {"N": "1"}}}}
    false = {
        "ConditionCheck": {
            "TableName": table, "Key": {"h": {"S": "tx-none"}, "r": {"N": "1"}},
            "ConditionExpression": "attribute_exists(h)",
        }
    }  # fmt: skip
    get = {"Get": {"TableName": table, "Key": {"h": {"N": "7"}, "r": {"N": "1"}}}}
    for call, actions in (
        (dynamodb.transact_write_items, [false, bad, bad]),
        (dynamodb.transact_get_items, [
            {"Get": {"TableName": table, "Key": {"h": {"S": "x"}, "r": {"N": "1"}}}}, get, get,
        ]),
    ):  # fmt: skip
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
            call(TransactItems=actions)
        reasons = caught.value.response["CancellationReasons"]
        assert [reason["Code"] for reason in reasons] == ["None", "ValidationError", "None"]
        assert "Message" in reasons[1] and "Message" not in reasons[2]


def test_consumed_capacity_of_indexes_and_transactions(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html, of throughput."""

    def index(name: str, *keys: str, kind: str) -> dict[str, Any]:
        schema = [{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=False)]
        return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": kind}}

    name = make_table(
        dynamodb, "counted", types={"g": "S"},
        GlobalSecondaryIndexes=[index("all", "g", kind="ALL"), index("keys", "g", kind="KEYS_ONLY")],
    )  # fmt: skip
    key = {"h": {"S": "x"}, "r": {"N": "1"}}
    item = key | {"v": {"S": "x" * 3000}}

    def units(answer: dict[str, Any]) -> tuple[float, float, dict[str, float]]:
        consumed = answer["ConsumedCapacity"]
        consumed = consumed[0] if isinstance(consumed, list) else consumed
        indexes = consumed.get("GlobalSecondaryIndexes", {})
        return (
            consumed["CapacityUnits"],
            consumed["Table"]["CapacityUnits"],
            {each: found["CapacityUnits"] for each, found in indexes.items()},
        )

    def put(more: dict[str, Any]) -> tuple[float, float, dict[str, float]]:
        return units(dynamodb.put_item(TableName=name, Item=item | more, ReturnConsumedCapacity="INDEXES"))

    assert put({}) == (3.0, 3.0, {})
    assert put({"g": {"S": "a"}}) == (7.0, 3.0, {"all": 3.0, "keys": 1.0})
    assert put({"g": {"S": "a"}}) == (3.0, 3.0, {})
    assert put({"g": {"S": "b"}}) == (11.0, 3.0, {"all": 6.0, "keys": 2.0})
    for each, expected in (("all", 0.5), ("keys", 0.5)):
        found = dynamodb.query(
            TableName=name, IndexName=each, KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "b"}}, ReturnConsumedCapacity="INDEXES",
        )  # fmt: skip
        assert units(found) == (expected, 0.0, {each: expected})
    for number in range(2, 5):
        dynamodb.put_item(TableName=name, Item=item | {"r": {"N": str(number)}, "g": {"S": "b"}})
    for each, expected in (("all", 1.5), ("keys", 0.5)):  # four items of 3 KB, or their keys
        found = dynamodb.query(
            TableName=name, IndexName=each, KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "b"}}, ReturnConsumedCapacity="INDEXES",
        )  # fmt: skip
        assert units(found)[0] == expected
    write = [{"Put": {"TableName": name, "Item": item}}]
    done = dynamodb.transact_write_items(TransactItems=write, ReturnConsumedCapacity="INDEXES")
    assert units(done) == (14.0, 6.0, {"all": 6.0, "keys": 2.0})
    assert done["ConsumedCapacity"][0]["WriteCapacityUnits"] == 14.0
    read = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": name, "Key": key}}], ReturnConsumedCapacity="TOTAL"
    )
    assert read["ConsumedCapacity"] == [{"TableName": name, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]


def test_names_that_no_table_may_have(dynamodb: Any) -> None:
    """scylladb/scylladb, test/alternator/test_item.py."""
    message = refused(
        "ValidationException", dynamodb.put_item, TableName="non!existent!table", Item={"a": {"S": "b"}}
    )
    assert message == (
        "1 validation error detected: Value 'non!existent!table' at 'tableName' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )


def test_the_resource_interface_keeps_decimals(cloud: RunningCloud, table: str) -> None:
    import boto3

    resource: Any = boto3.resource(
        "dynamodb", endpoint_url=cloud.url, aws_access_key_id="test", aws_secret_access_key="test",
        region_name="us-east-1",
    )  # fmt: skip
    item = {"h": "res", "r": Decimal("1"), "n": Decimal("3.1415926535897932384626433832795028841")}
    resource.Table(table).put_item(Item=item)
    assert resource.Table(table).get_item(Key={"h": "res", "r": 1})["Item"] == item


def test_regions_and_accounts_are_apart(cloud: RunningCloud, dynamodb: Any, table: str) -> None:
    elsewhere = cloud.client("dynamodb", region="eu-west-1")
    other = cloud.client("dynamodb", key="111111111111")
    assert table in dynamodb.list_tables()["TableNames"]
    assert elsewhere.list_tables()["TableNames"] == []
    assert other.list_tables()["TableNames"] == []


def test_binary_keys_keep_their_order(dynamodb: Any) -> None:
    name = make_table(dynamodb, "binary-order", sort="B")
    values = [b"\x00", b"\x00\x00", b"\x00\x01", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\x00"]
    for value in reversed(values):
        dynamodb.put_item(TableName=name, Item={"h": {"S": "x"}, "r": {"B": value}})
    found = dynamodb.scan(TableName=name)["Items"]
    assert [item["r"]["B"] for item in found] == values
    assert base64.b64encode(found[0]["r"]["B"]) == b"AA=="
