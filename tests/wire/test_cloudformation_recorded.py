"""CloudFormation's answers beside records of AWS's own.

Recorded by LocalStack in tests/aws/services/cloudformation: api/test_stacks, api/test_validations,
api/test_templates, api/test_update_stack, api/test_stack_policies, api/test_changesets, engine/test_mappings,
test_change_sets, test_change_set_parameters (*.snapshot.json); elsewhere the source stands with the test.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from waiting import until

Client = Callable[..., Any]


def parameter(value: Any = "v", **members: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **members}}


def template(**sections: Any) -> str:
    return json.dumps({"Resources": {"P": parameter()}, **sections})


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        return stack if status.endswith(("_COMPLETE", "_FAILED")) and "CLEANUP" not in status else None

    found = until(look, what=f"stack {name}")
    assert found is not None
    return found


def create(cloudformation: Any, name: str, body: str, **options: Any) -> dict[str, Any]:
    return settled(
        cloudformation, cloudformation.create_stack(StackName=name, TemplateBody=body, **options)["StackId"]
    )


def update(cloudformation: Any, name: str, body: str, **options: Any) -> dict[str, Any]:
    cloudformation.update_stack(StackName=name, TemplateBody=body, **options)
    return settled(cloudformation, name)


def gone(cloudformation: Any, stack: dict[str, Any]) -> dict[str, Any]:
    cloudformation.delete_stack(StackName=stack["StackName"])
    return settled(cloudformation, stack["StackId"])


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    return f"{failure.value.response['Error']['Code']}: {failure.value.response['Error']['Message']}"


def events(cloudformation: Any, name: str, logical_id: str) -> list[dict[str, Any]]:
    """Of one resource or of the stack itself, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    found = [event for page in pages for event in page["StackEvents"]]
    return [event for event in reversed(found) if event["LogicalResourceId"] == logical_id]


def change_set(cloudformation: Any, stack: str, name: str, body: str, **options: Any) -> dict[str, Any]:
    cloudformation.create_change_set(StackName=stack, ChangeSetName=name, TemplateBody=body, **options)
    return cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)


def execute(cloudformation: Any, stack: str, name: str) -> dict[str, Any]:
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    return settled(cloudformation, stack)


VALIDATION = "ValidationError: "
FORMAT = VALIDATION + "Template format error: "
SIMPLE = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Outputs": {"O": {"Value": None}}},
         "[/Outputs/O/Value] 'null' values are not allowed in templates"),
        ({"Outputs": {"O": {"Value": None, "More": None}}},
         "[/Outputs/O/Value] 'null' values are not allowed in templates"),
        ({"Outputs": {"O": {}}}, "Template format error: Every Outputs member must contain a Value object"),
        # moto's tests/test_cloudformation/test_stack_parsing.py
        ({"Outputs": None}, "[/Outputs] 'null' values are not allowed in templates"),
        # as quoted by three projects, mweagle/Sparta among them
        ({"Resources": {"P": {**SIMPLE, "Properties": {"Tags": [{"Key": None}]}}}},
         "[/Resources/P/Type/Tags/0/Key] 'null' values are not allowed in templates"),
        ({"Resources": ""}, "Template format error: Any Resources member must be an object."),
        ({"Resources": {"P": "x"}}, "Template format error: Any Resources member must be an object."),
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {"my-id": SIMPLE}}, "Template format error: Resource name my-id is non alphanumeric."),
        ({"Resources": {"P": {"Properties": {}}}},
         "Template format error: [/Resources/P] Every Resources object must contain a Type member."),
        ({"Resources": {"P": {**SIMPLE, "Invalid": 10}}}, "Invalid template resource property 'Invalid'"),
        ({"Mappings": {"A": "x"}}, "Template format error: Every Mappings member A must be a map"),
        ({"Mappings": {"M": {"A": "x"}}}, "Template format error: Every Mappings member A must be a map"),
        ({"Mappings": {"M": {"A": {"x": {"Ref": "P"}}}}},
         "Template format error: Every Mappings attribute must be a String or a List."),
        ({"Mappings": {"M": {"A": {"B": "x"}}},
          "Resources": {"P": parameter({"Fn::FindInMap": ["M", "C", "B"]})}},
         "Template error: Unable to get mapping for M::C::B"),
        # ministackorg/ministack#1650, measured
        ({"Outputs": {"O": {"Value": {"Fn::Equals": ["a", "b"]}}}},
         "Template format error: The Value field of every Outputs member must evaluate to a String."),
        # aws-cdk's lib/index.js has the same of a nested template
        ({"Resources": {"P": parameter({"Fn::Equals": ["a", "b"]})}},
         "Template Error: Fn::Equals cannot be partially collapsed"),
        # quoted in a blog on sls deploy
        ({"Resources": {"P": parameter({"Fn::getAtt": ["P", "Value"]})}},
         "Template Error: Encountered unsupported function: Fn::getAtt Supported functions are: [Fn::Base64,"
         " Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref,"
         " Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals,"
         " Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]"),
    ],
)  # fmt: skip
def test_what_is_no_template(client: Client, body: dict[str, Any], words: str) -> None:
    cf = client("cloudformation")
    given = json.dumps({"Resources": {"P": SIMPLE}, **body})
    assert refused(cf.create_stack, StackName="malformed", TemplateBody=given) == VALIDATION + words


