"""Names of versions, and tags of parameters."""

import re

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.ssm.service import find, own, parameter_arn, select, service
from maycloud.store import Document

_LABEL = re.compile(r"[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}")


@service.operation(resource=parameter_arn)
def LabelParameterVersion(call: Call, params: Params) -> Result:
    """Move labels to a version; a label is on one version at a time."""
    body = find(call, params["Name"])
    number = params.get("ParameterVersion") or body["Versions"][-1]["Version"]
    target = select(body, body["Name"], str(number))
    good = [
        label
        for label in params["Labels"]
        if _LABEL.fullmatch(label) and not label.lower().startswith(("aws", "ssm"))
    ]
    for version in body["Versions"]:
        version["Labels"] = [label for label in version["Labels"] if label not in good]
    target["Labels"] += good
    if len(target["Labels"]) > 10:
        raise AwsError(
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have maximum 10 labels.Move one or more labels to another version and"
            " try again.",
        )
    call.state.documents.put(call.scope, body["Name"], body)
    return {
        "InvalidLabels": [each for each in params["Labels"] if each not in good],
        "ParameterVersion": number,
    }


@service.operation(resource=parameter_arn)
def UnlabelParameterVersion(call: Call, params: Params) -> Result:
    body = find(call, params["Name"])
    target = select(body, body["Name"], str(params["ParameterVersion"]))
    removed = [label for label in params["Labels"] if label in target["Labels"]]
    target["Labels"] = [label for label in target["Labels"] if label not in removed]
    call.state.documents.put(call.scope, body["Name"], body)
    return {
        "RemovedLabels": removed,
        "InvalidLabels": [each for each in params["Labels"] if each not in removed],
    }


# Tags


def _tagged(call: Call, params: Params) -> Document:
    if params["ResourceType"] != "Parameter":
        raise AwsError("InvalidResourceType", "Only parameters can be tagged here")
    found = own(call, params["ResourceId"])
    if found is None:
        raise AwsError(
            "InvalidResourceId",
            f'The resource ID "{params["ResourceId"]}" is not valid. Verify the ID and try again.',
        )
    return found


@service.operation(resource=parameter_arn)
def AddTagsToResource(call: Call, params: Params) -> Result:
    body = _tagged(call, params)
    body["Tags"] |= {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if len(body["Tags"]) > 50:
        raise AwsError("TooManyTagsError", "The Targets parameter includes too many tags.")
    call.state.documents.put(call.scope, body["Name"], body)
    return {}


@service.operation(resource=parameter_arn)
def RemoveTagsFromResource(call: Call, params: Params) -> Result:
    body = _tagged(call, params)
    for key in params["TagKeys"]:
        body["Tags"].pop(key, None)
    call.state.documents.put(call.scope, body["Name"], body)
    return {}


@service.operation(resource=parameter_arn, atomic=False)
def ListTagsForResource(call: Call, params: Params) -> Result:
    tags = _tagged(call, params)["Tags"]
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
