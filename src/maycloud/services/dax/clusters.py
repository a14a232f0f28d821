"""Clusters: created, described, changed, deleted.

Errors as botocore's model of DAX and moto's tests/test_dax/test_dax.py have them, answers as in the AWS CLI's
examples (awscli/examples/dax).
"""

import os
import re
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.dax import groups
from maycloud.services.dax.caches import is_node_type
from maycloud.services.dax.paging import check_name, invalid, page
from maycloud.services.dax.state import DEFAULT_GROUP
from maycloud.services.dax.store import Document

MOST_NODES = 10
MOST_CLUSTERS = 50  # of an account in a region
MOST_TAGS = 50
SERVICE = "dax.amazonaws.com"

_ARN_PARTS = (
    "Second colon partition not found", "Third colon vendor not found",
    "Fourth colon (region/namespace delimiter) not found",
    "Fifth colon (namespace/relative-id delimiter) not found",
)  # fmt: skip
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_WINDOW = re.compile(r"((mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d(-(?!$)|$)){2}")
_USUAL_WINDOW = "thu:23:30-fri:00:30"


def arn_of(call: Call, name: str) -> str:
    return f"arn:aws:dax:{call.region}:{call.account}:cache/{name.lower()}"


def cluster_arn(call: Call, params: Params) -> str:
    return arn_of(call, params["ClusterName"])


def tagged_arn(_call: Call, params: Params) -> str:
    return params["ResourceName"]


def describe_checks(call: Call, params: Params) -> list[tuple[str, str]]:
    names = params.get("ClusterNames") or ["*"]
    return [("dax:DescribeClusters", arn_of(call, name)) for name in names]


def find(call: Call, name: str) -> Document:
    found = call.state.stored.clusters.get(call.scope, name.lower())
    if found is None:
        raise AwsError("ClusterNotFoundFault", "Cluster not found.")
    return found


def _available(call: Call, name: str) -> Document:
    """The cluster, of which something is to change."""
    cluster = find(call, name)
    if cluster["Status"] != "available":
        raise AwsError("InvalidClusterStateFault", f"Cluster {cluster['Name']} is not in available state.")
    return cluster


def _save(call: Call, cluster: Document) -> dict[str, Any]:
    call.state.stored.clusters.put(call.scope, cluster["Name"], cluster)
    return {"Cluster": describe(call, cluster)}


def create_cluster(call: Call, params: Params) -> Result:
    name = check_name("Cluster ID", params["ClusterName"], 20)
    _check_role(call, params["IamRoleArn"])
    if not is_node_type(params["NodeType"]):
        raise invalid(f"Invalid node type: {params['NodeType']}.")
    factor = params["ReplicationFactor"]
    if not 1 <= factor <= MOST_NODES:
        raise invalid(f"Replication factor must be between 1 and {MOST_NODES}.")
    _check_zones(params, factor)
    _check_window(params)
    group = params.get("ParameterGroupName", DEFAULT_GROUP).lower()
    groups.find_parameter_group(call, group)
    subnets = params.get("SubnetGroupName", groups.DEFAULT_SUBNETS).lower()
    groups.find_subnet_group(call, subnets)
    tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    _check_tags(tags)
    clusters = call.state.stored.clusters
    if clusters.get(call.scope, name) is not None:
        raise AwsError("ClusterAlreadyExistsFault", "Cluster already exists.")
    if len(clusters.items(call.scope)) >= MOST_CLUSTERS:
        raise AwsError("ClusterQuotaForCustomerExceededFault", "Cluster quota for the customer is exceeded.")
    cluster: Document = {
        "Name": name,
        "Id": os.urandom(8).hex(),  # unlike the name never used again
        "Arn": arn_of(call, name),
        "Description": params.get("Description", ""),
        "NodeType": params["NodeType"],
        "Status": "creating",
        "IamRoleArn": params["IamRoleArn"],
        "ParameterGroup": group,
        "SubnetGroup": subnets,
        "SecurityGroups": params.get("SecurityGroupIds") or ["sg-default"],
        "Window": params.get("PreferredMaintenanceWindow", _USUAL_WINDOW).lower(),
        "Encryption": params.get("ClusterEndpointEncryptionType", "NONE"),
        "NetworkType": params.get("NetworkType", "ipv4"),
        "SSE": bool(params.get("SSESpecification", {}).get("Enabled")),
        "Tags": tags,
        "Nodes": [],
    }
    if topic := params.get("NotificationTopicArn"):
        cluster["Notification"] = {"TopicArn": topic, "TopicStatus": "active"}
    _add_nodes(call, cluster, factor, params.get("AvailabilityZones"))
    call.state.settle(call.scope, name)
    return _save(call, cluster)


def _check_role(call: Call, role: str) -> None:
    """The caller must be allowed to pass the role, and DAX to assume it."""
    if not role.startswith("arn:"):
        raise invalid(f"ARNs must start with 'arn:': {role}")
    if (colons := role.count(":")) <= len(_ARN_PARTS):
        raise invalid(f"{_ARN_PARTS[colons - 1]}: {role}")
    if not _ROLE.fullmatch(role):
        raise invalid(f"The IAM role ARN is not valid: {role}")
    call.authorize("iam:PassRole", role, {"iam:PassedToService": SERVICE})
    try:
        call.cloud.access.identities.role_session(role, "dax", 3600.0, SERVICE)
    except AwsError as error:
        raise invalid(f"No permission to assume role: {role}") from error