@pytest.mark.parametrize(
    ("operation", "given", "words"),
    [
        ("create_stack", {"StackName": "*@a_$", "TemplateBody": template()},
         "1 validation error detected: Value '*@a_$' at 'stackName' failed to satisfy constraint: Member must"
         " satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"),
        ("create_stack", {"StackName": "n"}, "Either Template URL or Template Body must be specified."),
        ("create_stack", {"StackName": "n", "TemplateURL": "s3://templates/some.yaml"},
         "S3 error: Domain name specified in templates is not a valid S3 domain"),
        ("create_stack", {"StackName": "n", "TemplateURL": "https://example.com"},
         "TemplateURL must be a supported URL."),
        ("create_stack", {"StackName": "n", "TemplateBody": template(), "ResourceTypes": ["AWS::EC2::*"]},
         "Resource type AWS::SSM::Parameter is not allowed by parameter ResourceTypes [AWS::EC2::*]"),
        ("create_stack", {"StackName": "n", "TemplateBody": template(),
                          "RoleARN": "arn:aws:iam::000000000000:role/none"},
         "Role arn:aws:iam::000000000000:role/none is invalid or cannot be assumed"),
        ("create_stack", {"StackName": "n", "TemplateBody": template(), "RollbackConfiguration": {
            "RollbackTriggers": [{"Arn": "arn:aws:cloudwatch:us-east-1:000000000000:a", "Type": "Thing"}]}},
         "Rollback Trigger Type not supported"),
        ("create_stack", {"StackName": "n", "TemplateBody": template(), "RollbackConfiguration": {
            "RollbackTriggers": [{"Arn": "arn:aws:cloudwatch:us-east-1:000000000000:a",
                                  "Type": "AWS::CloudWatch::Alarm"}]}},
         "RelativeId of a Rollback Trigger's ARN is incorrect"),
        # eucalyptus's CloudFormationService.java, which was written beside AWS
        ("create_stack", {"StackName": "n", "TemplateBody": template(),
                          "Tags": [{"Key": "aws:x", "Value": "y"}]},
         'Invalid tag key.  "aws:" is a reserved prefix.'),
        ("get_template", {"StackName": "none"}, "Stack with id none does not exist"),
        ("get_template", {"ChangeSetName": "none"}, "StackName is a required parameter."),
        ("describe_stacks", {"StackName": "none"}, "Stack with id none does not exist"),
        ("describe_stack_events", {"StackName": "none"}, "Stack [none] does not exist"),
        ("describe_stack_resource", {"StackName": "none", "LogicalResourceId": "P"},
         "Stack 'none' does not exist"),
        ("describe_change_set", {"StackName": "none", "ChangeSetName": "c"}, "Stack [none] does not exist"),
        ("delete_change_set", {"ChangeSetName": "c"},
         "StackName must be specified if ChangeSetName is not specified as an ARN."),
        ("validate_template", {"TemplateBody": '{"AWSTemplateFormatVersion" "x"}'},
         "Template format error: JSON not well-formed. (line 1, column 29)"),
    ],
)  # fmt: skip
def test_what_is_refused(client: Client, operation: str, given: dict[str, Any], words: str) -> None:
    assert refused(getattr(client("cloudformation"), operation), **given) == VALIDATION + words


