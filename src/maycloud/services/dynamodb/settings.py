"""What is set on a table beside its definition: expiry and tags."""

import re
from collections.abc import Sized

from maycloud.errors import validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.requests import named, tables
from maycloud.services.dynamodb.store import Table, not_found

MAX_TAGS = 50
_ARN = re.compile(r"arn:aws:dynamodb:([a-z0-9-]+):([0-9]{12}):table/([a-zA-Z0-9_.-]+)")
_TAG = re.compile(r"[\w\s+\-=.:/@]*")


def update_time_to_live(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    specification = params["TimeToLiveSpecification"]
    attribute, enabled = specification["AttributeName"], specification["Enabled"]
    if enabled and table.expiry is not None:
        raise validation(
            "TimeToLive is already enabled"
            if table.expiry == attribute
            else f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry}"
        )
    if not enabled and table.expiry is None:
        raise validation("TimeToLive is already disabled")
    if not enabled and table.expiry != attribute:
        raise validation(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry}"
        )
    if enabled:
        table.body["Expiry"] = attribute
        call.store.outbox.put("dynamodb-backfill", {"table": table.id, "index": None, "after": ""})
    else:
        del table.body["Expiry"]
        call.store.db.write("DELETE FROM dynamodb_expiry WHERE tbl=?", (table.id,))
    tables(call).save(table)
    return {"TimeToLiveSpecification": specification}


def describe_time_to_live(call: Call, params: Params) -> Result:
    table = named(call, params["TableName"])
    if table.expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.expiry}}


# Tags


def by_arn(call: Call, arn: str) -> Table:
    table = find_arn(call, arn)
    if table is None:
        raise not_found(f"Requested resource not found: ResourcArn: {arn} not found")
    return table


def find_arn(call: Call, arn: str) -> Table | None:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    if match[1] != call.region:
        return None
    return tables(call).find((match[2], match[1]), match[3])


def check_tags(tags: list[dict[str, str]]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html"""
    names = [tag["Key"] for tag in tags]
    for tag in tags:
        for member in ("Key", "Value"):
            if _TAG.fullmatch(tag[member]) is None:
                raise validation(f"One or more parameter values were invalid: Tag {member} is not valid")
        if tag["Key"].lower().startswith("aws:"):
            raise validation("One or more parameter values were invalid: Tag keys cannot start with aws:")
    if len(set(names)) != len(names):
        raise validation("One or more parameter values were invalid: Duplicate tag keys provided")
    _check_count(names)


def _check_count(tags: Sized) -> None:
    if len(tags) > MAX_TAGS:
        raise validation(f"One or more parameter values were invalid: Too many tags: {MAX_TAGS} at the most")


def tag_resource(call: Call, params: Params) -> Result:
    check_tags(params["Tags"])
    table = by_arn(call, params["ResourceArn"])
    if not params["Tags"]:
        raise validation("One or more parameter values were invalid: Atleast one Tag needs to be provided")
    tags = table.body["Tags"] | {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    _check_count(tags)
    table.body["Tags"] = tags
    tables(call).save(table)
    return None


def untag_resource(call: Call, params: Params) -> Result:
    table = by_arn(call, params["ResourceArn"])
    for name in params["TagKeys"]:
        table.body["Tags"].pop(name, None)
    tables(call).save(table)
    return None


def list_tags_of_resource(call: Call, params: Params) -> Result:
    tags = by_arn(call, params["ResourceArn"]).body["Tags"]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
