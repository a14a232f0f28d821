"""Why a resource failed, in the words of its status reason."""

import uuid

from maycloud.errors import AwsError

# Services by the names that their errors carry on AWS.
_SERVICES = {
    "apigateway": "ApiGateway",
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDb",
    "iam": "Iam",
    "lambda": "Lambda",
    "logs": "CloudWatchLogs",
    "s3": "S3",
    "ssm": "Ssm",
    "sts": "Sts",
}


class ResourceFailedError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_missing(failure: AwsError) -> bool:
    """Whether a service says that what was meant is not there."""
    code = failure.code
    return failure.status == 404 or "NotFound" in code or code.startswith("NoSuch")


def word(service: str, failure: AwsError) -> str:
    """A failure as a resource's status reason words it."""
    if not service:
        return failure.message
    name = _SERVICES.get(service, service.capitalize())
    return (
        f'Resource handler returned message: "{failure.message} (Service: {name}, Status Code:'
        f' {failure.status}, Request ID: {uuid.uuid4()})" (RequestToken: {uuid.uuid4()}, HandlerErrorCode:'
        f" {_handler_code(failure)})"
    )


def _handler_code(failure: AwsError) -> str:
    code = failure.code
    if "AccessDenied" in code or failure.status == 403:
        return "AccessDenied"
    if any(part in code for part in ("AlreadyExists", "ResourceInUse", "ResourceConflict", "AlreadyOwned")):
        return "AlreadyExists"
    if is_missing(failure):
        return "NotFound"
    if "LimitExceeded" in code:
        return "ServiceLimitExceeded"
    if "Throttl" in code or "TooManyRequests" in code:
        return "Throttling"
    if "Validation" in code or "Invalid" in code or "Malformed" in code:
        return "InvalidRequest"
    return "GeneralServiceException"
