"""AWS's managed policies: those that templates and roles here name most, and in `managed.json` more that are
in common use, with their versions and dates.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

import functools
from pathlib import Path
from typing import Any

import orjson

Document = dict[str, Any]

_SINCE = 1_423_000_000.0  # February 2015, when AWS's managed policies came
PREFIX = "arn:aws:iam::aws:policy/"


def _policy(*statements: tuple[str | list[str], str | list[str]]) -> Document:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements
        ],
    }


_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]

# By what follows the prefix: path and name.
MANAGED: dict[str, Document] = {
    "AdministratorAccess": _policy(("*", "*")),
    "PowerUserAccess": {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles"],
                "Resource": "*",
            },
        ],
    },
    "ReadOnlyAccess": _policy(
        (
            [
                "apigateway:GET", "cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*",
                "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "dynamodb:BatchGet*",
                "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan",
                "iam:Get*", "iam:List*", "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:Filter*",
                "logs:Get*", "logs:List*", "s3:Get*", "s3:List*", "ssm:Describe*", "ssm:Get*", "ssm:List*",
            ],
            "*",
        )
    ),
    "IAMFullAccess": _policy(("iam:*", "*")),
    "AmazonDynamoDBFullAccess": _policy((["dynamodb:*", "dax:*"], "*")),
    "AmazonDynamoDBReadOnlyAccess": _policy(
        (
            [
                "dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:List*", "dynamodb:GetItem",
                "dynamodb:GetResourcePolicy", "dynamodb:Query", "dynamodb:Scan", "dax:BatchGetItem",
                "dax:Describe*", "dax:GetItem", "dax:List*", "dax:Query", "dax:Scan",
            ],
            "*",
        )
    ),
    "AmazonCognitoUnAuthedIdentitiesSessionPolicy": _policy(
        (
            [
                "rum:PutRumEvents", "sagemaker:InvokeEndpoint", "polly:*", "comprehend:*", "translate:*",
                "transcribe:*", "rekognition:*", "mobiletargeting:*", "firehose:*", "personalize:*",
                "geo:GetMap*", "geo:SearchPlaceIndex*", "geo:GetPlace", "geo:CalculateRoute*",
                "geo:*Geofence", "geo:*Geofences", "geo:*DevicePosition*", "kms:Encrypt", "kms:Decrypt",
                "kms:ReEncryptTo", "kms:ReEncryptFrom", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
                "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
            ],
            "*",
        )
    ),
    "AmazonCognitoPowerUser": _policy(
        (
            [
                "cognito-identity:*", "cognito-idp:*", "cognito-sync:*", "iam:ListRoles",
                "iam:ListOpenIdConnectProviders", "iam:GetRole", "iam:ListSAMLProviders",
                "iam:GetSAMLProvider",
            ],
            "*",
        )
    ),
    "AmazonCognitoReadOnly": _policy(
        (
            [
                "cognito-identity:Describe*", "cognito-identity:Get*", "cognito-identity:List*",
                "cognito-idp:Describe*", "cognito-idp:AdminGet*", "cognito-idp:AdminList*",
                "cognito-idp:List*", "cognito-idp:Get*", "cognito-sync:Describe*", "cognito-sync:Get*",
                "cognito-sync:List*", "iam:ListOpenIdConnectProviders", "iam:ListRoles",
            ],
            "*",
        )
    ),
    "AmazonS3FullAccess": _policy((["s3:*", "s3-object-lambda:*"], "*")),
    "AmazonS3ReadOnlyAccess": _policy((["s3:Get*", "s3:List*", "s3:Describe*"], "*")),
    "AmazonSSMReadOnlyAccess": _policy((["ssm:Describe*", "ssm:Get*", "ssm:List*"], "*")),
    "AWSLambda_FullAccess": _policy((["lambda:*", "logs:*", "cloudwatch:*", "iam:PassRole"], "*")),
    "AWSLambda_ReadOnlyAccess": _policy((["lambda:Get*", "lambda:List*"], "*")),
    "CloudWatchLogsFullAccess": _policy((["logs:*", "cloudwatch:GenerateQuery"], "*")),
    "AWSXRayDaemonWriteAccess": _policy((["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")),
    "AWSXrayWriteOnlyAccess": _policy((["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")),
    "service-role/AWSLambdaBasicExecutionRole": _policy((_LOGS, "*")),
    "service-role/AWSLambdaVPCAccessExecutionRole": _policy(
        ([*_LOGS, "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"], "*")
    ),
    "service-role/AWSLambdaRole": _policy(("lambda:InvokeFunction", "*")),
    "service-role/AWSLambdaSQSQueueExecutionRole": _policy(
        (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS], "*")
    ),
    "service-role/AWSLambdaDynamoDBExecutionRole": _policy(
        (
            [
                "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
                "dynamodb:ListStreams", *_LOGS,
            ],
            "*",
        )
    ),
    "service-role/AWSLambdaKinesisExecutionRole": _policy(
        (
            [
                "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
                "kinesis:GetShardIterator", "kinesis:ListShards", "kinesis:ListStreams",
                "kinesis:SubscribeToShard", *_LOGS,
            ],
            "*",
        )
    ),
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs": _policy(
        (
            [
                *_LOGS, "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:GetLogEvents",
                "logs:FilterLogEvents",
            ],
            "*",
        )
    ),
}  # fmt: skip


@functools.cache
def _more() -> dict[str, Document]:
    """By path and name: Version, Created, Updated (epoch seconds), Document. Read when first asked for."""
    return orjson.loads(Path(__file__).with_name("managed.json").read_bytes())


def find(arn: str) -> Document | None:
    """The document of a managed policy's ARN."""
    if not arn.startswith(PREFIX):
        return None
    name = arn.removeprefix(PREFIX)
    found = MANAGED.get(name)
    if found is None and name in _more():
        return _more()[name]["Document"]
    return found


def names() -> list[str]:
    """Path and name of every one of them."""
    return [*MANAGED, *_more().keys() - MANAGED.keys()]


def history(name: str) -> tuple[str, float, float]:
    """Its default version, and when it was made and last changed."""
    known = _more().get(name)
    return (known["Version"], known["Created"], known["Updated"]) if known else ("v1", _SINCE, _SINCE)
