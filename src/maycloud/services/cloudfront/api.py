"""CloudFront's operations. Global: one endpoint, signed for us-east-1, ARNs without a region."""

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.cloudfront import access_controls, distributions, invalidations, policies, tags
from maycloud.services.cloudfront.common import items, names
from maycloud.services.cloudfront.policies import CACHE, ORIGIN_REQUEST, RESPONSE_HEADERS
from maycloud.services.cloudfront.store import CloudFront

service = Service("cloudfront", state=CloudFront, denied="AccessDenied")


def _named(call: Call, params: Params) -> str:
    return params["Resource"]


# Distributions


@service.operation(resource=lambda call, _: f"arn:aws:cloudfront::{call.account}:distribution/*")
def CreateDistribution(call: Call, params: Params) -> Result:
    return distributions.create(call, params["DistributionConfig"], [])


@service.operation(
    checks=lambda call, _: [
        ("cloudfront:CreateDistribution", f"arn:aws:cloudfront::{call.account}:distribution/*"),
        ("cloudfront:TagResource", f"arn:aws:cloudfront::{call.account}:distribution/*"),
    ]
)
def CreateDistributionWithTags(call: Call, params: Params) -> Result:
    given = params["DistributionConfigWithTags"]
    return distributions.create(call, given["DistributionConfig"], items(given["Tags"]))


@service.operation(resource=names("distribution"))
def GetDistribution(call: Call, params: Params) -> Result:
    return distributions.get(call, params)


@service.operation(resource=names("distribution"))
def GetDistributionConfig(call: Call, params: Params) -> Result:
    return distributions.get_config(call, params)


@service.operation(resource=names("distribution"))
def UpdateDistribution(call: Call, params: Params) -> Result:
    return distributions.update(call, params)


@service.operation(resource=names("distribution"))
def DeleteDistribution(call: Call, params: Params) -> Result:
    return distributions.delete(call, params)


@service.operation
def ListDistributions(call: Call, params: Params) -> Result:
    return distributions.list_all(call, params)


@service.operation
def ListDistributionsByCachePolicyId(call: Call, params: Params) -> Result:
    return distributions.list_by_policy(call, CACHE, params)


@service.operation
def ListDistributionsByOriginRequestPolicyId(call: Call, params: Params) -> Result:
    return distributions.list_by_policy(call, ORIGIN_REQUEST, params)


@service.operation
def ListDistributionsByResponseHeadersPolicyId(call: Call, params: Params) -> Result:
    return distributions.list_by_policy(call, RESPONSE_HEADERS, params)


# Invalidations


@service.operation(resource=names("distribution", "DistributionId"))
def CreateInvalidation(call: Call, params: Params) -> Result:
    return invalidations.create(call, params)


@service.operation(resource=names("distribution", "DistributionId"))
def GetInvalidation(call: Call, params: Params) -> Result:
    return invalidations.get(call, params)


@service.operation(resource=names("distribution", "DistributionId"))
def ListInvalidations(call: Call, params: Params) -> Result:
    return invalidations.list_all(call, params)


# Tags


@service.operation(resource=_named)
def TagResource(call: Call, params: Params) -> Result:
    return tags.tag(call, params)


@service.operation(resource=_named)
def UntagResource(call: Call, params: Params) -> Result:
    return tags.untag(call, params)


@service.operation(resource=_named)
def ListTagsForResource(call: Call, params: Params) -> Result:
    return tags.list_tags(call, params)


# Origin access controls and identities


@service.operation
def CreateOriginAccessControl(call: Call, params: Params) -> Result:
    return access_controls.create_control(call, params)


@service.operation(resource=names("origin-access-control"))
def GetOriginAccessControl(call: Call, params: Params) -> Result:
    return access_controls.get_control(call, params)


@service.operation(resource=names("origin-access-control"))
def GetOriginAccessControlConfig(call: Call, params: Params) -> Result:
    return access_controls.get_control_config(call, params)


@service.operation(resource=names("origin-access-control"))
def UpdateOriginAccessControl(call: Call, params: Params) -> Result:
    return access_controls.update_control(call, params)


@service.operation(resource=names("origin-access-control"))
def DeleteOriginAccessControl(call: Call, params: Params) -> Result:
    return access_controls.delete_control(call, params)


