"""What tables have of backups, exports, streams to Kinesis, replicas and insights: nothing.

Terraform, CDK and the console ask for these of every table, so they are answered as AWS answers them for a
table that never used them. Turning one on is refused with AWS's own error.
"""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.requests import named
from maycloud.services.dynamodb.store import Document


def describe_continuous_backups(call: Call, params: Params) -> Result:
    try:
        named(call, params["TableName"])
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise AwsError("TableNotFoundException", f"Table not found: {params['TableName']}") from error
    return {"ContinuousBackupsDescription": _NO_RECOVERY}


# Continuous backups are always on on AWS; what one turns on is recovery from them.
_NO_RECOVERY: Document = {
    "ContinuousBackupsStatus": "ENABLED",
    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
}


def update_continuous_backups(call: Call, params: Params) -> Result:
    described = describe_continuous_backups(call, params)
    if params["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]:
        raise AwsError(
            "ContinuousBackupsUnavailableException",
            "Backups are not available for this table: Maycloud has no point-in-time recovery",
        )
    return described


def describe_kinesis_streaming_destination(call: Call, params: Params) -> Result:
    return {"TableName": named(call, params["TableName"]).name, "KinesisDataStreamDestinations": []}


def describe_contributor_insights(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    described = {"TableName": table.name, "ContributorInsightsStatus": "DISABLED"}
    if "IndexName" in params:
        if params["IndexName"] not in table.indexes:
            raise AwsError("ResourceNotFoundException", "Requested resource not found")
        described["IndexName"] = params["IndexName"]
    return described


def describe_backup(_call: Call, params: Params) -> Result:
    raise AwsError("BackupNotFoundException", f"Backup not found: {params['BackupArn']}")


def describe_export(_call: Call, params: Params) -> Result:
    raise AwsError("ExportNotFoundException", f"Export not found: {params['ExportArn']}")


def describe_import(_call: Call, params: Params) -> Result:
    raise AwsError("ImportNotFoundException", f"Import not found: {params['ImportArn']}")


def describe_global_table(_call: Call, params: Params) -> Result:
    raise AwsError(
        "GlobalTableNotFoundException",
        f"Global table not found: Global table with name: '{params['GlobalTableName']}' does not exist.",
    )
