"""DAX's management API and its CloudFormation types, with boto3; TLS; clusters over a restart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import daxes
from running import RunningCloud, kept_place
from waiting import until


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return daxes.role(cloud, "DaxManaged")


@pytest.fixture
def dax(cloud: RunningCloud) -> Any:
    return cloud.client("dax")


def code(operation: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    return str(caught.value.response["Error"]["Code"])


def test_a_clusters_life(cloud: RunningCloud, dax: Any, role: str) -> None:
    """Answers as in the AWS CLI's examples, awscli/examples/dax."""
    made = dax.create_cluster(
        ClusterName="Life", NodeType="dax.r5.large", ReplicationFactor=3, IamRoleArn=role, Description="d"
    )["Cluster"]
    assert (made["ClusterName"], made["Status"], made["TotalNodes"]) == ("life", "creating", 3)
    assert "ClusterDiscoveryEndpoint" not in made
    assert "Nodes" not in made
    found = daxes.available(cloud, "life")
    assert found["ClusterArn"] == "arn:aws:dax:us-east-1:000000000000:cache/life"
    assert found["ActiveNodes"] == 3
    assert [node["NodeId"] for node in found["Nodes"]] == ["life-a", "life-b", "life-c"]
    assert found["ParameterGroup"]["ParameterGroupName"] == "default.dax1.0"
    endpoint = found["ClusterDiscoveryEndpoint"]
    assert endpoint["URL"] == f"dax://{endpoint['Address']}:{endpoint['Port']}"

    less = dax.decrease_replication_factor(
        ClusterName="life", NewReplicationFactor=2, NodeIdsToRemove=["life-b"]
    )["Cluster"]
    assert (less["Status"], less["NodeIdsToRemove"]) == ("modifying", ["life-b"])
    assert (less["TotalNodes"], less["ActiveNodes"], len(less["Nodes"])) == (3, 3, 3)
    assert [node["NodeId"] for node in daxes.available(cloud, "life")["Nodes"]] == ["life-a", "life-c"]
    more = dax.increase_replication_factor(ClusterName="life", NewReplicationFactor=3)["Cluster"]
    assert (more["TotalNodes"], more["ActiveNodes"]) == (3, 2)
    assert more["Nodes"][-1] == {"NodeId": "life-b", "NodeStatus": "creating"}
    assert len(daxes.available(cloud, "life")["Nodes"]) == 3
    rebooted = dax.reboot_node(ClusterName="life", NodeId="life-c")["Cluster"]
    assert "rebooting" in [node["NodeStatus"] for node in rebooted["Nodes"]]
    until(lambda: daxes.available(cloud, "life")["ActiveNodes"] == 3)
    dax.update_cluster(ClusterName="life", Description="changed")
    assert daxes.available(cloud, "life")["Description"] == "changed"

    last = dax.delete_cluster(ClusterName="life")["Cluster"]
    assert (last["Status"], last["ActiveNodes"], "Nodes" in last) == ("deleting", 0, False)
    assert last["ClusterDiscoveryEndpoint"] == endpoint
    until(lambda: not any(each["ClusterName"] == "life" for each in dax.describe_clusters()["Clusters"]))
    with pytest.raises(ClientError, match="NoRoute"), daxes.connected(endpoint["URL"]):
        pass
    said = [event["Message"] for event in dax.describe_events(SourceName="life")["Events"]]
    assert said[0] == "Cluster deleted."
    assert said.count("Removed node life-b.") == 2, "once by itself, once with the cluster"
    assert said[-1] == "Cluster created."


