"""A table's resource policy, which guards its indexes too.

Words of the errors, and that a revision is a time that stays where nothing changes, as moto's
tests/test_dynamodb/test_dynamodb_resource_policy.py (verified against AWS) has them.
"""

import orjson

from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.requests import table_name, tables
from maycloud.services.dynamodb.settings import find_arn
from maycloud.services.dynamodb.store import Document, Table, not_found
from maycloud.services.tokens import is_number

MAX_POLICY = (
    20 * 1024
)  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
_NONE = "NO_POLICY"


def read_policy(text: str) -> Document:
    if len(text.encode()) > MAX_POLICY:
        raise AwsError("LimitExceededException", f"Policy size exceeds the limit of {MAX_POLICY} bytes")
    try:
        return check_policy_document(text, "resource")
    except AwsError as error:
        raise validation(f"Invalid policy document: {error.message}") from error


def attach(table: Table, policy: Document, now: float) -> str:
    """Give the table a policy; the revision it has then."""
    body = table.body
    if body.get("Policy") != policy:
        last = body.get("PolicyRevision", "0")
        revision = max(int(now * 1000), int(last) + 1 if is_number(last) else 0)
        body |= {"Policy": policy, "PolicyRevision": str(revision)}
    return body["PolicyRevision"]


def _table(call: Call, params: Params) -> Table:
    arn = params["ResourceArn"]
    table = find_arn(call, arn)
    if table is None:
        raise not_found(f"Requested resource not found: Table: {table_name(arn)} not found")
    return table


def _missing(words: str) -> AwsError:
    return AwsError(
        "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {words}"
    )


def _check_revision(table: Table, params: Params) -> None:
    expected, current = params.get("ExpectedRevisionId"), table.body.get("PolicyRevision")
    if expected is None or expected == (current or _NONE):
        return
    if expected == _NONE:
        raise _missing(
            f"Requested policy update expecting none to be present for table {table.name}, but a policy"
            f" exists with revision id {current}."
        )
    if current is None:
        raise _missing(
            f"Requested update for policy with revision id {expected}, but no policy is associated to target"
            f" table {table.name}."
        )
    raise _missing(
        f"Requested update for policy with revision id {expected}, but the policy associated to target table"
        f" {table.name} has revision id {current}."
    )


def put_resource_policy(call: Call, params: Params) -> Result:
    table = _table(call, params)
    policy = read_policy(params["Policy"])
    _check_revision(table, params)
    revision = attach(table, policy, call.now())
    tables(call).save(table)
    return {"RevisionId": revision}


def get_resource_policy(call: Call, params: Params) -> Result:
    table = _table(call, params)
    if "Policy" not in table.body:
        raise _missing(params["ResourceArn"])
    return {
        "Policy": orjson.dumps(table.body["Policy"]).decode(),
        "RevisionId": table.body.get("PolicyRevision"),
    }


def delete_resource_policy(call: Call, params: Params) -> Result:
    table = _table(call, params)
    _check_revision(table, params)
    table.body.pop("Policy", None)
    revision = table.body.pop("PolicyRevision", None)
    tables(call).save(table)
    return {"RevisionId": revision} if revision else {}
