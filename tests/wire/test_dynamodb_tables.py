"""CreateTable, UpdateTable, DeleteTable and what is set on tables, against what others observed of AWS:
architect/dynalite's test/createTable.js and test/updateTable.js, and scylladb/scylladb's
test/alternator/test_table.py, test_gsi_updatetable.py, test_warm_throughput.py and test_tag.py, whose tests
pass against AWS itself.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

INVALID = "One or more parameter values were invalid: "
ONE = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    """A client that sends what it is given."""
    return cloud.client("dynamodb", config=Config(parameter_validation=False))


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def keys(*names: str, types: tuple[str, ...] = ("HASH", "RANGE")) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, types, strict=False)]


def definitions(*names: str, kind: str = "S") -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name in names]


def index(name: str, *names: str, **more: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": keys(*names), "Projection": {"ProjectionType": "ALL"}, **more}


def made(dynamodb: Any, name: str, **more: Any) -> str:
    """A table on demand with the key p; gives its ARN."""
    given = {
        "KeySchema": keys("p"), "AttributeDefinitions": definitions("p"), "BillingMode": "PAY_PER_REQUEST",
    } | more  # fmt: skip
    return dynamodb.create_table(TableName=name, **given)["TableDescription"]["TableArn"]


UNDEFINED = f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: "
NO_DEFINITION = "Invalid KeySchema: Some index key attribute have no definition"
LIST = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"AttributeDefinitions": None, "KeySchema": None},
            (
                "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy"
                " constraint: Member must not be null; Value null at 'keySchema' failed to satisfy"
                " constraint: Member must not be null"
            ),
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 10**12 + 1, "WriteCapacityUnits": 10**12 + 1}},
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 10**12, "WriteCapacityUnits": 10**12 + 1}},
            "Given value 1000000000001 for WriteCapacityUnits is out of bounds",
        ),
        (
            {"AttributeDefinitions": definitions("a", kind="SS")},
            (
                "1 validation error detected: Value 'SS' at 'attributeDefinitions.1.member.attributeType'"
                f" {LIST} satisfy enum value set: [B, N, S]"
            ),
        ),
        ({"AttributeDefinitions": definitions("b")}, f"{UNDEFINED}[a], AttributeDefinitions: [b]"),
        ({"AttributeDefinitions": definitions("b"), "KeySchema": keys("a", "b")}, NO_DEFINITION),
        ({"AttributeDefinitions": definitions("a"), "KeySchema": keys("a", "a")}, NO_DEFINITION),
        (
            {
                "AttributeDefinitions": definitions("a", "b"),
                "KeySchema": keys("a", "a", types=("HASH", "HASH")),
            },
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {
                "AttributeDefinitions": definitions("a", "b"),
                "KeySchema": keys("a", "b", types=("HASH", "HASH")),
            },
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {
                "AttributeDefinitions": definitions("a", "b"),
                "KeySchema": keys("a", "b", types=("RANGE", "HASH")),
            },
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"AttributeDefinitions": definitions("a", "b")},
            (
                f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes"
                " defined in AttributeDefinitions"
            ),
        ),
        (
            {"AttributeDefinitions": [*definitions("a"), *definitions("a", kind="N")]},
            f"{INVALID}Duplicate AttributeName in AttributeDefinitions: a",
        ),
        (
            {"LocalSecondaryIndexes": []},
            f"{INVALID}List of LocalSecondaryIndexes is empty",
        ),
        (
            {"LocalSecondaryIndexes": [index("abc", "c")]},
            (
                f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a"
                " LocalSecondaryIndex"
            ),
        ),
        (
            {"GlobalSecondaryIndexes": [index("abc", "c", ProvisionedThroughput=ONE)]},
            f"{UNDEFINED}[c], AttributeDefinitions: [a]",
        ),
        (
            {"GlobalSecondaryIndexes": [index("abc", "a")]},
            f"{INVALID}ProvisionedThroughput is not specified for index: abc",
        ),
        (
            {
                "GlobalSecondaryIndexes": [
                    index(
                        "abc", "a", ProvisionedThroughput=ONE,
                        Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "x"]},
                    )
                ]
            },
            f"{INVALID}Duplicate attribute in NonKeyAttributes: [x, x]",
        ),
    ],
)  # fmt: skip
def test_tables_that_are_refused(dynamodb: Any, given: dict[str, Any], message: str) -> None:
    """dynalite, test/createTable.js."""
    params = {
        "TableName": "refused", "KeySchema": keys("a"), "AttributeDefinitions": definitions("a"),
        "ProvisionedThroughput": ONE,
    } | given  # fmt: skip
    params = {name: value for name, value in params.items() if value is not None}
    assert refused("ValidationException", dynamodb.create_table, **params) == message


def test_an_error_tells_of_ten_problems(dynamodb: Any) -> None:
    """dynalite, test/createTable.js: nine indexes that lack all they need."""
    message = refused(
        "ValidationException", dynamodb.create_table, TableName="refused", KeySchema=keys("a", "b"),
        AttributeDefinitions=definitions("a", "b"), ProvisionedThroughput=ONE,
        LocalSecondaryIndexes=[{} for _ in range(9)],
    )  # fmt: skip
    assert message.startswith("10 validation errors detected: ")
    assert message.count("Member must not be null") == 10


def test_what_a_table_tells_of_itself(dynamodb: Any) -> None:
    """DescribeTable, and what DeleteTable leaves out: alternator's test_describe_table.py, test_table.py."""
    made(
        dynamodb, "told", AttributeDefinitions=definitions("p", "x"),
        GlobalSecondaryIndexes=[index("by-x", "x")], WarmThroughput={"ReadUnitsPerSecond": 12_240},
        OnDemandThroughput={"MaxReadRequestUnits": 50}, TableClass="STANDARD_INFREQUENT_ACCESS",
        SSESpecification={"Enabled": True, "KMSMasterKeyId": "alias/mine"},
    )  # fmt: skip
    table = dynamodb.describe_table(TableName="told")["Table"]
    assert table["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0,
    }  # fmt: skip
    assert table["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == table["CreationDateTime"]
    assert table["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12_240, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE",
    }  # fmt: skip
    assert table["OnDemandThroughput"] == {"MaxReadRequestUnits": 50}
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert table["SSEDescription"] == {
        "Status": "ENABLED",
        "SSEType": "KMS",
        "KMSMasterKeyArn": "arn:aws:kms:us-east-1:000000000000:alias/mine",
    }
    assert table["GlobalSecondaryIndexes"][0]["WarmThroughput"]["Status"] == "ACTIVE"
    gone = dynamodb.delete_table(TableName="told")["TableDescription"]
    assert gone["TableStatus"] == "DELETING" and gone["TableId"] == table["TableId"]
    assert not gone.keys() & {
        "CreationDateTime", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes",
    }  # fmt: skip


def test_warm_throughput_only_grows(dynamodb: Any) -> None:
    """alternator's test_warm_throughput.py."""
    made(dynamodb, "warm")
    dynamodb.update_table(TableName="warm", WarmThroughput={"WriteUnitsPerSecond": 4_080})
    described = dynamodb.describe_table(TableName="warm")["Table"]["WarmThroughput"]
    assert described["WriteUnitsPerSecond"] == 4_080 and described["ReadUnitsPerSecond"] == 12_000
    for lower in ({"WriteUnitsPerSecond": 4_040}, {"ReadUnitsPerSecond": 11_999}):
        message = refused(
            "ValidationException", dynamodb.update_table, TableName="warm", WarmThroughput=lower
        )
        assert f"{next(iter(lower))} for WarmThroughput for table is lower than current" in message


def test_throughput_remembers_when_it_changed(dynamodb: Any) -> None:
    """dynalite, test/updateTable.js."""
    made(dynamodb, "rates", BillingMode="PROVISIONED", ProvisionedThroughput=ONE)
    dynamodb.update_table(
        TableName="rates", ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 3}
    )
    grown = dynamodb.describe_table(TableName="rates")["Table"]["ProvisionedThroughput"]
    assert grown["ReadCapacityUnits"] == 3 and "LastDecreaseDateTime" not in grown
    dynamodb.update_table(TableName="rates", ProvisionedThroughput=ONE)
    shrunk = dynamodb.describe_table(TableName="rates")["Table"]["ProvisionedThroughput"]
    assert shrunk["LastIncreaseDateTime"] == grown["LastIncreaseDateTime"]
    assert shrunk["NumberOfDecreasesToday"] == 1 and shrunk["LastDecreaseDateTime"]


