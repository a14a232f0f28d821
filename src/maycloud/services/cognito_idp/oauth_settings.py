"""What the hosted pages and OAuth 2.0 endpoints need of a pool: its domain and its resource servers.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
"""

import re

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    invalid,
    not_found,
    page,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document

VERSION = "20130630"  # of AWS's hosted pages, as DescribeUserPoolDomain names it

_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CUSTOM = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}")
_RESERVED = ("aws", "amazon", "cognito")


# Domains


@service.operation(**ADMIN)
def CreateUserPoolDomain(call: Call, params: Params) -> Result:
    state, pool, domain = pools(call), pool_of(call, params), params["Domain"]
    custom = params.get("CustomDomainConfig")
    if (_CUSTOM if custom else _PREFIX).fullmatch(domain) is None:
        raise invalid("Domain name is not valid.")
    for word in _RESERVED:
        if not custom and word in domain:
            raise invalid(f"Domain cannot contain reserved word: {word}")
    if params.get("Routing"):
        raise invalid("Routing is not supported by Maycloud; see docs/coverage.md")
    if state.records.domain(domain) is not None:
        raise invalid("Domain already associated with another user pool.")
    if state.records.domain_of(pool.id) is not None:
        raise invalid("User pool already has a domain configured.")
    settings: Document = {"ManagedLoginVersion": params.get("ManagedLoginVersion", 1)}
    if custom:
        settings["CustomDomainConfig"] = custom
    state.records.put_domain(domain, pool.id, settings)
    result: Document = {"ManagedLoginVersion": settings["ManagedLoginVersion"]}
    return result | ({"CloudFrontDomain": _distribution(pool)} if custom else {})


def _distribution(pool: Pool) -> str:
    """The CloudFront name that a custom domain would be an alias of."""
    return f"d{pool.id.partition('_')[2].lower()}.cloudfront.net"


@service.operation(atomic=False)
def DescribeUserPoolDomain(call: Call, params: Params) -> Result:
    state = pools(call)
    found = state.records.domain(params["Domain"])
    pool = state.store.pool(found[0]) if found else None
    if found is None or pool is None or pool.scope != call.scope:
        return {"DomainDescription": {}}
    return {
        "DomainDescription": {
            "UserPoolId": pool.id,
            "AWSAccountId": pool.account,
            "Domain": params["Domain"],
            "S3Bucket": "aws-cognito-prod-hosted-ui",
            "CloudFrontDistribution": _distribution(pool),
            "Version": VERSION,
            "Status": "ACTIVE",
            "CustomDomainConfig": {},
            **found[1],
        }
    }


def _own_domain(call: Call, params: Params) -> tuple[Pool, Document]:
    pool = pool_of(call, params)
    found = pools(call).records.domain(params["Domain"])
    if found is None or found[0] != pool.id:
        raise invalid("No such domain or user pool exists.")
    return pool, found[1]


@service.operation(**ADMIN)
def UpdateUserPoolDomain(call: Call, params: Params) -> Result:
    pool, settings = _own_domain(call, params)
    for name in ("ManagedLoginVersion", "CustomDomainConfig"):
        if params.get(name) is not None:
            settings[name] = params[name]
    pools(call).records.put_domain(params["Domain"], pool.id, settings)
    custom = settings.get("CustomDomainConfig")
    result: Document = {"ManagedLoginVersion": settings["ManagedLoginVersion"]}
    return result | ({"CloudFrontDomain": _distribution(pool)} if custom else {})


@service.operation(**ADMIN)
def DeleteUserPoolDomain(call: Call, params: Params) -> Result:
    _own_domain(call, params)
    pools(call).records.delete_domain(params["Domain"])
    return {}


# Resource servers


def _server(call: Call, params: Params) -> tuple[Pool, Document]:
    pool = pool_of(call, params)
    found = pools(call).records.server(pool.id, params["Identifier"])
    if found is None:
        raise not_found("Resource server does not exist.")
    return pool, found


def _described(pool: Pool, params: Params) -> Document:
    scopes = params.get("Scopes") or []
    if len({each["ScopeName"] for each in scopes}) < len(scopes):
        raise invalid("Scope names must be unique in a resource server.")
    return {
        "UserPoolId": pool.id,
        "Identifier": params["Identifier"],
        "Name": params["Name"],
        "Scopes": scopes,
    }


@service.operation(**ADMIN)
def CreateResourceServer(call: Call, params: Params) -> Result:
    pool, identifier = pool_of(call, params), params["Identifier"]
    if pools(call).records.server(pool.id, identifier) is not None:
        raise invalid(f"{identifier} already exists in user pool {pool.id}.")
    server = _described(pool, params)
    pools(call).records.put_server(pool.id, identifier, server)
    return {"ResourceServer": server}


@service.operation(**ADMIN_READ)
def DescribeResourceServer(call: Call, params: Params) -> Result:
    return {"ResourceServer": _server(call, params)[1]}


@service.operation(**ADMIN)
def UpdateResourceServer(call: Call, params: Params) -> Result:
    pool, _ = _server(call, params)
    server = _described(pool, params)
    pools(call).records.put_server(pool.id, params["Identifier"], server)
    return {"ResourceServer": server}


@service.operation(**ADMIN)
def DeleteResourceServer(call: Call, params: Params) -> Result:
    pool, _ = _server(call, params)
    pools(call).records.delete_server(pool.id, params["Identifier"])
    return None


@service.operation(**ADMIN_READ)
def ListResourceServers(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    found, token = page(pools(call).records.servers(pool.id), params, "MaxResults", "NextToken", 50)
    return {"ResourceServers": found} | ({"NextToken": token} if token else {})
