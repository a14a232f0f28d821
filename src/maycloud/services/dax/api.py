"""Amazon DynamoDB Accelerator's management operations. The data plane is in `server.py`."""

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.dax import clusters, groups
from maycloud.services.dax.state import Dax
from maycloud.services.dax.store import SCHEMA

service = Service("dax", state=Dax, schema=SCHEMA)


# Clusters


@service.operation(resource=clusters.cluster_arn)
def CreateCluster(call: Call, params: Params) -> Result:
    return clusters.create_cluster(call, params)


@service.operation(checks=clusters.describe_checks, atomic=False)
def DescribeClusters(call: Call, params: Params) -> Result:
    return clusters.describe_clusters(call, params)


@service.operation(resource=clusters.cluster_arn)
def UpdateCluster(call: Call, params: Params) -> Result:
    return clusters.update_cluster(call, params)


@service.operation(resource=clusters.cluster_arn)
def DeleteCluster(call: Call, params: Params) -> Result:
    return clusters.delete_cluster(call, params)


@service.operation(resource=clusters.cluster_arn)
def IncreaseReplicationFactor(call: Call, params: Params) -> Result:
    return clusters.increase_replication_factor(call, params)


@service.operation(resource=clusters.cluster_arn)
def DecreaseReplicationFactor(call: Call, params: Params) -> Result:
    return clusters.decrease_replication_factor(call, params)


@service.operation(resource=clusters.cluster_arn)
def RebootNode(call: Call, params: Params) -> Result:
    return clusters.reboot_node(call, params)


@service.operation(resource=clusters.tagged_arn)
def TagResource(call: Call, params: Params) -> Result:
    return clusters.tag_resource(call, params)


@service.operation(resource=clusters.tagged_arn)
def UntagResource(call: Call, params: Params) -> Result:
    return clusters.untag_resource(call, params)


@service.operation(resource=clusters.tagged_arn, atomic=False)
def ListTags(call: Call, params: Params) -> Result:
    return clusters.list_tags(call, params)


# Groups


@service.operation
def CreateParameterGroup(call: Call, params: Params) -> Result:
    return groups.create_parameter_group(call, params)


@service.operation(atomic=False)
def DescribeParameterGroups(call: Call, params: Params) -> Result:
    return groups.describe_parameter_groups(call, params)


@service.operation(atomic=False)
def DescribeParameters(call: Call, params: Params) -> Result:
    return groups.describe_parameters(call, params)


@service.operation(atomic=False)
def DescribeDefaultParameters(call: Call, params: Params) -> Result:
    return groups.describe_default_parameters(call, params)


@service.operation
def UpdateParameterGroup(call: Call, params: Params) -> Result:
    return groups.update_parameter_group(call, params)


@service.operation
def DeleteParameterGroup(call: Call, params: Params) -> Result:
    return groups.delete_parameter_group(call, params)


@service.operation
def CreateSubnetGroup(call: Call, params: Params) -> Result:
    return groups.create_subnet_group(call, params)


@service.operation(atomic=False)
def DescribeSubnetGroups(call: Call, params: Params) -> Result:
    return groups.describe_subnet_groups(call, params)


@service.operation
def UpdateSubnetGroup(call: Call, params: Params) -> Result:
    return groups.update_subnet_group(call, params)


@service.operation
def DeleteSubnetGroup(call: Call, params: Params) -> Result:
    return groups.delete_subnet_group(call, params)


# Events


@service.operation(atomic=False)
def DescribeEvents(call: Call, params: Params) -> Result:
    return groups.describe_events(call, params)
