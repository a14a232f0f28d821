"""Groups of users.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html
"""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import users
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    moment,
    not_found,
    page,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document

MAX_GROUPS = 10_000

_GIVEN = ("Description", "RoleArn", "Precedence")


def _find(call: Call, pool: Pool, name: str) -> Document:
    found = pools(call).records.group(pool.id, name)
    if found is None:
        raise not_found("Group not found.")
    return found


def _described(pool: Pool, group: Document) -> Document:
    return {
        **{name: value for name, value in group.items() if name not in ("Created", "Modified")},
        "UserPoolId": pool.id,
        "CreationDate": moment(group["Created"]),
        "LastModifiedDate": moment(group["Modified"]),
    }


def _given(params: Params) -> Document:
    return {name: params[name] for name in _GIVEN if params.get(name) is not None}


@service.operation(**ADMIN)
def CreateGroup(call: Call, params: Params) -> Result:
    pool, name = pool_of(call, params), params["GroupName"]
    records = pools(call).records
    if records.group(pool.id, name) is not None:
        raise AwsError("GroupExistsException", "A group with the name already exists.")
    if len(records.groups(pool.id)) >= MAX_GROUPS:
        raise AwsError("LimitExceededException", "The maximum number of groups has been reached.")
    group = {"GroupName": name, **_given(params), "Created": call.now(), "Modified": call.now()}
    records.put_group(pool.id, name, group)
    return {"Group": _described(pool, group)}


@service.operation(**ADMIN_READ)
def GetGroup(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    return {"Group": _described(pool, _find(call, pool, params["GroupName"]))}


@service.operation(**ADMIN)
def UpdateGroup(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    group = {**_find(call, pool, params["GroupName"]), **_given(params), "Modified": call.now()}
    pools(call).records.put_group(pool.id, group["GroupName"], group)
    return {"Group": _described(pool, group)}


@service.operation(**ADMIN)
def DeleteGroup(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    _find(call, pool, params["GroupName"])
    pools(call).records.delete_group(pool.id, params["GroupName"])
    return None


@service.operation(**ADMIN_READ)
def ListGroups(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    found, token = page(pools(call).records.groups(pool.id), params, "Limit", "NextToken")
    return {"Groups": [_described(pool, group) for group in found]} | ({"NextToken": token} if token else {})


@service.operation(**ADMIN)
def AdminAddUserToGroup(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    user = users.require(pools(call), pool, params["Username"])
    _find(call, pool, params["GroupName"])
    pools(call).records.join(pool.id, params["GroupName"], user.key)
    return None


@service.operation(**ADMIN)
def AdminRemoveUserFromGroup(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    user = users.require(pools(call), pool, params["Username"])
    _find(call, pool, params["GroupName"])
    pools(call).records.leave(pool.id, params["GroupName"], user.key)
    return None


@service.operation(**ADMIN_READ)
def AdminListGroupsForUser(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    user = users.require(pools(call), pool, params["Username"])
    found, token = page(pools(call).records.groups_of(pool.id, user.key), params, "Limit", "NextToken")
    return {"Groups": [_described(pool, group) for group in found]} | ({"NextToken": token} if token else {})


@service.operation(**ADMIN_READ)
def ListUsersInGroup(call: Call, params: Params) -> Result:
    state, pool = pools(call), pool_of(call, params)
    _find(call, pool, params["GroupName"])
    keys, token = page(state.records.members(pool.id, params["GroupName"]), params, "Limit", "NextToken")
    members = [state.store.user(pool.id, key) for key in keys]
    result: Document = {"Users": [users.described(user) for user in members if user is not None]}
    return result | ({"NextToken": token} if token else {})