def test_billing_changes_with_the_indexes(dynamodb: Any) -> None:
    made(
        dynamodb, "billing", AttributeDefinitions=definitions("p", "x"),
        GlobalSecondaryIndexes=[index("by-x", "x")],
    )  # fmt: skip
    change: dict[str, Any] = {
        "TableName": "billing", "BillingMode": "PROVISIONED", "ProvisionedThroughput": ONE,
    }  # fmt: skip
    message = refused("ValidationException", dynamodb.update_table, **change)
    assert message == f"{INVALID}ProvisionedThroughput must be specified for index: by-x"
    updates = [{"Update": {"IndexName": "by-x", "ProvisionedThroughput": ONE}}]
    dynamodb.update_table(**change, GlobalSecondaryIndexUpdates=updates)
    table = dynamodb.describe_table(TableName="billing")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 1
    dynamodb.update_table(TableName="billing", BillingMode="PAY_PER_REQUEST")
    table = dynamodb.describe_table(TableName="billing")["Table"]
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 0


def delete(name: str) -> dict[str, Any]:
    return {"Delete": {"IndexName": name}}


@pytest.fixture(scope="module")
def changing(dynamodb: Any) -> str:
    made(
        dynamodb, "changing", AttributeDefinitions=definitions("p", "c", "x"), KeySchema=keys("p", "c"),
        LocalSecondaryIndexes=[index("lsi", "p", "x")],
    )  # fmt: skip
    return "changing"


