"""AWS::CloudFront:: types."""

from collections.abc import Callable
from typing import Any

from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.cloudfront_shapes import (
    CACHE_POLICY,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
    distribution_config,
    names,
    translate,
)
from maycloud.services.cloudformation.providers.parts import listed

_POLL = 0.1  # seconds of the cloud's clock

# Distributions


async def _deployed(ctx: Context, id_: str) -> dict[str, Any]:
    """A distribution is complete when it is deployed, as on AWS. Gives the last answer."""
    while True:
        found = await ctx.call("cloudfront", "GetDistribution", Id=id_)
        if found["Distribution"]["Status"] == "Deployed":
            return found
        await ctx.cloud.store.clock.sleep(_POLL)


async def create_distribution(ctx: Context, props: Props) -> Resource:
    config = distribution_config(props["DistributionConfig"], ctx.unique_name(max_length=128))
    made = await ctx.call(
        "cloudfront",
        "CreateDistributionWithTags",
        DistributionConfigWithTags={
            "DistributionConfig": config,
            "Tags": {"Items": listed(ctx.tags_of(props))},
        },
    )
    found = made["Distribution"]
    attributes = {"DomainName": found["DomainName"], "Id": found["Id"]}
    ctx.created(found["Id"], attributes)
    await _deployed(ctx, found["Id"])
    return Resource(found["Id"], attributes)


async def update_distribution(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    now = await ctx.call("cloudfront", "GetDistributionConfig", Id=physical_id)
    reference = now["DistributionConfig"]["CallerReference"]
    if old["DistributionConfig"] != new["DistributionConfig"]:
        config = distribution_config(new["DistributionConfig"], reference)
        await ctx.call(
            "cloudfront", "UpdateDistribution", Id=physical_id, IfMatch=now["ETag"], DistributionConfig=config
        )
    arn = f"arn:aws:cloudfront::{ctx.account}:distribution/{physical_id}"
    gone, after = ctx.retags(old, new)
    if gone:
        await ctx.call("cloudfront", "UntagResource", Resource=arn, TagKeys={"Items": gone})
    if after:
        await ctx.call("cloudfront", "TagResource", Resource=arn, Tags={"Items": listed(after)})
    await _deployed(ctx, physical_id)
    return Resource(physical_id, attributes)


async def delete_distribution(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """Disabled first, deleted when that is deployed."""
    found = await ctx.call("cloudfront", "GetDistributionConfig", Id=physical_id)
    if found["DistributionConfig"]["Enabled"]:
        await ctx.call(
            "cloudfront",
            "UpdateDistribution",
            Id=physical_id,
            IfMatch=found["ETag"],
            DistributionConfig=found["DistributionConfig"] | {"Enabled": False},
        )
    last = await _deployed(ctx, physical_id)
    await ctx.call("cloudfront", "DeleteDistribution", Id=physical_id, IfMatch=last["ETag"])


register(
    Provider(
        "AWS::CloudFront::Distribution",
        create=create_distribution,
        update=update_distribution,
        delete=delete_distribution,
        properties=frozenset({"DistributionConfig", "Tags"}),
        required=frozenset({"DistributionConfig"}),
        attributes=frozenset({"DomainName", "Id"}),
    )
)

# Policies, access controls and identities: one configuration each, under an entity tag


def _configured(
    noun: str,
    config_of: Callable[[Context, Props], dict[str, Any]],
    attributes_of: Callable[[dict[str, Any]], Attributes],
    attributes: frozenset[str],
) -> None:
    """Register the type of a resource that `noun` names in the API: Create…, Update…, Delete…."""
    member = f"{noun}Config"

    async def create(ctx: Context, props: Props) -> Resource:
        made = await ctx.call("cloudfront", f"Create{noun}", **{member: config_of(ctx, props)})
        found = made[noun]
        return Resource(found["Id"], attributes_of(found))

    async def update(
        ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
    ) -> Resource:
        now = await ctx.call("cloudfront", f"Get{noun}Config", Id=physical_id)
        config = config_of(ctx, new)
        if "CallerReference" in now[member]:
            config["CallerReference"] = now[member]["CallerReference"]
        done = await ctx.call(
            "cloudfront", f"Update{noun}", Id=physical_id, IfMatch=now["ETag"], **{member: config}
        )
        return Resource(physical_id, attributes_of(done[noun]))

    async def delete(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
        now = await ctx.call("cloudfront", f"Get{noun}Config", Id=physical_id)
        await ctx.call("cloudfront", f"Delete{noun}", Id=physical_id, IfMatch=now["ETag"])

    register(
        Provider(
            f"AWS::CloudFront::{noun}",
            create=create,
            update=update,
            delete=delete,
            properties=frozenset({member}),
            required=frozenset({member}),
            attributes=attributes,
        )
    )


def _dated(found: dict[str, Any]) -> Attributes:
    return {"Id": found["Id"], "LastModifiedTime": found["LastModifiedTime"].isoformat()}


for _noun, _shape in (
    ("CachePolicy", CACHE_POLICY),
    ("OriginRequestPolicy", ORIGIN_REQUEST_POLICY),
    ("ResponseHeadersPolicy", RESPONSE_HEADERS_POLICY),
):
    _configured(
        _noun,
        lambda _ctx, props, noun=_noun, shape=_shape: translate(
            props[f"{noun}Config"], shape, f"/{noun}Config"
        ),
        _dated,
        frozenset({"Id", "LastModifiedTime"}),
    )

_CONTROL = names("Name", "Description", "SigningProtocol", "SigningBehavior", "OriginAccessControlOriginType")

_configured(
    "OriginAccessControl",
    lambda _ctx, props: translate(props["OriginAccessControlConfig"], _CONTROL, "/OriginAccessControlConfig"),
    lambda found: {"Id": found["Id"]},
    frozenset({"Id"}),
)

_configured(
    "CloudFrontOriginAccessIdentity",
    lambda ctx, props: (
        translate(
            props["CloudFrontOriginAccessIdentityConfig"],
            names("Comment"),
            "/CloudFrontOriginAccessIdentityConfig",
        )
        | {"CallerReference": ctx.unique_name(max_length=128)}
    ),
    lambda found: {"Id": found["Id"], "S3CanonicalUserId": found["S3CanonicalUserId"]},
    frozenset({"Id", "S3CanonicalUserId"}),
)
