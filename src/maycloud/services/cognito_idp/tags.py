"""Tags of user pools."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp.pools import MAX_TAGS
from maycloud.services.cognito_idp.service import not_found, pools, service
from maycloud.services.cognito_idp.store import Pool


def resource_arn(call: Call, params: Params) -> str:
    return params["ResourceArn"]


def _pool(call: Call, params: Params) -> Pool:
    identifier = params["ResourceArn"].rpartition("/")[2]
    found = pools(call).store.pool(identifier)
    if found is None or found.arn != params["ResourceArn"] or found.scope != call.scope:
        raise not_found(f"User pool {identifier} does not exist.")
    return found


def _save(call: Call, pool: Pool, tags: dict[str, str]) -> None:
    settings = pool.settings | {"UserPoolTags": tags}
    pools(call).store.save_pool(Pool(pool.id, pool.account, pool.region, settings, pool.keys))


@service.operation(resource=resource_arn)
def TagResource(call: Call, params: Params) -> Result:
    pool = _pool(call, params)
    tags = pool.settings["UserPoolTags"] | params["Tags"]
    if len(tags) > MAX_TAGS:
        raise AwsError("InvalidParameterException", f"A resource can have at most {MAX_TAGS} tags.")
    _save(call, pool, tags)
    return {}


@service.operation(resource=resource_arn)
def UntagResource(call: Call, params: Params) -> Result:
    pool = _pool(call, params)
    gone = params["TagKeys"]
    _save(call, pool, {key: value for key, value in pool.settings["UserPoolTags"].items() if key not in gone})
    return {}


@service.operation(resource=resource_arn, atomic=False)
def ListTagsForResource(call: Call, params: Params) -> Result:
    return {"Tags": _pool(call, params).settings["UserPoolTags"]}