def _check_zones(params: Params, factor: int) -> None:
    zones = params.get("AvailabilityZones")
    if zones is not None and len(zones) != factor:
        raise AwsError(
            "InvalidParameterCombinationException",
            "The number of Availability Zones must equal the replication factor.",
        )


def _check_window(params: Params) -> None:
    window = params.get("PreferredMaintenanceWindow")
    if window is not None and not _WINDOW.fullmatch(window.lower()):
        raise invalid(f"Invalid maintenance window: {window}. It has the format ddd:hh24:mi-ddd:hh24:mi.")


def _add_nodes(call: Call, cluster: Document, factor: int, zones: list[str] | None) -> None:
    taken = {node["Id"] for node in cluster["Nodes"]}
    letters = (
        letter for letter in "abcdefghijklmnopqrstuvwxyz" if f"{cluster['Name']}-{letter}" not in taken
    )
    for place in range(factor - len(cluster["Nodes"])):
        zone = zones[place] if zones else f"{call.region}{'abc'[len(cluster['Nodes']) % 3]}"
        cluster["Nodes"].append(
            {
                "Id": f"{cluster['Name']}-{next(letters)}",
                "Created": call.now(),
                "Zone": zone,
                "Status": "creating",
            }
        )


def describe(call: Call, cluster: Document) -> dict[str, Any]:
    """As AWS answers it: endpoints only where they are there already."""
    status = cluster["Status"]
    nodes = [] if status in ("creating", "deleting") else cluster["Nodes"]
    removed = cluster.get("Removed", [])
    found: dict[str, Any] = {
        "ClusterName": cluster["Name"],
        **({"Description": cluster["Description"]} if cluster["Description"] else {}),
        "ClusterArn": cluster["Arn"],
        "TotalNodes": len(cluster["Nodes"]),
        "ActiveNodes": sum(node["Status"] == "available" for node in nodes),
        "NodeType": cluster["NodeType"],
        "Status": status,
        "PreferredMaintenanceWindow": cluster["Window"],
        "SubnetGroup": cluster["SubnetGroup"],
        "SecurityGroups": [
            {"SecurityGroupIdentifier": each, "Status": "active"} for each in cluster["SecurityGroups"]
        ],
        "IamRoleArn": cluster["IamRoleArn"],
        "ParameterGroup": {
            "ParameterGroupName": cluster["ParameterGroup"],
            "ParameterApplyStatus": "in-sync",
            "NodeIdsToReboot": [],
        },
        "SSEDescription": {"Status": "ENABLED" if cluster["SSE"] else "DISABLED"},
        "ClusterEndpointEncryptionType": cluster["Encryption"],
        "NetworkType": cluster["NetworkType"],
    }
    if "Notification" in cluster:
        found["NotificationConfiguration"] = cluster["Notification"]
    if removed:
        found["NodeIdsToRemove"] = removed
    if status != "creating" and "Port" in cluster:
        host, port = call.state.host, cluster["Port"]
        scheme = "daxs" if cluster["Encryption"] == "TLS" else "dax"
        found["ClusterDiscoveryEndpoint"] = {
            "Address": host,
            "Port": port,
            "URL": f"{scheme}://{host}:{port}",
        }
    if nodes and "Port" in cluster:
        host, port = call.state.host, cluster["Port"]
        # All nodes are served by one, see docs/decisions.md.
        found["Nodes"] = [
            {"NodeId": node["Id"], "NodeStatus": node["Status"]}
            if node["Status"] == "creating"
            else {
                "NodeId": node["Id"],
                "Endpoint": {"Address": host, "Port": port},
                "NodeCreateTime": datetime.fromtimestamp(node["Created"], UTC),
                "AvailabilityZone": node["Zone"],
                "NodeStatus": node["Status"],
                "ParameterGroupStatus": "in-sync",
            }
            for node in nodes
        ]
    return found


def _named(call: Call, name: str) -> Document:
    found = call.state.stored.clusters.get(call.scope, check_name("Cluster ID", name, 255))
    if found is None:
        raise AwsError("ClusterNotFoundFault", f"Cluster {name} not found.")
    return found


def describe_clusters(call: Call, params: Params) -> Result:
    names = params.get("ClusterNames")
    if names:
        found = [_named(call, name) for name in names]
    else:
        found = [cluster for _, cluster in call.state.stored.clusters.items(call.scope)]
    return page(params, "Clusters", [describe(call, cluster) for cluster in found])