@service.operation
def ListOriginAccessControls(call: Call, params: Params) -> Result:
    return access_controls.list_controls(call, params)


@service.operation
def CreateCloudFrontOriginAccessIdentity(call: Call, params: Params) -> Result:
    return access_controls.create_identity(call, params)


@service.operation(resource=names("origin-access-identity"))
def GetCloudFrontOriginAccessIdentity(call: Call, params: Params) -> Result:
    return access_controls.get_identity(call, params)


@service.operation(resource=names("origin-access-identity"))
def GetCloudFrontOriginAccessIdentityConfig(call: Call, params: Params) -> Result:
    return access_controls.get_identity_config(call, params)


@service.operation(resource=names("origin-access-identity"))
def UpdateCloudFrontOriginAccessIdentity(call: Call, params: Params) -> Result:
    return access_controls.update_identity(call, params)


@service.operation(resource=names("origin-access-identity"))
def DeleteCloudFrontOriginAccessIdentity(call: Call, params: Params) -> Result:
    return access_controls.delete_identity(call, params)


@service.operation
def ListCloudFrontOriginAccessIdentities(call: Call, params: Params) -> Result:
    return access_controls.list_identities(call, params)


# Policies


@service.operation
def CreateCachePolicy(call: Call, params: Params) -> Result:
    return policies.create(call, CACHE, params)


@service.operation(resource=names("cache-policy"))
def GetCachePolicy(call: Call, params: Params) -> Result:
    return policies.get(call, CACHE, params)


@service.operation(resource=names("cache-policy"))
def UpdateCachePolicy(call: Call, params: Params) -> Result:
    return policies.update(call, CACHE, params)


@service.operation(resource=names("cache-policy"))
def DeleteCachePolicy(call: Call, params: Params) -> Result:
    return policies.delete(call, CACHE, params)


@service.operation(resource=names("cache-policy"))
def GetCachePolicyConfig(call: Call, params: Params) -> Result:
    return policies.get_config(call, CACHE, params)


@service.operation
def ListCachePolicies(call: Call, params: Params) -> Result:
    return policies.list_all(call, CACHE, params)


@service.operation
def CreateOriginRequestPolicy(call: Call, params: Params) -> Result:
    return policies.create(call, ORIGIN_REQUEST, params)


@service.operation(resource=names("origin-request-policy"))
def GetOriginRequestPolicy(call: Call, params: Params) -> Result:
    return policies.get(call, ORIGIN_REQUEST, params)


@service.operation(resource=names("origin-request-policy"))
def UpdateOriginRequestPolicy(call: Call, params: Params) -> Result:
    return policies.update(call, ORIGIN_REQUEST, params)


@service.operation(resource=names("origin-request-policy"))
def DeleteOriginRequestPolicy(call: Call, params: Params) -> Result:
    return policies.delete(call, ORIGIN_REQUEST, params)


@service.operation(resource=names("origin-request-policy"))
def GetOriginRequestPolicyConfig(call: Call, params: Params) -> Result:
    return policies.get_config(call, ORIGIN_REQUEST, params)


@service.operation
def ListOriginRequestPolicies(call: Call, params: Params) -> Result:
    return policies.list_all(call, ORIGIN_REQUEST, params)


@service.operation
def CreateResponseHeadersPolicy(call: Call, params: Params) -> Result:
    return policies.create(call, RESPONSE_HEADERS, params)


@service.operation(resource=names("response-headers-policy"))
def GetResponseHeadersPolicy(call: Call, params: Params) -> Result:
    return policies.get(call, RESPONSE_HEADERS, params)


@service.operation(resource=names("response-headers-policy"))
def UpdateResponseHeadersPolicy(call: Call, params: Params) -> Result:
    return policies.update(call, RESPONSE_HEADERS, params)


@service.operation(resource=names("response-headers-policy"))
def DeleteResponseHeadersPolicy(call: Call, params: Params) -> Result:
    return policies.delete(call, RESPONSE_HEADERS, params)


@service.operation(resource=names("response-headers-policy"))
def GetResponseHeadersPolicyConfig(call: Call, params: Params) -> Result:
    return policies.get_config(call, RESPONSE_HEADERS, params)


@service.operation
def ListResponseHeadersPolicies(call: Call, params: Params) -> Result:
    return policies.list_all(call, RESPONSE_HEADERS, params)
