"""Identity pools: settings, tags and the tags that a login's claims give a session.

https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_CreateIdentityPool.html
"""

import re
import uuid
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_identity.service import (
    invalid_parameter,
    no_pool,
    own_pool,
    resource_arn,
    service,
    state,
)
from maycloud.services.cognito_identity.store import Pool

# What CreateIdentityPool takes and DescribeIdentityPool gives back. UpdateIdentityPool sets them anew:
# what it does not name is as if it had never been given.
_SETTINGS = (
    "IdentityPoolName",
    "AllowUnauthenticatedIdentities",
    "AllowClassicFlow",
    "SupportedLoginProviders",
    "DeveloperProviderName",
    "OpenIdConnectProviderARNs",
    "CognitoIdentityProviders",
    "SamlProviderARNs",
)
MAX_TAGS = 50

_PROVIDER = re.compile(r"[^/\s]+/[\w-]+_[0-9A-Za-z]+")  # of a user pool: host and pool


def _described(pool: Pool) -> dict[str, Any]:
    answer = {name: pool[name] for name in ("IdentityPoolId", *_SETTINGS) if name in pool}
    return answer | {"IdentityPoolTags": pool["IdentityPoolTags"]}


def _settings(params: Params) -> dict[str, Any]:
    given = {name: params[name] for name in _SETTINGS if params.get(name) is not None}
    providers = []
    for each in given.get("CognitoIdentityProviders", []):
        # The words: https://github.com/aws/aws-cdk/issues/11054. The host may be this cloud's own.
        if not each.get("ClientId") or _PROVIDER.fullmatch(each.get("ProviderName", "")) is None:
            raise invalid_parameter("Invalid Cognito Identity Provider")
        provider = {"ServerSideTokenCheck": False, **each}
        if provider in providers:
            raise invalid_parameter("Duplicate cognito identity provider")
        providers.append(provider)
    if providers:
        given["CognitoIdentityProviders"] = providers
    return given


@service.operation
def CreateIdentityPool(call: Call, params: Params) -> Result:
    tags = params.get("IdentityPoolTags", {})
    _check_tags(tags)
    pool = {
        "IdentityPoolId": f"{call.region}:{uuid.uuid4()}",
        "Account": call.account,
        "Region": call.region,
        **_settings(params),
        "IdentityPoolTags": tags,
    }
    state(call).store.put_pool(pool)
    return _described(pool)


@service.operation(resource=resource_arn)
def UpdateIdentityPool(call: Call, params: Params) -> Result:
    """Every setting anew. Once given, a pool's developer provider keeps its name."""
    old = own_pool(call, params["IdentityPoolId"])
    name = params.get("DeveloperProviderName")
    if old.get("DeveloperProviderName") and name and name != old["DeveloperProviderName"]:
        raise invalid_parameter("The developer provider name cannot be changed once it has been set")
    kept = {key: value for key, value in old.items() if key not in _SETTINGS}
    if old.get("DeveloperProviderName"):
        kept["DeveloperProviderName"] = old["DeveloperProviderName"]
    pool = kept | _settings(params)
    if params.get("IdentityPoolTags") is not None:
        _check_tags(params["IdentityPoolTags"])
        pool["IdentityPoolTags"] = params["IdentityPoolTags"]
    state(call).store.put_pool(pool)
    return _described(pool)


@service.operation(resource=resource_arn)
def DescribeIdentityPool(call: Call, params: Params) -> Result:
    return _described(own_pool(call, params["IdentityPoolId"]))


@service.operation(resource=resource_arn)
def DeleteIdentityPool(call: Call, params: Params) -> Result:
    """The pool and all identities in it."""
    state(call).store.delete_pool(own_pool(call, params["IdentityPoolId"])["IdentityPoolId"])


@service.operation
def ListIdentityPools(call: Call, params: Params) -> Result:
    size = params["MaxResults"]
    found = state(call).store.pools(call.scope, params.get("NextToken", ""), size + 1)
    answer: dict[str, Any] = {
        "IdentityPools": [
            {"IdentityPoolId": pool["IdentityPoolId"], "IdentityPoolName": pool["IdentityPoolName"]}
            for pool in found[:size]
        ]
    }
    if len(found) > size:
        answer["NextToken"] = found[size - 1]["IdentityPoolId"]
    return answer


# Tags of pools


def _tagged(call: Call, params: Params) -> Pool:
    """A copy of the pool that an ARN names."""
    arn = params["ResourceArn"]
    prefix, _, identifier = arn.partition(":identitypool/")
    if prefix != f"arn:aws:cognito-identity:{call.region}:{call.account}":
        raise no_pool(identifier or arn)
    return dict(own_pool(call, identifier))


def _check_tags(tags: dict[str, str]) -> None:
    if any(name.lower().startswith("aws:") for name in tags):
        raise invalid_parameter("Tag keys cannot start with the reserved prefix aws:")
    if len(tags) > MAX_TAGS:
        raise AwsError("LimitExceededException", f"A resource may have {MAX_TAGS} tags at the most")


@service.operation(resource=resource_arn)
def TagResource(call: Call, params: Params) -> Result:
    pool = _tagged(call, params)
    pool["IdentityPoolTags"] = {**pool["IdentityPoolTags"], **params.get("Tags", {})}
    _check_tags(pool["IdentityPoolTags"])
    state(call).store.put_pool(pool)


@service.operation(resource=resource_arn)
def UntagResource(call: Call, params: Params) -> Result:
    pool = _tagged(call, params)
    gone = set(params.get("TagKeys", []))
    pool["IdentityPoolTags"] = {k: v for k, v in pool["IdentityPoolTags"].items() if k not in gone}
    state(call).store.put_pool(pool)


@service.operation(resource=resource_arn)
def ListTagsForResource(call: Call, params: Params) -> Result:
    return {"Tags": _tagged(call, params)["IdentityPoolTags"]}


# Attributes for access control: claims that become tags of the session


@service.operation(resource=resource_arn)
def SetPrincipalTagAttributeMap(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/attributes-for-access-control.html"""
    pool = dict(own_pool(call, params["IdentityPoolId"]))
    defaults = params.get("UseDefaults", False)
    mapping = {
        "UseDefaults": defaults,
        "PrincipalTags": DEFAULT_TAGS if defaults else params.get("PrincipalTags", {}),
    }
    provider = params["IdentityProviderName"]
    pool["PrincipalTags"] = {**pool.get("PrincipalTags", {}), provider: mapping}
    state(call).store.put_pool(pool)
    return {"IdentityPoolId": pool["IdentityPoolId"], "IdentityProviderName": provider, **mapping}


DEFAULT_TAGS = {"client": "aud", "username": "sub"}


@service.operation(resource=resource_arn)
def GetPrincipalTagAttributeMap(call: Call, params: Params) -> Result:
    pool = own_pool(call, params["IdentityPoolId"])
    provider = params["IdentityProviderName"]
    mapping = pool.get("PrincipalTags", {}).get(provider, {"UseDefaults": False, "PrincipalTags": {}})
    return {"IdentityPoolId": pool["IdentityPoolId"], "IdentityProviderName": provider, **mapping}