def test_members_that_are_not_there(client: Client) -> None:
    cf = client("cloudformation")
    stack = create(cf, "plain", template())
    for name in ("ChangeSetId", "LastUpdatedTime", "DeletionTime", "Capabilities", "Parameters", "Outputs"):
        assert name not in stack
    assert (stack["NotificationARNs"], stack["Tags"], stack["RollbackConfiguration"]) == ([], [], {})
    assert stack["EnableTerminationProtection"] is False
    assert refused(cf.create_stack, StackName="plain", TemplateBody=template()) == (
        "AlreadyExistsException: Stack [plain] already exists"
    )
    assert refused(cf.update_stack, StackName="plain", TemplateBody=template()) == (
        VALIDATION + "No updates are to be performed."
    )
    last = gone(cf, stack)
    assert last["StackStatus"] == "DELETE_COMPLETE"
    assert "DeletionTime" in last
    assert "EnableTerminationProtection" not in last
    checked = cf.validate_template(TemplateBody=template())
    summary = cf.get_template_summary(TemplateBody=template(Parameters={"A": {"Type": "String"}}))
    for answer in (checked, summary):
        assert not {"Capabilities", "DeclaredTransforms"} & answer.keys()
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": []}


def test_events_of_a_life(client: Client) -> None:
    cf = client("cloudformation")
    stack = create(cf, "lived", template(Resources={"P": parameter(Name="/lived/one")}))
    update(cf, "lived", template(Resources={"P": parameter(Name="/lived/two")}))
    found = events(cf, "lived", "P")
    shown = [
        (event["ResourceStatus"], event["PhysicalResourceId"], event.get("ResourceStatusReason"),
         json.loads(event["ResourceProperties"])["Name"] if "ResourceProperties" in event else None)
        for event in found
    ]  # fmt: skip
    replaces = "Requested update requires the creation of a new physical resource; hence creating one."
    assert shown == [
        ("CREATE_IN_PROGRESS", "", None, "/lived/one"),
        ("CREATE_IN_PROGRESS", "/lived/one", "Resource creation Initiated", "/lived/one"),
        ("CREATE_COMPLETE", "/lived/one", None, "/lived/one"),
        ("UPDATE_IN_PROGRESS", "/lived/one", replaces, "/lived/two"),
        ("UPDATE_IN_PROGRESS", "/lived/two", "Resource creation Initiated", "/lived/two"),
        ("UPDATE_COMPLETE", "/lived/two", None, "/lived/two"),
        ("DELETE_IN_PROGRESS", "/lived/one", None, None),
        ("DELETE_COMPLETE", "/lived/one", None, None),
    ]
    form = r"P-(CREATE|UPDATE|DELETE)_[A-Z_]+-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert all(re.fullmatch(form, event["EventId"]) for event in found)
    assert len({event["EventId"] for event in found}) == len(found)
    own = [event["ResourceStatus"] for event in events(cf, "lived", "lived")]
    assert own == [
        "CREATE_IN_PROGRESS", "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE",
    ]  # fmt: skip
    gone(cf, stack)
    last = events(cf, stack["StackId"], "P")[-1]
    assert json.loads(last["ResourceProperties"])["Name"] == "/lived/two"