def test_what_a_cluster_cannot_be(cloud: RunningCloud, dax: Any, role: str) -> None:
    good = {"NodeType": "dax.t2.small", "ReplicationFactor": 1, "IamRoleArn": role}
    invalid = "InvalidParameterValueException"
    for name in ("1abc", "a--b", "a-", "a_b", "x" * 21):
        assert code(dax.create_cluster, ClusterName=name, **good) == invalid
    for wrong in (
        {"NodeType": "cache.t2.small"},
        {"ReplicationFactor": 0},
        {"ReplicationFactor": 11},
        {"IamRoleArn": "DaxManaged"},
        {"IamRoleArn": "arn:aws:iam::000000000000:role/NoSuchRole"},
        {"IamRoleArn": daxes.role(cloud, "NotForDax", service="lambda")},
        {"PreferredMaintenanceWindow": "whenever"},
    ):
        assert code(dax.create_cluster, ClusterName="wrong", **good | wrong) == invalid, wrong
    zones = {"AvailabilityZones": ["us-east-1a", "us-east-1b"]}
    assert (
        code(dax.create_cluster, ClusterName="wrong", **good, **zones)
        == "InvalidParameterCombinationException"
    )
    group = {"ParameterGroupName": "none"}
    assert code(dax.create_cluster, ClusterName="wrong", **good, **group) == "ParameterGroupNotFoundFault"
    subnets = {"SubnetGroupName": "none"}
    assert code(dax.create_cluster, ClusterName="wrong", **good, **subnets) == "SubnetGroupNotFoundFault"
    daxes.cluster(cloud, "taken", role)
    assert code(dax.create_cluster, ClusterName="taken", **good) == "ClusterAlreadyExistsFault"
    with pytest.raises(ClientError, match=r"Cluster none not found\."):
        dax.describe_clusters(ClusterNames=["none"])
    assert code(dax.describe_clusters, ClusterNames=["in--valid"]) == invalid
    for operation, params in (
        (dax.describe_clusters, {"ClusterNames": ["none"]}),
        (dax.delete_cluster, {"ClusterName": "none"}),
        (dax.update_cluster, {"ClusterName": "none"}),
        (dax.reboot_node, {"ClusterName": "none", "NodeId": "none-a"}),
    ):
        assert code(operation, **params) == "ClusterNotFoundFault"
    assert code(dax.reboot_node, ClusterName="taken", NodeId="taken-z") == "NodeNotFoundFault"
    more = dax.increase_replication_factor
    assert code(more, ClusterName="taken", NewReplicationFactor=1) == invalid
    assert code(more, ClusterName="taken", NewReplicationFactor=11) == "NodeQuotaForClusterExceededFault"
    assert code(dax.decrease_replication_factor, ClusterName="taken", NewReplicationFactor=0) == invalid


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("n/a", "ARNs must start with 'arn:'"),
        ("arn:sth", "Second colon partition not found"),
        ("arn:sth:aws", "Third colon vendor not found"),
        ("arn:sth:aws:else", "Fourth colon (region/namespace delimiter) not found"),
        ("arn:sth:aws:else:eu-west-1", "Fifth colon (namespace/relative-id delimiter) not found"),
    ],
)
def test_roles_that_are_no_arn(dax: Any, arn: str, words: str) -> None:
    """moto's tests/test_dax/test_dax.py, test_create_cluster_invalid_arn and those after it."""
    with pytest.raises(ClientError) as caught:
        dax.create_cluster(ClusterName="n", NodeType="dax.t2.small", ReplicationFactor=1, IamRoleArn=arn)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValueException", f"{words}: {arn}")


def test_what_there_is_by_default(dax: Any) -> None:
    """awscli/examples/dax: describe-default-parameters.rst and describe-subnet-groups.rst."""
    query, record = dax.describe_default_parameters()["Parameters"]
    assert query == {
        "ParameterName": "query-ttl-millis",
        "ParameterType": "DEFAULT",
        "ParameterValue": "300000",
        "NodeTypeSpecificValues": [],
        "Description": "Duration in milliseconds for queries to remain cached",
        "Source": "user",
        "DataType": "integer",
        "AllowedValues": "0-",
        "IsModifiable": "TRUE",
        "ChangeType": "IMMEDIATE",
    }
    assert record["Description"] == (
        "Duration in milliseconds for records to remain valid in cache (Default: 0 = infinite)"
    )
    (group,) = dax.describe_subnet_groups(SubnetGroupNames=["default"])["SubnetGroups"]
    assert group["Description"] == "Default CacheSubnetGroup"
    made = dax.create_subnet_group(SubnetGroupName="plain", SubnetIds=["subnet-1"])["SubnetGroup"]
    assert "Description" not in made