def update_cluster(call: Call, params: Params) -> Result:
    cluster = _available(call, params["ClusterName"])
    _check_window(params)
    if "ParameterGroupName" in params:
        group = params["ParameterGroupName"].lower()
        groups.find_parameter_group(call, group)
        cluster["ParameterGroup"] = group
    for given, kept in (
        ("Description", "Description"),
        ("PreferredMaintenanceWindow", "Window"),
        ("SecurityGroupIds", "SecurityGroups"),
    ):
        if given in params:
            cluster[kept] = params[given]
    topic = {
        name: params[f"Notification{name}"]
        for name in ("TopicArn", "TopicStatus")
        if f"Notification{name}" in params
    }
    if topic:
        cluster["Notification"] = {"TopicStatus": "active"} | cluster.get("Notification", {}) | topic
    cluster["Status"] = "modifying"
    call.state.settle(call.scope, cluster["Name"])
    return _save(call, cluster)


def delete_cluster(call: Call, params: Params) -> Result:
    cluster = _available(call, params["ClusterName"])
    cluster["Status"] = "deleting"
    call.state.delete(call.scope, cluster["Name"], cluster)
    return _save(call, cluster)


def increase_replication_factor(call: Call, params: Params) -> Result:
    cluster = _available(call, params["ClusterName"])
    wanted, zones = params["NewReplicationFactor"], params.get("AvailabilityZones")
    added = wanted - len(cluster["Nodes"])
    if added <= 0:
        raise invalid("New replication factor must be greater than the current one.")
    if wanted > MOST_NODES:
        raise AwsError("NodeQuotaForClusterExceededFault", f"A cluster has at most {MOST_NODES} nodes.")
    _check_zones(params, added)
    _add_nodes(call, cluster, wanted, zones)
    cluster["Status"] = "modifying"
    call.state.settle(call.scope, cluster["Name"])
    return _save(call, cluster)


def decrease_replication_factor(call: Call, params: Params) -> Result:
    cluster = _available(call, params["ClusterName"])
    nodes, wanted = cluster["Nodes"], params["NewReplicationFactor"]
    if not 1 <= wanted < len(nodes):
        raise invalid("New replication factor must be less than the current one, and at least 1.")
    zones, chosen = params.get("AvailabilityZones"), params.get("NodeIdsToRemove")
    removed = len(nodes) - wanted
    if chosen:
        if len(set(chosen)) != removed:
            raise invalid("NodeIdsToRemove must name as many nodes as are to be removed.")
        if unknown := set(chosen) - {node["Id"] for node in nodes}:
            raise AwsError("NodeNotFoundFault", f"Node not found: {min(unknown)}")
    else:
        candidates = [node["Id"] for node in nodes[1:] if not zones or node["Zone"] in zones]
        if len(candidates) < removed:
            raise invalid("There are not enough nodes in the Availability Zones given.")
        chosen = candidates[-removed:]
    cluster["Removed"] = list(chosen)  # once the cluster has settled
    cluster["Status"] = "modifying"
    call.state.settle(call.scope, cluster["Name"])
    return _save(call, cluster)


def reboot_node(call: Call, params: Params) -> Result:
    """The caches keep what they hold, as AWS says of a reboot."""
    cluster = _available(call, params["ClusterName"])
    for node in cluster["Nodes"]:
        if node["Id"] == params["NodeId"]:
            node["Status"] = "rebooting"
            break
    else:
        raise AwsError("NodeNotFoundFault", "Node not found.")
    call.state.stored.say(call.scope, "CLUSTER", cluster["Name"], f"Cache node {params['NodeId']} restarted.")
    call.state.settle(call.scope, cluster["Name"])
    return _save(call, cluster)


# Tags


def _tagged(call: Call, params: Params) -> Document:
    arn = params["ResourceName"]
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "dax" or not parts[5].startswith("cache/"):
        raise AwsError("InvalidARNFault", f"Invalid ARN: {arn}")
    cluster = call.state.stored.clusters.get((parts[4], parts[3]), parts[5].removeprefix("cache/"))
    if cluster is None or (parts[4], parts[3]) != call.scope:
        raise AwsError("ClusterNotFoundFault", "Cluster not found.")
    return cluster


def _check_tags(tags: dict[str, str]) -> None:
    if len(tags) > MOST_TAGS:
        raise AwsError("TagQuotaPerResourceExceeded", f"A resource can have at most {MOST_TAGS} tags.")
    for key in tags:
        if not 1 <= len(key) <= 128 or key.lower().startswith("aws:"):
            raise invalid(f"Invalid tag key: {key}")


def _shown(cluster: Document) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in cluster["Tags"].items()]


def tag_resource(call: Call, params: Params) -> Result:
    cluster = _tagged(call, params)
    cluster["Tags"] |= {tag["Key"]: tag.get("Value", "") for tag in params["Tags"]}
    _check_tags(cluster["Tags"])
    _save(call, cluster)
    return {"Tags": _shown(cluster)}


def untag_resource(call: Call, params: Params) -> Result:
    cluster = _tagged(call, params)
    for key in params["TagKeys"]:
        if cluster["Tags"].pop(key, None) is None:
            raise AwsError("TagNotFoundFault", f"Tag not found: {key}")
    _save(call, cluster)
    return {"Tags": _shown(cluster)}


def list_tags(call: Call, params: Params) -> Result:
    return page(params, "Tags", _shown(_tagged(call, params)))