def test_templates_as_given_and_after_transforms(client: Client) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html: without
    transforms both stages are the same text, and Processed is the default."""
    cf = client("cloudformation")
    plain = "Resources:\n  P:\n    Type: AWS::SSM::Parameter\n    Properties: {Type: String, Value: v}\n"
    create(cf, "texts", plain)
    for stage in ({}, {"TemplateStage": "Original"}, {"TemplateStage": "Processed"}):
        answer = cf.get_template(StackName="texts", **stage)
        assert answer["TemplateBody"] == plain
        assert answer["StagesAvailable"] == ["Original", "Processed"]
    extended = "Transform: AWS::LanguageExtensions\n" + plain
    update(cf, "texts", extended + "    DeletionPolicy: Delete\n", Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert "Transform" not in json.dumps(cf.get_template(StackName="texts")["TemplateBody"])
    original = cf.get_template(StackName="texts", TemplateStage="Original")["TemplateBody"]
    assert original.startswith("Transform: AWS::LanguageExtensions")


def test_change_sets_that_others_overtake(client: Client) -> None:
    cf = client("cloudformation")
    first = change_set(cf, "reviewed", "one", template(), ChangeSetType="CREATE")
    assert first["Changes"] == [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add", "LogicalResourceId": "P", "ResourceType": "AWS::SSM::Parameter", "Scope": [],
                "Details": [],
            },
        }
    ]  # fmt: skip
    assert (first["Capabilities"], first["NotificationARNs"]) == ([], [])
    assert not {"Parameters", "Tags", "OnStackFailure"} & first.keys()
    assert refused(cf.get_template_summary, StackName="reviewed") == (
        VALIDATION + "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
    )
    made = create(cf, "reviewed", template())
    assert made["StackId"] == first["StackId"]
    assert not {"ChangeSetId", "LastUpdatedTime"} & made.keys()
    assert cf.describe_change_set(ChangeSetName=first["ChangeSetId"])["ExecutionStatus"] == "OBSOLETE"
    gone(cf, made)

    second = change_set(cf, "reviewed", "one", template(), ChangeSetType="CREATE")
    stack = execute(cf, "reviewed", "one")
    assert "LastUpdatedTime" in stack
    assert stack["ChangeSetId"] == second["ChangeSetId"]
    again = {"StackName": "reviewed", "ChangeSetName": "two", "TemplateBody": template()}
    assert refused(cf.create_change_set, **again, ChangeSetType="CREATE") == (
        VALIDATION + "Stack [reviewed] already exists and cannot be created again with the changeSet [two]."
    )
    none = change_set(cf, "reviewed", "two", template())
    assert (none["Status"], none["ExecutionStatus"], none["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert refused(cf.execute_change_set, StackName="reviewed", ChangeSetName="two") == (
        f"InvalidChangeSetStatus: ChangeSet [{none['ChangeSetId']}] cannot be executed in its current status"
        " of [FAILED]"
    )
    gone(cf, stack)
    assert (
        cf.describe_change_set(ChangeSetName=second["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    )
    back = {**again, "StackName": stack["StackId"], "ChangeSetType": "CREATE"}
    assert f"Stack [{stack['StackId']}] already exists" in refused(cf.create_change_set, **back)


def replaced(name: str, requires: str = "Always", **values: str) -> dict[str, str]:
    return {"Attribute": "Properties", "Name": name, "RequiresRecreation": requires, **values}


def test_values_of_changes(client: Client) -> None:
    """A parameter that renames one resource, which another refers to."""
    cf = client("cloudformation")
    body = json.dumps(
        {
            "Parameters": {
                "Name": {"Type": "String"},
                "Hidden": {"Type": "String", "NoEcho": True, "Default": "h"},
            },
            "Resources": {
                "Foo": parameter({"Ref": "Hidden"}, Name={"Ref": "Name"}),
                "Bar": parameter({"Ref": "Foo"}),
            },
        }
    )  # fmt: skip
    one = [{"ParameterKey": "Name", "ParameterValue": "/shown/one"}]
    two = [{"ParameterKey": "Name", "ParameterValue": "/shown/two"}]
    cf.create_change_set(
        StackName="shown", ChangeSetName="a", TemplateBody=body, Parameters=one, ChangeSetType="CREATE"
    )
    full = cf.describe_change_set(StackName="shown", ChangeSetName="a", IncludePropertyValues=True)
    after = {
        row["ResourceChange"]["LogicalResourceId"]: json.loads(row["ResourceChange"]["AfterContext"])[
            "Properties"
        ]
        for row in full["Changes"]
    }
    assert after == {
        "Foo": {"Type": "String", "Value": "****", "Name": "/shown/one"},
        "Bar": {"Type": "String", "Value": "{{changeSet:KNOWN_AFTER_APPLY}}"},
    }
    execute(cf, "shown", "a")
    plain = change_set(cf, "shown", "b", body, Parameters=two)
    bar, foo = (row["ResourceChange"] for row in plain["Changes"])
    assert foo["Details"] == [
        {"Target": replaced("Name"), "Evaluation": "Static", "ChangeSource": "ParameterReference",
         "CausingEntity": "Name"},
        {"Target": replaced("Name"), "Evaluation": "Dynamic", "ChangeSource": "DirectModification"},
    ]  # fmt: skip
    assert (foo["Replacement"], foo["PolicyAction"], foo["Scope"]) == (
        "True",
        "ReplaceAndDelete",
        ["Properties"],
    )
    assert bar["Details"] == [
        {"Target": replaced("Value", "Never"), "Evaluation": "Static", "ChangeSource": "ResourceReference",
         "CausingEntity": "Foo"},
    ]  # fmt: skip
    assert (bar["Replacement"], "PolicyAction" in bar) == ("False", False)
    full = cf.describe_change_set(StackName="shown", ChangeSetName="b", IncludePropertyValues=True)
    bar, foo = (row["ResourceChange"] for row in full["Changes"])
    assert foo["Details"][0]["Target"] == replaced(
        "Name", BeforeValue="/shown/one", AfterValue="/shown/two", Path="/Properties/Name",
        AttributeChangeType="Modify",
    )  # fmt: skip
    assert json.loads(foo["BeforeContext"])["Properties"]["Name"] == "/shown/one"
    assert [detail["Evaluation"] for detail in bar["Details"]] == ["Static", "Dynamic"]


def test_an_attribute_that_no_schema_has(client: Client) -> None:
    """It shows when it is asked for: ministackorg/ministack#1628, measured."""
    cf = client("cloudformation")
    out = {"O": {"Value": {"Fn::GetAtt": ["P", "Invalid"]}}}
    stack = create(cf, "unknown-attribute", template(Outputs=out))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    words = "Requested attribute Invalid does not exist in schema for AWS::SSM::Parameter."
    own = events(cf, "unknown-attribute", "unknown-attribute")
    assert words + " Rollback requested by user." in [row.get("ResourceStatusReason") for row in own]
    assert "CREATE_COMPLETE" in [row["ResourceStatus"] for row in events(cf, "unknown-attribute", "P")]


