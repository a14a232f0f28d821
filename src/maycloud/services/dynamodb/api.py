"""Amazon DynamoDB's operations."""

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.dynamodb import (
    batches,
    changes,
    features,
    items,
    policies,
    query,
    settings,
    tables,
    transactions,
)
from maycloud.services.dynamodb.requests import index_arn, key_context, owner, table_arn, table_policy
from maycloud.services.dynamodb.state import DynamoDB
from maycloud.services.dynamodb.store import SCHEMA

service = Service("dynamodb", state=DynamoDB, schema=SCHEMA, default_policy=table_policy)


def resource_arn(_call: Call, params: Params) -> str:
    return params["ResourceArn"]


# Items. Nothing of an item operation is written before its last check, so it needs no savepoint.


@service.operation(resource=table_arn, account=owner, context=key_context, atomic=False)
def GetItem(call: Call, params: Params) -> Result:
    return items.get_item(call, params)


@service.operation(resource=table_arn, account=owner, context=key_context, atomic=False)
def PutItem(call: Call, params: Params) -> Result:
    return items.put_item(call, params)


@service.operation(resource=table_arn, account=owner, context=key_context, atomic=False)
def UpdateItem(call: Call, params: Params) -> Result:
    return items.update_item(call, params)


@service.operation(resource=table_arn, account=owner, context=key_context, atomic=False)
def DeleteItem(call: Call, params: Params) -> Result:
    return items.delete_item(call, params)


@service.operation(resource=index_arn, account=owner, atomic=False)
def Query(call: Call, params: Params) -> Result:
    return query.query(call, params)


@service.operation(resource=index_arn, account=owner, atomic=False)
def Scan(call: Call, params: Params) -> Result:
    return query.scan(call, params)


@service.operation(checks=batches.get_checks, atomic=False)
def BatchGetItem(call: Call, params: Params) -> Result:
    return batches.batch_get_item(call, params)


@service.operation(checks=batches.write_checks)
def BatchWriteItem(call: Call, params: Params) -> Result:
    return batches.batch_write_item(call, params)


@service.operation(checks=transactions.get_checks, atomic=False)
def TransactGetItems(call: Call, params: Params) -> Result:
    return transactions.transact_get_items(call, params)


@service.operation(checks=transactions.write_checks)
def TransactWriteItems(call: Call, params: Params) -> Result:
    return transactions.transact_write_items(call, params)


# Tables


@service.operation(resource=table_arn)
def CreateTable(call: Call, params: Params) -> Result:
    return tables.create_table(call, params)


@service.operation(resource=table_arn, account=owner, atomic=False)
def DescribeTable(call: Call, params: Params) -> Result:
    return tables.describe_table(call, params)


@service.operation(atomic=False)
def ListTables(call: Call, params: Params) -> Result:
    return tables.list_tables(call, params)


@service.operation(resource=table_arn, account=owner)
def UpdateTable(call: Call, params: Params) -> Result:
    return changes.update_table(call, params)


@service.operation(resource=table_arn, account=owner)
def DeleteTable(call: Call, params: Params) -> Result:
    return tables.delete_table(call, params)


@service.operation(resource=table_arn, account=owner)
def UpdateTimeToLive(call: Call, params: Params) -> Result:
    return settings.update_time_to_live(call, params)


@service.operation(resource=table_arn, account=owner, atomic=False)
def DescribeTimeToLive(call: Call, params: Params) -> Result:
    return settings.describe_time_to_live(call, params)


@service.operation(resource=resource_arn)
def TagResource(call: Call, params: Params) -> Result:
    return settings.tag_resource(call, params)


@service.operation(resource=resource_arn)
def UntagResource(call: Call, params: Params) -> Result:
    return settings.untag_resource(call, params)


@service.operation(resource=resource_arn, atomic=False)
def ListTagsOfResource(call: Call, params: Params) -> Result:
    return settings.list_tags_of_resource(call, params)


@service.operation(resource=resource_arn)
def PutResourcePolicy(call: Call, params: Params) -> Result:
    return policies.put_resource_policy(call, params)


@service.operation(resource=resource_arn, atomic=False)
def GetResourcePolicy(call: Call, params: Params) -> Result:
    return policies.get_resource_policy(call, params)


@service.operation(resource=resource_arn)
def DeleteResourcePolicy(call: Call, params: Params) -> Result:
    return policies.delete_resource_policy(call, params)


# What no table here has


@service.operation(resource=table_arn, account=owner, atomic=False)
def DescribeContinuousBackups(call: Call, params: Params) -> Result:
    return features.describe_continuous_backups(call, params)


@service.operation(resource=table_arn, account=owner, atomic=False)
def UpdateContinuousBackups(call: Call, params: Params) -> Result:
    return features.update_continuous_backups(call, params)


@service.operation(resource=table_arn, account=owner, atomic=False)
def DescribeKinesisStreamingDestination(call: Call, params: Params) -> Result:
    return features.describe_kinesis_streaming_destination(call, params)


@service.operation(resource=index_arn, account=owner, atomic=False)
def DescribeContributorInsights(call: Call, params: Params) -> Result:
    return features.describe_contributor_insights(call, params)


@service.operation(atomic=False)
def ListContributorInsights(_call: Call, _params: Params) -> Result:
    return {"ContributorInsightsSummaries": []}


@service.operation(atomic=False)
def ListBackups(_call: Call, _params: Params) -> Result:
    return {"BackupSummaries": []}


@service.operation(atomic=False)
def DescribeBackup(call: Call, params: Params) -> Result:
    return features.describe_backup(call, params)


@service.operation(atomic=False)
def ListExports(_call: Call, _params: Params) -> Result:
    return {"ExportSummaries": []}


@service.operation(atomic=False)
def DescribeExport(call: Call, params: Params) -> Result:
    return features.describe_export(call, params)


@service.operation(atomic=False)
def ListImports(_call: Call, _params: Params) -> Result:
    return {"ImportSummaryList": []}


@service.operation(atomic=False)
def DescribeImport(call: Call, params: Params) -> Result:
    return features.describe_import(call, params)


@service.operation(atomic=False)
def ListGlobalTables(_call: Call, _params: Params) -> Result:
    return {"GlobalTables": []}


@service.operation(atomic=False)
def DescribeGlobalTable(call: Call, params: Params) -> Result:
    return features.describe_global_table(call, params)


# The account


@service.operation(atomic=False)
def DescribeLimits(_call: Call, _params: Params) -> Result:
    """The account's quotas, as AWS has them before one asks for more."""
    return {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


@service.operation(unchecked=True, atomic=False)
def DescribeEndpoints(call: Call, _params: Params) -> Result:
    host = call.cloud.url.partition("//")[2]
    return {"Endpoints": [{"Address": host, "CachePeriodInMinutes": 1440}]}