ONE_OF = (
    "GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete"
)
LARGE = {"ReadCapacityUnits": 10**12 + 1, "WriteCapacityUnits": 1}


@pytest.mark.parametrize(
    ("updates", "given", "code", "message"),
    [
        ([], [], "ValidationException", "At least one of ProvisionedThroughput, BillingMode,"),
        ([{}], [], "ValidationException", f"{INVALID}One of {ONE_OF} must not be null"),
        (
            [{"Create": index("ind", "p"), **delete("abc")}],
            definitions("p"),
            "ValidationException",
            f"{INVALID}Only one of {ONE_OF}",
        ),
        (
            [delete("abc"), delete("abc")],
            [],
            "ValidationException",
            (
                f"{INVALID}Only one global secondary index update per index is allowed simultaneously."
                " Index: abc"
            ),
        ),
        (
            [{"Update": {"IndexName": "abc", "ProvisionedThroughput": LARGE}}],
            [],
            "ValidationException",
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds for index abc",
        ),
        (
            [delete("abc"), {"Create": index("ind", "p")}],
            definitions("p"),
            "LimitExceededException",
            (
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously"
                " per table"
            ),
        ),
        ([delete("abc")], [], "ResourceNotFoundException", "Requested resource not found"),
        (
            [{"Create": index("lsi", "p")}],
            definitions("p"),
            "ValidationException",
            "Attempting to create an index which already exists",
        ),
        (
            [{"Create": index("ind", "x")}],
            [],
            "ValidationException",
            f"{UNDEFINED}[x], AttributeDefinitions: []",
        ),
        (
            [{"Create": index("ind", "x")}],
            definitions("x", kind="N"),
            "ValidationException",
            (
                f"{INVALID}Attributes cannot be redefined. Please check that your attribute has the same type"
                " as previously defined. Existing schema: Schema:[SchemaElement: key{x:S:HASH}] New schema:"
                " Schema:[SchemaElement: key{x:N:HASH}]"
            ),
        ),
    ],
)
def test_index_updates_that_are_refused(
    dynamodb: Any, changing: str, updates: Any, given: Any, code: str, message: str
) -> None:
    """dynalite's test/updateTable.js, alternator's test_gsi_updatetable.py."""
    found = refused(
        code, dynamodb.update_table, TableName=changing, AttributeDefinitions=given,
        GlobalSecondaryIndexUpdates=updates,
    )  # fmt: skip
    assert found.startswith(message)
    table = dynamodb.describe_table(TableName=changing)["Table"]
    assert "GlobalSecondaryIndexes" not in table and len(table["AttributeDefinitions"]) == 3


