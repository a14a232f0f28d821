"""AWS::DAX:: types."""

import asyncio
import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter, listed, pick

_CLUSTER = (
    "NodeType", "ReplicationFactor", "Description", "AvailabilityZones", "SubnetGroupName",
    "SecurityGroupIds", "PreferredMaintenanceWindow", "NotificationTopicARN", "IAMRoleARN",
    "ParameterGroupName", "ClusterEndpointEncryptionType", "NetworkType",
)  # fmt: skip
_RENAMED = {"NotificationTopicARN": "NotificationTopicArn", "IAMRoleARN": "IamRoleArn"}
_LIVE = (
    "Description",
    "PreferredMaintenanceWindow",
    "NotificationTopicARN",
    "ParameterGroupName",
    "SecurityGroupIds",
)
_CLUSTER_NAME = 20


def _unique(ctx: Context, longest: int = 255) -> str:
    """Shortening may leave two hyphens beside each other, which DAX's names cannot have."""
    return re.sub("-+", "-", ctx.unique_name(longest, lower=True))


async def create_cluster(ctx: Context, props: Props) -> Resource:
    name = text(props.get("ClusterName") or _unique(ctx, _CLUSTER_NAME)).lower()
    given = {_RENAMED.get(key, key): props[key] for key in _CLUSTER if key in props}
    if (encryption := props.get("SSESpecification")) is not None:
        given["SSESpecification"] = {"Enabled": encryption.get("SSEEnabled", False)}
    await ctx.call("dax", "CreateCluster", ClusterName=name, Tags=listed(ctx.tags_of(props)), **given)
    ctx.created(name)
    return Resource(name, await _available(ctx, name))


async def _available(ctx: Context, name: str) -> Attributes:
    """The attributes of the cluster, once it serves."""
    while True:
        found = (await ctx.call("dax", "DescribeClusters", ClusterNames=[name]))["Clusters"][0]
        if found["Status"] == "available":
            endpoint = found["ClusterDiscoveryEndpoint"]
            return {
                "Arn": found["ClusterArn"],
                "ClusterDiscoveryEndpoint": f"{endpoint['Address']}:{endpoint['Port']}",
                "ClusterDiscoveryEndpointURL": endpoint["URL"],
            }
        await asyncio.sleep(0.02)


async def update_cluster(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    changed = {_RENAMED.get(key, key): new[key] for key in _LIVE if key in new and new[key] != old.get(key)}
    if changed:
        await ctx.call("dax", "UpdateCluster", ClusterName=physical_id, **changed)
        await _available(ctx, physical_id)
    await _resize(ctx, physical_id, new)
    gone, now = ctx.retags(old, new)
    there = {
        tag["Key"] for tag in (await ctx.call("dax", "ListTags", ResourceName=attributes["Arn"]))["Tags"]
    }
    if gone := [key for key in gone if key in there]:
        await ctx.call("dax", "UntagResource", ResourceName=attributes["Arn"], TagKeys=gone)
    if now:
        await ctx.call("dax", "TagResource", ResourceName=attributes["Arn"], Tags=listed(now))
    return Resource(physical_id, await _available(ctx, physical_id))


async def _resize(ctx: Context, name: str, props: Props) -> None:
    """Compared with what is there, for an update may run twice."""
    found = (await ctx.call("dax", "DescribeClusters", ClusterNames=[name]))["Clusters"][0]
    wanted, current = int(text(props["ReplicationFactor"])), found["TotalNodes"]
    if wanted == current:
        return
    params: dict[str, Any] = {"ClusterName": name, "NewReplicationFactor": wanted}
    await ctx.call("dax", f"{'Increase' if wanted > current else 'Decrease'}ReplicationFactor", **params)
    await _available(ctx, name)


async def delete_cluster(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("dax", "DeleteCluster", ClusterName=physical_id)
    while True:
        try:
            await ctx.call("dax", "DescribeClusters", ClusterNames=[physical_id])
        except AwsError as error:
            if error.code == "ClusterNotFoundFault":
                return
            raise
        await asyncio.sleep(0.02)


register(
    Provider(
        "AWS::DAX::Cluster",
        create=create_cluster,
        update=update_cluster,
        delete=delete_cluster,
        properties=frozenset({*_CLUSTER, "ClusterName", "SSESpecification", "Tags"}),
        required=frozenset({"IAMRoleARN", "NodeType", "ReplicationFactor"}),
        replace_on=frozenset(
            {
                "AvailabilityZones", "ClusterEndpointEncryptionType", "ClusterName", "IAMRoleARN",
                "NetworkType", "NodeType", "SSESpecification", "SubnetGroupName",
            }
        ),
        name_property="ClusterName",
        attributes=frozenset({"Arn", "ClusterDiscoveryEndpoint", "ClusterDiscoveryEndpointURL"}),
        nested={"SSESpecification": frozenset({"SSEEnabled"})},
    )
)  # fmt: skip


# AWS::DAX::ParameterGroup


async def create_parameter_group(ctx: Context, props: Props) -> Resource:
    name = text(props.get("ParameterGroupName") or _unique(ctx)).lower()
    given = pick(props, ("Description",))
    await ctx.call("dax", "CreateParameterGroup", ParameterGroupName=name, **given)
    ctx.created(name)
    await _set_parameters(ctx, name, props)
    return Resource(name)


async def _set_parameters(ctx: Context, name: str, props: Props) -> None:
    values = props.get("ParameterNameValues") or {}
    if values:
        listed = [{"ParameterName": key, "ParameterValue": text(value)} for key, value in values.items()]
        await ctx.call("dax", "UpdateParameterGroup", ParameterGroupName=name, ParameterNameValues=listed)


async def update_parameter_group(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    if old.get("ParameterNameValues") != new.get("ParameterNameValues"):
        await _set_parameters(ctx, physical_id, new)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::DAX::ParameterGroup",
        create=create_parameter_group,
        update=update_parameter_group,
        delete=deleter("dax", "DeleteParameterGroup", "ParameterGroupName"),
        properties=frozenset({"ParameterGroupName", "Description", "ParameterNameValues"}),
        replace_on=frozenset({"ParameterGroupName", "Description"}),
        name_property="ParameterGroupName",
        attributes=frozenset(),
    )
)


# AWS::DAX::SubnetGroup


async def create_subnet_group(ctx: Context, props: Props) -> Resource:
    name = text(props.get("SubnetGroupName") or _unique(ctx)).lower()
    given = pick(props, ("Description", "SubnetIds"))
    await ctx.call("dax", "CreateSubnetGroup", SubnetGroupName=name, **given)
    return Resource(name)


async def update_subnet_group(
    ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
) -> Resource:
    given = pick(new, ("Description", "SubnetIds"))
    await ctx.call("dax", "UpdateSubnetGroup", SubnetGroupName=physical_id, **given)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::DAX::SubnetGroup",
        create=create_subnet_group,
        update=update_subnet_group,
        delete=deleter("dax", "DeleteSubnetGroup", "SubnetGroupName"),
        properties=frozenset({"SubnetGroupName", "Description", "SubnetIds"}),
        required=frozenset({"SubnetIds"}),
        replace_on=frozenset({"SubnetGroupName"}),
        name_property="SubnetGroupName",
        attributes=frozenset(),
    )
)
