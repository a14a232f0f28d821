"""CloudFormation over the wire: stacks of SSM parameters and log groups, made, changed, failed and killed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

Client = Callable[..., Any]
ENDS = ("_COMPLETE", "_FAILED")


def parameter(value: Any = "v", **members: Any) -> dict[str, Any]:
    """A resource: an SSM parameter, of a generated name unless `Name` is given."""
    properties = {"Type": "String", "Value": value}
    properties |= {name: members.pop(name) for name in ("Name", "Description") if name in members}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **members}


def template(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if outputs else {})})


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    """The stack, once it has ended what it does."""

    def look() -> dict[str, Any] | None:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        return stack if status.endswith(ENDS) and "CLEANUP" not in status else None

    found = until(look, what=f"stack {name}")
    assert found is not None
    return found


def create(cloudformation: Any, name: str, body: str, **options: Any) -> dict[str, Any]:
    made = cloudformation.create_stack(StackName=name, TemplateBody=body, **options)
    return settled(cloudformation, made["StackId"])


def update(cloudformation: Any, name: str, body: str, **options: Any) -> dict[str, Any]:
    cloudformation.update_stack(StackName=name, TemplateBody=body, **options)
    return settled(cloudformation, name)


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}


def events(cloudformation: Any, name: str) -> list[tuple[str, str]]:
    """Logical ids and statuses, oldest first."""
    found = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    rows = [event for shown in found for event in shown["StackEvents"]]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(rows)]


def reasons(cloudformation: Any, name: str) -> str:
    shown = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in shown)


def physical(cloudformation: Any, name: str) -> dict[str, str]:
    rows = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    return {row["LogicalResourceId"]: row.get("PhysicalResourceId", "") for row in rows}


def value_of(ssm: Any, name: str) -> str | None:
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None


def refused(operation: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as failure:
        operation(**params)
    error = failure.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_a_stack_lives(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    body = template(
        {"Second": {"Value": {"Ref": "B"}}, "Address": {"Value": {"Fn::Sub": "https://abcdefghij."
         "execute-api.${AWS::Region}.${AWS::URLSuffix}/v1"}}},
        A=parameter({"Fn::Sub": "${AWS::StackName}-${AWS::AccountId}"}),
        B=parameter({"Fn::GetAtt": ["A", "Value"]}),
        C=parameter(DependsOn="B"),
    )  # fmt: skip
    stack = create(cloudformation, "life", body, Tags=[{"Key": "k", "Value": "v"}])
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Tags"] == [{"Key": "k", "Value": "v"}]
    assert value_of(ssm, outputs(stack)["Second"]) == "life-000000000000"
    assert "amazonaws.com" not in outputs(stack)["Address"], "the address leads out of this cloud"

    order = [name for name, status in events(cloudformation, "life") if status == "CREATE_COMPLETE"]
    assert order == ["A", "B", "C", "life"]
    names = physical(cloudformation, "life")
    assert names["A"].startswith(("life-A-", "CFN-A-"))
    detail = cloudformation.describe_stack_resource(StackName="life", LogicalResourceId="A")
    assert detail["StackResourceDetail"]["ResourceStatus"] == "CREATE_COMPLETE"
    owner = cloudformation.describe_stack_resources(PhysicalResourceId=names["B"])["StackResources"]
    assert [row["LogicalResourceId"] for row in owner] == ["A", "B", "C"]
    assert cloudformation.get_template(StackName="life")["TemplateBody"] == json.loads(body)

    assert refused(cloudformation.update_stack, StackName="life", TemplateBody=body,
                   Tags=[{"Key": "k", "Value": "v"}]) == (
        "ValidationError: No updates are to be performed."
    )  # fmt: skip
    assert (
        refused(cloudformation.create_stack, StackName="life", TemplateBody=body)
        == "AlreadyExistsException: Stack [life] already exists"
    )

    cloudformation.update_termination_protection(StackName="life", EnableTerminationProtection=True)
    assert "cannot be deleted while TerminationProtection is enabled" in refused(
        cloudformation.delete_stack, StackName="life"
    )
    cloudformation.update_termination_protection(StackName="life", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="life")
    assert settled(cloudformation, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert [value_of(ssm, name) for name in names.values()] == [None, None, None]
    assert (
        refused(cloudformation.describe_stacks, StackName="life")
        == "ValidationError: Stack with id life does not exist"
    )
    deleted = [
        name for name, status in events(cloudformation, stack["StackId"]) if status == "DELETE_COMPLETE"
    ]
    assert deleted == ["C", "B", "A", "life"]
    cloudformation.delete_stack(StackName="life")  # what is not there is deleted


def test_update_replaces_what_it_must(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    before = template(
        Renamed=parameter("1", Name="/renamed/old"),
        Changed=parameter({"Ref": "Renamed"}),
        Removed=parameter("3", Name="/renamed/removed"),
        Kept=parameter("4", Name="/renamed/kept", DeletionPolicy="Retain"),
    )
    create(cloudformation, "change", before)
    first = physical(cloudformation, "change")
    after = template(
        Renamed=parameter("1", Name="/renamed/new"),
        Changed=parameter({"Ref": "Renamed"}),
        Added=parameter("5"),
    )
    made = cloudformation.create_change_set(StackName="change", ChangeSetName="look", TemplateBody=after)
    found = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    changes = {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in found["Changes"]}
    assert {name: row["Action"] for name, row in changes.items()} == {
        "Added": "Add", "Changed": "Modify", "Kept": "Remove", "Removed": "Remove", "Renamed": "Modify",
    }  # fmt: skip
    assert changes["Renamed"]["Replacement"] == "True"
    assert changes["Changed"]["Replacement"] == "False"
    assert changes["Changed"]["Details"][0]["CausingEntity"] == "Renamed"
    assert changes["Kept"]["PolicyAction"] == "Retain"
    assert physical(cloudformation, "change") == first, "looking has changed the stack"

    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    assert settled(cloudformation, "change")["StackStatus"] == "UPDATE_COMPLETE"
    second = physical(cloudformation, "change")
    assert sorted(second) == ["Added", "Changed", "Renamed"]
    assert second["Changed"] == first["Changed"]
    assert value_of(ssm, second["Changed"]) == "/renamed/new"
    assert value_of(ssm, "/renamed/old") is None
    assert value_of(ssm, "/renamed/removed") is None
    assert value_of(ssm, "/renamed/kept") == "4"
    statuses = [status for name, status in events(cloudformation, "change") if name == "change"]
    assert statuses[-3:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    found = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert found["ExecutionStatus"] == "EXECUTE_COMPLETE"

    same = cloudformation.create_change_set(StackName="change", ChangeSetName="same", TemplateBody=after)
    found = cloudformation.describe_change_set(ChangeSetName=same["Id"])
    assert (found["Status"], found["StatusReason"]) == (
        "FAILED",
        (
            "The submitted information didn't contain changes. Submit different information to create a"
            " change set."
        ),
    )
    assert "cannot be executed in its current status of [FAILED]" in refused(
        cloudformation.execute_change_set, ChangeSetName=same["Id"]
    )


def test_a_failed_creation_is_rolled_back(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    ssm.put_parameter(Name="/taken", Type="String", Value="mine")
    body = template(Good=parameter(Name="/rolled/back"), Bad=parameter(Name="/taken", DependsOn="Good"))
    stack = create(cloudformation, "failing", body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert value_of(ssm, "/rolled/back") is None
    assert value_of(ssm, "/taken") == "mine"
    said = reasons(cloudformation, "failing")
    assert "The following resource(s) failed to create: [Bad]. Rollback requested by user." in said
    assert "(Service: Ssm, Status Code: 400, Request ID: " in said
    assert "HandlerErrorCode: AlreadyExists)" in said
    assert f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated." in refused(
        cloudformation.update_stack, StackName="failing", TemplateBody=template(Good=parameter())
    )

    kept = create(cloudformation, "kept", body, DisableRollback=True)
    assert kept["StackStatus"] == "CREATE_FAILED"
    assert value_of(ssm, "/rolled/back") == "v"
    mended = update(cloudformation, "kept", template(Good=parameter(Name="/rolled/back"), Bad=parameter()))
    assert mended["StackStatus"] == "UPDATE_COMPLETE"

    gone = create(cloudformation, "gone", template(Bad=parameter(Name="/taken")), OnFailure="DELETE")
    assert gone["StackStatus"] == "DELETE_COMPLETE"


def test_a_failed_update_is_rolled_back(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    ssm.put_parameter(Name="/occupied", Type="String", Value="mine")
    before = {"A": parameter("one", Name="/back/a"), "B": parameter("two", Name="/back/b")}
    create(cloudformation, "back", template({"O": {"Value": {"Ref": "A"}}}, **before))
    after = {
        "A": parameter("other", Name="/back/a"),
        "B": parameter("two", Name="/back/c"),
        "Bad": parameter(Name="/occupied", DependsOn=["A", "B"]),
    }
    stack = update(cloudformation, "back", template(**after))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs(stack) == {"O": "/back/a"}
    assert [value_of(ssm, f"/back/{name}") for name in "abc"] == ["one", "two", None]
    assert physical(cloudformation, "back") == {"A": "/back/a", "B": "/back/b"}
    assert refused(
        cloudformation.update_stack,
        StackName="back",
        TemplateBody=template({"O": {"Value": {"Ref": "A"}}}, **before),
    ) == "ValidationError: No updates are to be performed."  # fmt: skip


def test_exports_bind_stacks(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    out = {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "shared-name"}}}
    exporting = create(cloudformation, "giver", template(out, A=parameter(Name="/giver/a")))
    taker = template(B=parameter({"Fn::ImportValue": "shared-name"}, Name="/taker/b"))
    taking = create(cloudformation, "taker", taker)
    assert value_of(ssm, "/taker/b") == "/giver/a"
    exports = cloudformation.list_exports()["Exports"]
    assert {"ExportingStackId": exporting["StackId"], "Name": "shared-name", "Value": "/giver/a"} in exports
    assert cloudformation.list_imports(ExportName="shared-name")["Imports"] == ["taker"]

    cloudformation.delete_stack(StackName="giver")
    failed = settled(cloudformation, "giver")
    assert failed["StackStatus"] == "CREATE_COMPLETE"  # as it was: aws/aws-sdk#383
    assert failed["StackStatusReason"] == (
        "Delete canceled. Cannot delete export shared-name as it is in use by taker."
    )
    assert value_of(ssm, "/giver/a") == "v"

    lost = create(cloudformation, "lost", template(B=parameter({"Fn::ImportValue": "nowhere"})))
    assert lost["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "No export named nowhere found." in reasons(cloudformation, "lost")

    cloudformation.delete_stack(StackName="taker")
    settled(cloudformation, taking["StackId"])
    cloudformation.delete_stack(StackName="giver")
    assert settled(cloudformation, exporting["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_parameters(client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    ssm.put_parameter(Name="/from/ssm", Type="String", Value="looked up")
    body = json.dumps(
        {
            "Parameters": {
                "Stage": {"Type": "String", "AllowedValues": ["dev", "prod"], "Default": "dev"},
                "Secret": {"Type": "String", "NoEcho": True, "MinLength": 3},
                "Found": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/from/ssm"},
            },
            "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
            "Resources": {
                "A": parameter({"Fn::Sub": "${Stage} ${Found} {{resolve:ssm:/from/ssm}}"}, Name="/params/a"),
                "B": parameter({"Ref": "Secret"}, Name="/params/b", Condition="Prod"),
            },
        }
    )
    secret = {"ParameterKey": "Secret", "ParameterValue": "hidden"}
    assert (
        refused(cloudformation.create_stack, StackName="params", TemplateBody=body)
        == "ValidationError: Parameters: [Secret] must have values"
    )
    assert "must contain at least 3 characters" in refused(
        cloudformation.create_stack,
        StackName="params",
        TemplateBody=body,
        Parameters=[{"ParameterKey": "Secret", "ParameterValue": "x"}],
    )
    stack = create(cloudformation, "params", body, Parameters=[secret])
    shown = {row["ParameterKey"]: row for row in stack["Parameters"]}
    assert shown["Secret"]["ParameterValue"] == "****"
    assert shown["Found"]["ResolvedValue"] == "looked up"
    assert value_of(ssm, "/params/a") == "dev looked up looked up"
    assert value_of(ssm, "/params/b") is None
    stack = update(
        cloudformation,
        "params",
        body,
        Parameters=[
            {"ParameterKey": "Stage", "ParameterValue": "prod"},
            {"ParameterKey": "Secret", "UsePreviousValue": True},
        ],
    )
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert value_of(ssm, "/params/b") == "hidden"
    told = cloudformation.describe_stack_events(StackName="params")["StackEvents"]
    assert "hidden" not in json.dumps(told, default=str)
    summary = cloudformation.get_template_summary(StackName="params")
    assert {row["ParameterKey"]: row["ParameterType"] for row in summary["Parameters"]} == {
        "Stage": "String",
        "Secret": "String",
        "Found": "AWS::SSM::Parameter::Value<String>",
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            template(A={"Type": "My::Thing"}),
            "Template format error: Unrecognized resource types: [My::Thing]",
        ),
        (
            template(A=parameter({"Ref": "X"})),
            "Unresolved resource dependencies [X] in the Resources block of the template",
        ),
        (
            template(A=parameter(DependsOn="B"), B=parameter(DependsOn="A")),
            "Circular dependency between resources: [A, B]",
        ),
        ("A: [", "Template format error: YAML not well-formed."),
        ("{}", "Template format error: At least one Resources member must be defined."),
    ],
)
def test_templates_that_are_refused(client: Client, body: str, words: str) -> None:
    cloudformation = client("cloudformation")
    assert words in refused(cloudformation.create_stack, StackName="refused", TemplateBody=body)
    assert words in refused(
        cloudformation.create_change_set,
        StackName="refused",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=body,
    )
    assert "does not exist" in refused(cloudformation.describe_stacks, StackName="refused")


def test_properties_that_a_type_does_not_have(client: Client) -> None:
    cloudformation = client("cloudformation")
    wrong = parameter()
    wrong["Properties"]["Colour"] = "red"
    assert create(cloudformation, "wrong", template(A=wrong))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "for resource A with message: [#: extraneous key [Colour] is not permitted]" in reasons(
        cloudformation, "wrong"
    )
    del wrong["Properties"]["Colour"], wrong["Properties"]["Value"]
    assert create(cloudformation, "less", template(A=wrong))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "#: required key [Value] not found" in reasons(cloudformation, "less")


def test_capabilities(client: Client) -> None:
    cloudformation = client("cloudformation")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    plain, sam = template(R=role), json.loads(template(A=parameter()))
    expected = "InsufficientCapabilitiesException: Requires capabilities : "
    assert (
        refused(cloudformation.create_stack, StackName="caps", TemplateBody=plain)
        == f"{expected}[CAPABILITY_IAM]"
    )
    role["Properties"]["RoleName"] = "named"
    named = template(R=role)
    assert refused(
        cloudformation.create_stack, StackName="caps", TemplateBody=named, Capabilities=["CAPABILITY_IAM"]
    ) == f"{expected}[CAPABILITY_NAMED_IAM]"  # fmt: skip
    sam["Transform"] = "AWS::Serverless-2016-10-31"
    assert (
        refused(cloudformation.create_stack, StackName="caps", TemplateBody=json.dumps(sam))
        == f"{expected}[CAPABILITY_AUTO_EXPAND]"
    )
    assert cloudformation.validate_template(TemplateBody=plain)["Capabilities"] == ["CAPABILITY_IAM"]
    made = create(cloudformation, "caps", json.dumps(sam), Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert made["StackStatus"] == "CREATE_COMPLETE"


def test_transforms_that_fail_show_in_the_change_set(client: Client) -> None:
    cloudformation = client("cloudformation")
    body = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {"Nonsense": 1}}},
    }
    made = cloudformation.create_change_set(
        StackName="untransformed", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(body)
    )
    found = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert found["Status"] == "FAILED"
    assert found["StatusReason"].startswith("Transform AWS::Serverless-2016-10-31 failed with: Invalid")
    stack = cloudformation.describe_stacks(StackName="untransformed")["Stacks"][0]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"


def test_nested_stacks(client: Client) -> None:
    cloudformation, s3, ssm = client("cloudformation"), client("s3"), client("ssm")
    s3.create_bucket(Bucket="nested-templates")
    inner = json.loads(template({"Made": {"Value": {"Ref": "A"}}}, A=parameter({"Ref": "Given"})))
    inner["Parameters"] = {"Given": {"Type": "String"}}
    s3.put_object(Bucket="nested-templates", Key="inner.json", Body=json.dumps(inner).encode())

    def outer(value: str) -> str:
        properties = {
            "TemplateURL": "https://nested-templates.s3.us-east-1.amazonaws.com/inner.json",
            "Parameters": {"Given": value},
        }
        return template(
            {"Name": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Made"]}}},
            Inner={"Type": "AWS::CloudFormation::Stack", "Properties": properties},
        )

    stack = create(cloudformation, "outer", outer("one"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cloudformation, "outer")
    name = outputs(stack)["Name"]
    assert value_of(ssm, name) == "one"
    inner_id = physical(cloudformation, "outer")["Inner"]
    nested = cloudformation.describe_stacks(StackName=inner_id)["Stacks"][0]
    assert (nested["ParentId"], nested["RootId"]) == (stack["StackId"], stack["StackId"])
    assert update(cloudformation, "outer", outer("two"))["StackStatus"] == "UPDATE_COMPLETE"
    assert value_of(ssm, name) == "two"
    cloudformation.delete_stack(StackName="outer")
    settled(cloudformation, stack["StackId"])
    assert value_of(ssm, name) is None
    assert settled(cloudformation, inner_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_is_made_whole_after_kill(fresh_cloud: RunningCloud) -> None:
    """kill -9 in the middle of a creation, an update and a deletion: each is carried on and ends."""
    chain = {f"P{n:03}": parameter(str(n), Name=f"/kill/{n:03}") for n in range(120)}
    for n in range(1, 120):
        chain[f"P{n:03}"]["DependsOn"] = f"P{n - 1:03}"

    def killed() -> Any:
        fresh_cloud.kill()
        fresh_cloud.start()
        return fresh_cloud.client("cloudformation")

    def values() -> list[str]:
        pages = fresh_cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path="/kill")
        return sorted((row["Value"] for shown in pages for row in shown["Parameters"]), key=int)

    cloudformation = fresh_cloud.client("cloudformation")
    stack_id = cloudformation.create_stack(StackName="kill", TemplateBody=template(**chain))["StackId"]
    cloudformation = killed()
    assert settled(cloudformation, "kill")["StackStatus"] == "CREATE_COMPLETE"
    assert values() == [str(n) for n in range(120)]

    for n, resource in enumerate(chain.values()):
        resource["Properties"]["Value"] = str(1000 + n)
    cloudformation.update_stack(StackName="kill", TemplateBody=template(**chain))
    cloudformation = killed()
    assert settled(cloudformation, "kill")["StackStatus"] == "UPDATE_COMPLETE"
    assert values() == [str(1000 + n) for n in range(120)]

    cloudformation.delete_stack(StackName="kill")
    cloudformation = killed()
    assert settled(cloudformation, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert values() == []


def test_aws_cloudformation_deploy(cloud: RunningCloud, tmp_path: Path) -> None:
    """The CLI's own deploy: creates, updates, and says when there is nothing to do."""
    file = tmp_path / "template.yaml"

    def deploy(value: str) -> str:
        file.write_text(
            "Parameters: {V: {Type: String}}\n"
            "Resources:\n"
            "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /cli/a, Type: String, Value: !Ref V}}\n"
            "Outputs: {Name: {Value: !Ref A}}\n"
        )
        ran = subprocess.run(
            [
                sys.executable, "-m", "awscli", "cloudformation", "deploy", "--stack-name", "cli",
                "--template-file", str(file), "--parameter-overrides", f"V={value}",
                "--no-fail-on-empty-changeset",
            ],
            env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    # The CLI names change sets by the second; executed ones must leave their names free.
    assert "Successfully created/updated stack - cli" in deploy("one")
    assert "Successfully created/updated stack - cli" in deploy("two")
    assert "No changes to deploy. Stack cli is up to date" in deploy("two")
    assert value_of(cloud.client("ssm"), "/cli/a") == "two"


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (
            {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "Nonsense", "Value": "v"}},
            "Member must satisfy enum value set: [String, StringList, SecureString]",
        ),
        (
            {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "no good"}},
            "Member must satisfy regular expression pattern",
        ),
        (
            {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": "a week"}},
            "Properties validation failed for resource R with message:"
            " [#/retentionInDays: expected type: Integer, found: String]",
        ),
    ],
)
def test_resources_meet_the_constraints_of_requests(
    client: Client, resource: dict[str, Any], words: str
) -> None:
    cloudformation = client("cloudformation")
    name = f"constrained-{len(words)}"
    stack = create(cloudformation, name, template(R=resource))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert words in reasons(cloudformation, name)