def test_a_type_behind_a_condition(client: Client) -> None:
    """Unknown types are refused where their condition holds only (ministackorg/ministack#1628)."""
    cf = client("cloudformation")
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    resources = {"P": parameter(), "X": {"Type": "AWS::Nothing::Here", "Condition": "Never"}}
    made = create(cf, "conditional", template(Conditions=conditions, Resources=resources))
    assert made["StackStatus"] == "CREATE_COMPLETE"
    del resources["X"]["Condition"]
    assert refused(cf.create_stack, StackName="typed", TemplateBody=template(Resources=resources)) == (
        FORMAT + "Unrecognized resource types: [AWS::Nothing::Here]"
    )


def test_parameters_that_do_not_fit(client: Client) -> None:
    """Words quoted by many projects, e.g. hashicorp/terraform-provider-aws and zalando-stups/senza."""
    cf = client("cloudformation")
    body = template(Parameters={"Stage": {"Type": "String", "AllowedValues": ["dev"]}})
    call = {"StackName": "fits", "TemplateBody": body}

    def given(**members: Any) -> list[dict[str, Any]]:
        return [{"ParameterKey": "Stage", **members}]

    assert refused(cf.create_stack, **call) == VALIDATION + "Parameters: [Stage] must have values"
    assert refused(cf.create_stack, **call, Parameters=given(ParameterValue="x")) == (
        VALIDATION + "Parameter 'Stage' must be one of AllowedValues"
    )
    assert refused(cf.create_stack, **call, Parameters=[{"ParameterKey": "A", "ParameterValue": "x"}]) == (
        VALIDATION + "Parameters: [A] do not exist in the template"
    )
    wrong = VALIDATION + "Invalid input for parameter key Stage. Cannot specify usePreviousValue as true"
    create(cf, "fits", template())
    previous = given(UsePreviousValue=True)
    assert refused(cf.update_stack, **call, Parameters=previous) == (
        wrong + " for a parameter key not in the previous template"
    )
    both = given(UsePreviousValue=True, ParameterValue="dev")
    assert refused(cf.update_stack, **call, Parameters=both) == wrong + " and non empty value for a parameter"


def test_stack_policies_as_recorded(client: Client) -> None:
    cf = client("cloudformation")
    create(cf, "guarded", template())
    assert "StackPolicyBody" not in cf.get_stack_policy(StackName="guarded")
    both = {"StackPolicyBody": "{}", "StackPolicyURL": "https://b.s3.amazonaws.com/k"}
    assert refused(cf.set_stack_policy, StackName="guarded", **both) == (
        VALIDATION + "You cannot specify both StackPolicyURL and StackPolicyBody"
    )
    cf.set_stack_policy(StackName="guarded", StackPolicyBody="{}")
    assert cf.get_stack_policy(StackName="guarded")["StackPolicyBody"] == "{}"