def test_who_makes_a_cluster_must_be_allowed_to_pass_its_role(cloud: RunningCloud, role: str) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="maker")
    allowed = [{"Effect": "Allow", "Action": "dax:*", "Resource": "*"}]
    iam.put_user_policy(UserName="maker", PolicyName="p", PolicyDocument=daxes.document(allowed))
    made = iam.create_access_key(UserName="maker")["AccessKey"]
    dax = cloud.client("dax", key=made["AccessKeyId"], secret=made["SecretAccessKey"])
    good = {"NodeType": "dax.t2.small", "ReplicationFactor": 1, "IamRoleArn": role}
    with pytest.raises(ClientError, match="iam:PassRole"):
        dax.create_cluster(ClusterName="passed", **good)
    assert dax.describe_subnet_groups()["SubnetGroups"]


def test_parameter_groups_set_how_long_caches_keep(cloud: RunningCloud, dax: Any, role: str) -> None:
    dax.create_parameter_group(ParameterGroupName="short", Description="ten seconds")
    values = [
        {"ParameterName": "record-ttl-millis", "ParameterValue": "10000"},
        {"ParameterName": "query-ttl-millis", "ParameterValue": "0"},
    ]
    dax.update_parameter_group(ParameterGroupName="short", ParameterNameValues=values)
    described = dax.describe_parameters(ParameterGroupName="short")["Parameters"]
    assert {each["ParameterName"]: each["ParameterValue"] for each in described} == {
        "record-ttl-millis": "10000",
        "query-ttl-millis": "0",
    }
    defaults = dax.describe_default_parameters()["Parameters"]
    assert {each["ParameterValue"] for each in defaults} == {"300000"}
    daxes.table(cloud, "Short", pk="S")
    found = daxes.cluster(cloud, "short", role, ParameterGroupName="short")
    put = cloud.client("dynamodb").put_item
    with daxes.connected(found["ClusterDiscoveryEndpoint"]["URL"]) as client:

        def read() -> tuple[bool, int]:
            item = client.get_item(TableName="Short", Key={"pk": {"S": "1"}})
            return "Item" in item, client.scan(TableName="Short")["Count"]

        with cloud.held():
            assert read() == (False, 0)
            put(TableName="Short", Item={"pk": {"S": "1"}})
            cloud.advance(9)
            assert read() == (False, 0)
            cloud.advance(2)
            assert read() == (True, 0)
            cloud.advance(86400)
            assert read() == (True, 0), "0 is without end"
        dax.update_cluster(ClusterName="short", ParameterGroupName="default.dax1.0")
        daxes.available(cloud, "short")
        assert read() == (True, 1)
    dax.update_parameter_group(ParameterGroupName="short", ParameterNameValues=values[:1])
    dax.delete_parameter_group(ParameterGroupName="short")
    assert code(dax.describe_parameters, ParameterGroupName="short") == "ParameterGroupNotFoundFault"


def test_what_parameter_groups_refuse(cloud: RunningCloud, dax: Any, role: str) -> None:
    dax.create_parameter_group(ParameterGroupName="strict")
    assert code(dax.create_parameter_group, ParameterGroupName="STRICT") == "ParameterGroupAlreadyExistsFault"

    def update(name: str, value: str, group: str = "strict") -> str:
        values = [{"ParameterName": name, "ParameterValue": value}]
        return code(dax.update_parameter_group, ParameterGroupName=group, ParameterNameValues=values)

    for name, value in (("ttl", "1"), ("record-ttl-millis", "-1"), ("record-ttl-millis", "x"), ("", "1")):
        assert update(name, value) == "InvalidParameterValueException"
    assert update("record-ttl-millis", "1", "default.dax1.0") == "InvalidParameterGroupStateFault"
    assert update("record-ttl-millis", "1", "none") == "ParameterGroupNotFoundFault"
    daxes.cluster(cloud, "strict", role, ParameterGroupName="strict")
    assert update("record-ttl-millis", "1") == "InvalidParameterGroupStateFault"
    assert code(dax.delete_parameter_group, ParameterGroupName="strict") == "InvalidParameterGroupStateFault"
    assert code(dax.describe_parameter_groups, MaxResults=5) == "InvalidParameterValueException"


