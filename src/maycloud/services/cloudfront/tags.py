"""Tags of distributions. https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_TagResource.html"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudfront.common import scope, state
from maycloud.store import Document

MAX_TAGS = 50


def check(given: list[dict[str, Any]]) -> None:
    keys = [tag["Key"] for tag in given]
    if len(set(keys)) != len(keys):
        raise AwsError("InvalidTagging", "Duplicate tag keys are not allowed.")
    if len(keys) > MAX_TAGS:
        raise AwsError("InvalidTagging", f"A resource has at most {MAX_TAGS} tags.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("InvalidTagging", "Tag keys must not begin with aws:.")


def _find(call: Call, resource: str) -> Document:
    prefix = f"arn:aws:cloudfront::{call.account}:distribution/"
    found = None
    if resource.startswith(prefix):
        found = state(call).distributions.get(scope(call), resource.removeprefix(prefix))
    if found is None:
        raise AwsError("NoSuchResource", "The specified resource does not exist.", 404)
    return found


def tag(call: Call, params: Params) -> Result:
    document = _find(call, params["Resource"])
    given = params["Tags"].get("Items") or []
    check(given)
    kept = {each["Key"]: each for each in document["tags"]} | {each["Key"]: each for each in given}
    check(list(kept.values()))
    document["tags"] = list(kept.values())
    state(call).distributions.put(scope(call), document["id"], document)
    return None


def untag(call: Call, params: Params) -> Result:
    document = _find(call, params["Resource"])
    gone = set(params["TagKeys"].get("Items") or [])
    document["tags"] = [each for each in document["tags"] if each["Key"] not in gone]
    state(call).distributions.put(scope(call), document["id"], document)
    return None


def list_tags(call: Call, params: Params) -> Result:
    document = _find(call, params["Resource"])
    return {"Tags": {"Items": [{"Value": "", **each} for each in document["tags"]]}}