def test_an_index_added_later_takes_what_fits(dynamodb: Any) -> None:
    """alternator's test_gsi_updatetable.py: wrong types, empty and oversized keys stay out; definitions that
    no index needs are ignored."""
    made(dynamodb, "filled")
    values = [{"S": "fits"}, {"S": ""}, {"N": "1"}, {"S": "x" * 2048}, {"S": "x" * 2049}]
    for number, value in enumerate(values):
        dynamodb.put_item(TableName="filled", Item={"p": {"S": str(number)}, "x": value})
    dynamodb.update_table(
        TableName="filled", AttributeDefinitions=definitions("x", "unused"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-x", "x")}],
    )  # fmt: skip
    until(
        lambda: (
            dynamodb.describe_table(TableName="filled")["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"]
            == "ACTIVE"
        )
    )
    found = dynamodb.scan(TableName="filled", IndexName="by-x")["Items"]
    assert sorted(item["p"]["S"] for item in found) == ["0", "3"]
    described = dynamodb.describe_table(TableName="filled")["Table"]["AttributeDefinitions"]
    assert described == definitions("p", "x")


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [{"Key": "ok", "Value": "#!%%^$$&"}],
        [{"Key": "->>;-)])", "Value": "ok"}],
        [{"Key": "x" * 129, "Value": ""}],
        [{"Key": "x", "Value": "v" * 257}],
        [{"Key": "", "Value": "v"}],
        [{"Key": "aws:mine", "Value": "v"}],
        [{"Key": str(number), "Value": ""} for number in range(51)],
    ],
)
def test_tags_that_are_refused(dynamodb: Any, changing: str, tags: list[Any]) -> None:
    """alternator's test_tag.py."""
    arn = dynamodb.describe_table(TableName=changing)["Table"]["TableArn"]
    refused("ValidationException", dynamodb.tag_resource, ResourceArn=arn, Tags=tags)
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == []


def test_tags_may_be_in_any_script_and_are_of_tables_alone(dynamodb: Any) -> None:
    """alternator's test_tag.py."""
    arn = made(dynamodb, "tagged")
    tag = {"Key": "א" * 128, "Value": "законные +-=._:/@ буквы"}
    dynamodb.tag_resource(ResourceArn=arn, Tags=[tag])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [tag]
    for wrong in (f"{arn}/index/by-x", "I_do_not_exist", "arn:not/a/good/format"):
        message = refused("ValidationException", dynamodb.list_tags_of_resource, ResourceArn=wrong)
        assert message == f"Invalid TableArn: Invalid ResourceArn provided as input {wrong}"
    refused("ResourceNotFoundException", dynamodb.tag_resource, ResourceArn=f"{arn}x", Tags=[tag])


def test_a_table_with_too_many_tags_is_not_made(dynamodb: Any) -> None:
    tags = [{"Key": str(number), "Value": ""} for number in range(51)]
    refused(
        "ValidationException", dynamodb.create_table, TableName="too-many", KeySchema=keys("p"),
        AttributeDefinitions=definitions("p"), BillingMode="PAY_PER_REQUEST", Tags=tags,
    )  # fmt: skip
    refused("ResourceNotFoundException", dynamodb.describe_table, TableName="too-many")