def test_subnet_groups_take_any_subnets(cloud: RunningCloud, dax: Any, role: str) -> None:
    made = dax.create_subnet_group(SubnetGroupName="Nets", SubnetIds=["subnet-1", "subnet-2"])["SubnetGroup"]
    assert made["SubnetGroupName"] == "nets"
    assert [each["SubnetIdentifier"] for each in made["Subnets"]] == ["subnet-1", "subnet-2"]
    dax.update_subnet_group(SubnetGroupName="nets", SubnetIds=["subnet-3"])
    assert len(dax.describe_subnet_groups(SubnetGroupNames=["nets"])["SubnetGroups"][0]["Subnets"]) == 1
    assert code(dax.create_subnet_group, SubnetGroupName="other", SubnetIds=["vpc-1"]) == "InvalidSubnet"
    found = daxes.cluster(cloud, "nets", role, SubnetGroupName="nets")
    assert found["SubnetGroup"] == "nets"
    assert code(dax.delete_subnet_group, SubnetGroupName="nets") == "SubnetGroupInUseFault"
    dax.create_subnet_group(SubnetGroupName="unused", SubnetIds=["subnet-1"])
    dax.delete_subnet_group(SubnetGroupName="unused")
    assert code(dax.delete_subnet_group, SubnetGroupName="unused") == "SubnetGroupNotFoundFault"