def test_rolling_back_what_was_kept(client: Client) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html"""
    cf, ssm = client("cloudformation"), client("ssm")
    good, bad = parameter(Name="/kept/good"), parameter(Name="/kept/bad", AllowedPattern="x")
    bad["DependsOn"] = "A"
    failing = template(Resources={"A": good, "B": bad})
    made = create(cf, "kept", failing, DisableRollback=True)
    assert made["StackStatus"] == "CREATE_FAILED"
    assert ssm.get_parameter(Name="/kept/good")["Parameter"]["Value"] == "v"
    cf.rollback_stack(StackName="kept")
    back = settled(cf, "kept")
    assert back["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "DeletionTime" in back
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name="/kept/good")
    assert refused(cf.rollback_stack, StackName="kept").endswith(
        " is in ROLLBACK_COMPLETE state and can not be rolled back."
    )
    assert refused(cf.update_stack, StackName="kept", TemplateBody=template()) == (
        f"{VALIDATION}Stack:{made['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    )

    create(cf, "kept-update", template(Resources={"A": parameter(Name="/kept/update")}))
    changed = {"A": parameter("new", Name="/kept/update"), "B": {**bad}}
    stack = update(cf, "kept-update", template(Resources=changed), DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert ssm.get_parameter(Name="/kept/update")["Parameter"]["Value"] == "new"
    cf.rollback_stack(StackName="kept-update")
    assert settled(cf, "kept-update")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ssm.get_parameter(Name="/kept/update")["Parameter"]["Value"] == "v"

    create(cf, "left", failing.replace("/kept/", "/left/"), OnFailure="DO_NOTHING")
    assert refused(cf.update_stack, StackName="left", TemplateBody=template()) == (
        # quoted in code-dot-org/code-dot-org#68524
        VALIDATION
        + "This stack cannot be updated from [CREATE_FAILED] state because it contains [on-failure:"
        " DO_NOTHING]. Please use disable-rollback option instead during stack creation."
    )


def test_tags_of_a_stack_are_its_resources(client: Client) -> None:
    """An update that changes the stack's tags alone brings them to what is tagged, and takes them from it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-add-tags.html
    """
    cf, ssm, logs = client("cloudformation"), client("ssm"), client("logs")
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"Tags": [{"Key": "own", "Value": "mine"}]}}
    body = template(Resources={"P": parameter(Name="/tagged/p"), "G": group})

    def tags(*pairs: str) -> list[dict[str, str]]:
        return [dict(zip(("Key", "Value"), pair.split("="), strict=True)) for pair in pairs]

    def found() -> dict[str, str]:
        listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/tagged/p")["TagList"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    create(cf, "tagged", body, Tags=tags("a=1", "own=stack"))
    assert found() == {"a": "1", "own": "stack"}
    name = cf.describe_stack_resource(StackName="tagged", LogicalResourceId="G")["StackResourceDetail"]
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{name['PhysicalResourceId']}"
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "own": "mine"}
    assert update(cf, "tagged", body, Tags=tags("b=2"))["StackStatus"] == "UPDATE_COMPLETE"
    assert found() == {"b": "2"}
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2", "own": "mine"}
    failing = template(
        Resources={
            "P": parameter(Name="/tagged/p"), "G": group,
            "B": {**parameter(AllowedPattern="x"), "DependsOn": ["P", "G"]},
        }
    )  # fmt: skip
    assert update(cf, "tagged", failing, Tags=tags("c=3"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert found() == {"b": "2"}


def test_nested_stacks_are_always_looked_at(client: Client) -> None:
    """ChangeSource Automatic: API_ResourceChangeDetail.html."""
    cf, s3, ssm = client("cloudformation"), client("s3"), client("ssm")
    s3.create_bucket(Bucket="nested-templates")
    child = template(Resources={"P": parameter("one", Name="/nested/p")})
    s3.put_object(Bucket="nested-templates", Key="child.json", Body=child)
    url = "https://nested-templates.s3.amazonaws.com/child.json"
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    body = template(Resources={"N": nested})
    create(cf, "outer", body)
    s3.put_object(Bucket="nested-templates", Key="child.json", Body=child.replace("one", "two"))
    made = change_set(cf, "outer", "again", body)
    (change,) = made["Changes"]
    assert change["ResourceChange"]["Details"][0]["ChangeSource"] == "Automatic"
    assert execute(cf, "outer", "again")["StackStatus"] == "UPDATE_COMPLETE"
    assert ssm.get_parameter(Name="/nested/p")["Parameter"]["Value"] == "two"
    # Nothing to do for the child either: AWS says so of neither.
    assert update(cf, "outer", body)["StackStatus"] == "UPDATE_COMPLETE"


def test_a_template_of_the_cdk(client: Client) -> None:
    """What `cdk synth` writes beside the resources: metadata, the bootstrap's version and a rule on it.

    https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
    """
    cf, ssm = client("cloudformation"), client("ssm")
    version = {
        "Type": "AWS::SSM::Parameter::Value<String>",
        "Default": "/cdk-bootstrap/hnb659fds/version",
        "Description": "Version of the CDK Bootstrap resources in this environment. [cdk:skip]",
    }
    old = {"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}
    words = "CDK bootstrap stack version 6 required. Please run 'cdk bootstrap' with a recent version."
    rule = {"Assertions": [{"Assert": {"Fn::Not": [old]}, "AssertDescription": words}]}
    available = {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    body = template(
        Parameters={"BootstrapVersion": version},
        Rules={"CheckBootstrapVersion": rule},
        Conditions={"CDKMetadataAvailable": {"Fn::Or": [available, {"Fn::Equals": ["a", "b"]}]}},
        Resources={
            "P": {**parameter(), "Metadata": {"aws:cdk:path": "Stack/P/Resource"}},
            "CDKMetadata": {
                "Type": "AWS::CDK::Metadata",
                "Properties": {"Analytics": "v2:deflate64:H4sIAAAAAAAA/zPSM9AzVEwsL9ZNTsnRzclM0qsO"},
                "Metadata": {"aws:cdk:path": "Stack/CDKMetadata/Default"},
                "Condition": "CDKMetadataAvailable",
            },
        },
    )
    assert refused(cf.create_stack, StackName="cdk", TemplateBody=body) == (
        VALIDATION + "Unable to fetch parameters [/cdk-bootstrap/hnb659fds/version] from parameter store for"
        " this account."
    )
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="5")
    assert words in refused(cf.create_stack, StackName="cdk", TemplateBody=body)
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="21", Overwrite=True)
    assert create(cf, "cdk", body)["StackStatus"] == "CREATE_COMPLETE"
    stack = update(cf, "cdk", body.replace("zPSM9", "zPSM8"))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Parameters"][0]["ResolvedValue"] == "21"


def test_the_repository_of_the_cdks_bootstrap(client: Client) -> None:
    """A name, see docs/decisions.md; its properties are those of `cdk bootstrap --show-template`."""
    cf = client("cloudformation")
    properties = {
        "ImageTagMutability": "IMMUTABLE",
        "LifecyclePolicy": {"LifecyclePolicyText": "{}"},
        "RepositoryName": {"Fn::Sub": "cdk-x-container-assets-${AWS::AccountId}-${AWS::Region}"},
        "RepositoryPolicyText": {"Version": "2012-10-17", "Statement": []},
    }
    body = template(
        Resources={"R": {"Type": "AWS::ECR::Repository", "Properties": properties}},
        Outputs={
            "Name": {"Value": {"Ref": "R"}},
            "Arn": {"Value": {"Fn::GetAtt": ["R", "Arn"]}},
            "Uri": {"Value": {"Fn::GetAtt": ["R", "RepositoryUri"]}},
        },
    )
    name = "cdk-x-container-assets-000000000000-us-east-1"
    wanted = {
        "Name": name,
        "Arn": f"arn:aws:ecr:us-east-1:000000000000:repository/{name}",
        "Uri": f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}",
    }
    for stack in (create(cf, "repo", body), update(cf, "repo", body.replace("IMMUTABLE", "MUTABLE"))):
        assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]} == wanted
    cf.delete_stack(StackName="repo")


def test_a_member_that_is_missing_deep_down(client: Client) -> None:
    cf = client("cloudformation")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"CorsConfiguration": {"Rules": []}}}
    create(cf, "deep", template(Resources={"B": bucket}))
    failed = [row for row in events(cf, "deep", "B") if row["ResourceStatus"] == "CREATE_FAILED"]
    assert failed[0]["ResourceStatusReason"] == (
        "Properties validation failed for resource B with message:"
        " [#/CorsConfiguration: required key [CorsRules] not found]"
    )