def test_what_no_table_has_is_told_truthfully(dynamodb: Any) -> None:
    """Terraform asks every table for these; a table that never used them answers so on AWS."""
    made(dynamodb, "bare")
    backups = dynamodb.describe_continuous_backups(TableName="bare")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert backups["ContinuousBackupsStatus"] == "ENABLED"
    refused("TableNotFoundException", dynamodb.describe_continuous_backups, TableName="absent")
    recovery = {"PointInTimeRecoveryEnabled": True}
    refused(
        "ContinuousBackupsUnavailableException", dynamodb.update_continuous_backups, TableName="bare",
        PointInTimeRecoverySpecification=recovery,
    )  # fmt: skip
    found = dynamodb.describe_kinesis_streaming_destination(TableName="bare")
    assert found["KinesisDataStreamDestinations"] == []
    insights = dynamodb.describe_contributor_insights(TableName="bare")
    assert insights["ContributorInsightsStatus"] == "DISABLED"
    assert dynamodb.list_backups()["BackupSummaries"] == []
    assert dynamodb.list_global_tables()["GlobalTables"] == []
    refused("GlobalTableNotFoundException", dynamodb.describe_global_table, GlobalTableName="bare")


def test_encryption_with_a_key_is_told_with_the_key(dynamodb: Any) -> None:
    """As LocalStack's tests/aws/services/dynamodb/test_dynamodb.snapshot.json recorded it of AWS."""
    made = dynamodb.create_table(
        TableName="encrypted",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True},
    )["TableDescription"]["SSEDescription"]
    assert made["KMSMasterKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    assert (made["SSEType"], made["Status"]) == ("KMS", "ENABLED")
    ended = dynamodb.update_table(TableName="encrypted", SSESpecification={"Enabled": False})
    assert ended["TableDescription"]["SSEDescription"] == made | {"Status": "UPDATING"}
    assert "SSEDescription" not in dynamodb.describe_table(TableName="encrypted")["Table"]


def test_since_when_a_table_is_on_demand_is_told_once_it_is_made(dynamodb: Any) -> None:
    """As https://docs.aws.amazon.com/cli/latest/reference/dynamodb/create-table.html shows it."""
    made = dynamodb.create_table(
        TableName="since",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    told = dynamodb.describe_table(TableName="since")["Table"]
    assert told["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == told["CreationDateTime"]


def test_while_an_index_is_made_the_table_is_in_use(dynamodb: Any, cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html"""

    def created(name: str) -> dict[str, Any]:
        keys = [{"AttributeName": name, "KeyType": "HASH"}]
        index = {"IndexName": f"index-{name}", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
        types = [{"AttributeName": name, "AttributeType": "S"}]
        return {"AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [{"Create": index}]}

    def statuses(table: dict[str, Any]) -> dict[str, str]:
        return {each["IndexName"]: each["IndexStatus"] for each in table.get("GlobalSecondaryIndexes", [])}

    table = {"TableName": "busy"}
    dynamodb.create_table(
        **table,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    drop = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "index-a"}}]}
    with cloud.held():
        made = dynamodb.update_table(**table, **created("a"))["TableDescription"]
        assert (made["TableStatus"], statuses(made)) == ("UPDATING", {"index-a": "CREATING"})
        with pytest.raises(ClientError) as caught:
            dynamodb.update_table(**table, **created("b"))
        assert caught.value.response["Error"]["Code"] == "LimitExceededException"
        for call, more in (
            (dynamodb.update_table, {"DeletionProtectionEnabled": True}),
            (dynamodb.delete_table, {}),
        ):
            with pytest.raises(ClientError) as caught:
                call(**table, **more)
            assert caught.value.response["Error"] == {
                "Code": "ResourceInUseException",
                "Message": "Attempt to change a resource which is still in use: Table is being updated: busy",
            }
        dropped = dynamodb.update_table(**table, **drop)["TableDescription"]
        assert statuses(dropped) == {"index-a": "DELETING"}
        assert statuses(dynamodb.describe_table(**table)["Table"]) == {}
    dynamodb.update_table(**table, **created("a"))
    until(
        lambda: statuses(dynamodb.describe_table(**table)["Table"]) == {"index-a": "ACTIVE"},
        what="the index to be filled",
    )
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    update = {"Update": {"IndexName": "index-a", "ProvisionedThroughput": capacity}}
    told = dynamodb.update_table(
        **table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=capacity,
        GlobalSecondaryIndexUpdates=[update],
    )["TableDescription"]
    assert statuses(told) == {"index-a": "UPDATING"}
    dynamodb.delete_table(**table)