def test_tags(cloud: RunningCloud, dax: Any, role: str) -> None:
    arn = daxes.cluster(cloud, "tagged", role, Tags=[{"Key": "a", "Value": "1"}])["ClusterArn"]
    dax.tag_resource(ResourceName=arn, Tags=[{"Key": "b", "Value": "2"}])
    dax.untag_resource(ResourceName=arn, TagKeys=["a"])
    assert dax.list_tags(ResourceName=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert code(dax.untag_resource, ResourceName=arn, TagKeys=["a"]) == "TagNotFoundFault"
    assert code(dax.list_tags, ResourceName="arn:aws:s3:::b") == "InvalidARNFault"
    assert code(dax.list_tags, ResourceName=arn + "x") == "ClusterNotFoundFault"


def test_tls(cloud: RunningCloud, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = daxes.cluster(cloud, "secret", role, ClusterEndpointEncryptionType="TLS")
    endpoint = found["ClusterDiscoveryEndpoint"]
    assert endpoint["URL"] == f"daxs://127.0.0.1:{endpoint['Port']}"
    daxes.table(cloud, "Secret", pk="S")
    with (
        pytest.raises(ClientError, match="Certificate verification failed"),
        daxes.connected(endpoint["URL"]),
    ):
        pass  # nobody vouches for the certificate
    monkeypatch.setenv("SSL_CERT_FILE", cloud.ca_file)
    with daxes.connected(endpoint["URL"]) as client:
        client.put_item(TableName="Secret", Item={"pk": {"S": "1"}})
        assert client.get_item(TableName="Secret", Key={"pk": {"S": "1"}})["Item"] == {"pk": {"S": "1"}}


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[RunningCloud]:
    """A cloud to be killed, whose cluster has a port that no other test's takes meanwhile."""
    running = RunningCloud(tmp_path / "data", "--dax-port", "0").start()
    yield running
    running.stop()


def test_a_cluster_is_there_again_after_a_crash(crashing: RunningCloud) -> None:
    found = daxes.cluster(crashing, "lasting", daxes.role(crashing, "DaxLasting"))
    daxes.table(crashing, "Lasting", pk="S")
    url = found["ClusterDiscoveryEndpoint"]["URL"]
    with daxes.connected(url) as client:
        for number in range(20):
            client.put_item(TableName="Lasting", Item={"pk": {"S": str(number)}, f"a{number}": {"N": "1"}})
        port = crashing.port
        crashing.kill()
        kept = kept_place(int(url.rpartition(":")[2]))
        crashing.start(port)
        again = daxes.available(crashing, "lasting")["ClusterDiscoveryEndpoint"]["URL"]
        if kept is not None:
            kept.close()
            assert again == url, "it keeps its port"

        def read() -> Any:
            try:
                return [
                    client.get_item(TableName="Lasting", Key={"pk": {"S": str(number)}})["Item"]
                    for number in range(20)
                ]
            except (ClientError, OSError):
                return None  # the client has not noticed yet

        # The client knows attribute lists by their numbers of before.
        items = until(read)
        assert items == [{"pk": {"S": str(number)}, f"a{number}": {"N": "1"}} for number in range(20)]


# CloudFormation


def test_a_stack_with_a_cluster(cloud: RunningCloud) -> None:
    def template(ttl: int, nodes: int, tag: str) -> str:
        trust = {"Effect": "Allow", "Principal": {"Service": "dax.amazonaws.com"}, "Action": "sts:AssumeRole"}
        resources = {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [
                        {"PolicyName": "p", "PolicyDocument": json.loads(daxes.document(daxes.ROLE_POLICY))}
                    ],
                },
            },
            "Nets": {"Type": "AWS::DAX::SubnetGroup", "Properties": {"SubnetIds": ["subnet-1"]}},
            f"Times{ttl}": {
                "Type": "AWS::DAX::ParameterGroup",
                "Properties": {
                    "ParameterNameValues": {"record-ttl-millis": ttl, "query-ttl-millis": str(ttl)}
                },
            },
            "Cache": {
                "Type": "AWS::DAX::Cluster",
                "Properties": {
                    "IAMRoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
                    "NodeType": "dax.t3.small",
                    "ReplicationFactor": nodes,
                    "SubnetGroupName": {"Ref": "Nets"},
                    "ParameterGroupName": {"Ref": f"Times{ttl}"},
                    "Tags": {"stage": tag},
                },
            },
        }
        outputs = {
            name: {"Value": {"Fn::GetAtt": ["Cache", name]}}
            for name in ("Arn", "ClusterDiscoveryEndpoint", "ClusterDiscoveryEndpointURL")
        } | {"Name": {"Value": {"Ref": "Cache"}}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    cloudformation, dax = cloud.client("cloudformation"), cloud.client("dax")

    def settled() -> dict[str, str]:
        def look() -> Any:
            stack = cloudformation.describe_stacks(StackName="dax-stack")["Stacks"][0]
            return stack if not stack["StackStatus"].endswith("_IN_PROGRESS") else None

        stack = until(look, what="the stack")
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    capabilities = {"Capabilities": ["CAPABILITY_IAM"]}
    cloudformation.create_stack(StackName="dax-stack", TemplateBody=template(1000, 1, "dev"), **capabilities)
    outputs = settled()
    host = outputs["ClusterDiscoveryEndpoint"]
    assert outputs["ClusterDiscoveryEndpointURL"] == f"dax://{host}"
    assert outputs["Arn"].endswith(f"cache/{outputs['Name']}")
    with daxes.connected(outputs["ClusterDiscoveryEndpointURL"]):
        pass
    cloudformation.update_stack(StackName="dax-stack", TemplateBody=template(2000, 2, "prod"), **capabilities)
    assert settled() == outputs, "changed in place"
    found = dax.describe_clusters(ClusterNames=[outputs["Name"]])["Clusters"][0]
    assert found["TotalNodes"] == 2
    assert {"Key": "stage", "Value": "prod"} in dax.list_tags(ResourceName=outputs["Arn"])["Tags"]
    group = found["ParameterGroup"]["ParameterGroupName"]
    described = dax.describe_parameters(ParameterGroupName=group)["Parameters"]
    assert {each["ParameterValue"] for each in described} == {"2000"}
    cloudformation.delete_stack(StackName="dax-stack")

    def gone() -> bool:
        try:
            return not cloudformation.describe_stacks(StackName="dax-stack")["Stacks"]
        except ClientError:
            return True

    until(gone, what="the stack to be deleted")
    assert code(dax.describe_clusters, ClusterNames=[outputs["Name"]]) == "ClusterNotFoundFault"
    assert code(dax.describe_parameters, ParameterGroupName=group) == "ParameterGroupNotFoundFault"
