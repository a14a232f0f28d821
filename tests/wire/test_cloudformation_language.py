"""What transforms and rules make of templates: loops, includes, assertions; and what stays AWS's refusal."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role
from running import RunningCloud
from waiting import until

Client = Callable[..., Any]
EXPAND = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"]

LOOPS = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: "alpha,beta-2"}
  Stage: {Type: String, Default: dev}
Mappings:
  Sizes:
    dev: {alpha: small}
Conditions:
  Fn::ForEach::Conditions:
    - Name
    - !Ref Names
    - Is&{Name}: !Equals [!Ref Name, alpha]
Resources:
  Fn::ForEach::Parameters:
    - Name
    - !Ref Names
    - Parameter&{Name}:
        Type: AWS::SSM::Parameter
        DeletionPolicy: !FindInMap [Keep, !Ref Stage, Policy, {DefaultValue: Delete}]
        Properties:
          Type: String
          Name: !Sub "/loops/${Name}"
          Value: !Sub
            - "${Name} of ${Count}, ${Size}"
            - Count: {"Fn::Length": !Ref Names}
              Size: !FindInMap [Sizes, !Ref Stage, !Ref Name, {DefaultValue: unknown}]
          Tags:
            Fn::ForEach::Tags:
              - Tag
              - [color, shape]
              - ${Tag}: !Ref Name
  Whole:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: {"Fn::ToJsonString": {names: !Ref Names, stage: !Ref Stage}}
Outputs:
  Fn::ForEach::Outputs:
    - Name
    - !Ref Names
    - Value&{Name}:
        Value: !GetAtt [!Sub "Parameter${Name}", Value]
        Condition: !Sub "Is${Name}"
  Whole: {Value: !GetAtt Whole.Value}
"""


def deploy(client: Client, name: str, body: str, kind: str = "create", **options: Any) -> dict[str, Any]:
    """Outputs of the stack, once it is done, and its status as ``Status``."""
    cloudformation = client("cloudformation")
    getattr(cloudformation, f"{kind}_stack")(
        StackName=name, TemplateBody=body, Capabilities=EXPAND, **options
    )
    return settled(cloudformation, name)


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        done = (
            stack["StackStatus"].endswith(("_COMPLETE", "_FAILED")) and "CLEANUP" not in stack["StackStatus"]
        )
        return stack if done else None

    stack = until(look, what=f"stack {name}")
    assert stack is not None
    outputs = {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}
    return outputs | {"Status": stack["StackStatus"]}


def refused(operation: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as failure:
        operation(**params)
    return failure.value.response["Error"]["Message"]


def loop(*layout: Any) -> str:
    return json.dumps({"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::Loop": layout}})


def test_loops(client: Client) -> None:
    body = LOOPS.replace('Value: !GetAtt [!Sub "Parameter${Name}", Value]', "Value: !Ref Name")
    body = body.replace('Condition: !Sub "Is${Name}"', "Description: a name")
    made = deploy(client, "loops", body)
    assert made == {
        "Status": "CREATE_COMPLETE",
        "Valuealpha": "alpha",
        "Valuebeta2": "beta-2",
        "Whole": '{"names":["alpha","beta-2"],"stage":"dev"}',
    }
    ssm = client("ssm")
    values = {row["Name"]: row["Value"] for row in ssm.get_parameters_by_path(Path="/loops")["Parameters"]}
    assert values == {"/loops/alpha": "alpha of 2, small", "/loops/beta-2": "beta-2 of 2, unknown"}
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/loops/alpha")["TagList"]
    assert {"Key": "shape", "Value": "alpha"} in tags
    changed = deploy(
        client, "loops", body, "update", Parameters=[{"ParameterKey": "Names", "ParameterValue": "alpha"}]
    )
    assert changed["Whole"] == '{"names":["alpha"],"stage":"dev"}'
    left = ssm.get_parameters_by_path(Path="/loops")["Parameters"]
    assert [row["Name"] for row in left] == ["/loops/alpha"]
    cloudformation = client("cloudformation")
    summary = cloudformation.get_template_summary(TemplateBody=body)
    assert summary["DeclaredTransforms"] == ["AWS::LanguageExtensions"]
    cloudformation.validate_template(TemplateBody=body)


def test_names_that_functions_give(client: Client) -> None:
    made = deploy(client, "loop-names", LOOPS.replace("beta-2", "beta").replace("/loops/", "/loop-names/"))
    assert made["Valuealpha"] == "alpha of 2, small"
    assert "Valuebeta" not in made


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (loop("Name", ["a"]), "AWS::LanguageExtensions failed with: Fn::ForEach layout is incorrect"),
        (
            loop("Name", {"Fn::GetAtt": ["A", "B"]}, {"R${Name}": {}}),
            "Could not find a collection or could not be resolved for Fn::ForEach",
        ),
        (
            loop("Name", ["a", "b"], {"Same": {"Type": "AWS::SSM::Parameter"}}),
            "Duplicate key 'Same' when merging keys to parent object in Fn::ForEach",
        ),
        (
            loop("A", [*"abcdefghij"] * 9, {"Fn::ForEach::B": ["B", [str(n) for n in range(1100)],
                 {"R${A}${B}": {"Type": "AWS::SSM::Parameter"}}]}),
            "too large a template",
        ),
        (
            json.dumps({"Resources": {"Fn::ForEach::Loop": ["N", ["a"], {"R${N}": {}}]}}),
            "Template format error: [/Resources/Fn::ForEach::Loop] resource definition is malformed",
        ),
        (
            json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {
                "Type": "String", "Value": {"Fn::Length": [1]}}}}}),
            "Template Error: Encountered unsupported function: Fn::Length Supported functions are: [",
        ),
        (
            json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "DeletionPolicy": "Snapshot"}}}),
            "Template error: resource type AWS::SSM::Parameter does not support deletion policy Snapshot",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_written_out(client: Client, body: str, words: str) -> None:
    create = client("cloudformation").create_stack
    assert words in refused(create, StackName="no-loop", TemplateBody=body, Capabilities=EXPAND)


def rules(**parameters: str) -> dict[str, Any]:
    test = {"Fn::Equals": [{"Ref": "Stage"}, "test"]}
    body = {
        "Parameters": {
            "Stage": {"Type": "String"},
            "Size": {"Type": "String"},
            "Users": {"Type": "CommaDelimitedList", "Default": "ann"},
        },
        "Rules": {
            "Small": {
                "RuleCondition": test,
                "Assertions": [
                    {"Assert": {"Fn::Contains": [["tiny", "small"], {"Ref": "Size"}]},
                     "AssertDescription": "tests are small"},
                ],
            },
            "Someone": {
                "Assertions": [
                    {"Assert": {"Fn::Not": [{"Fn::Contains": [{"Ref": "Users"}, ""]}]}},
                    {"Assert": {"Fn::EachMemberIn": [{"Ref": "Users"}, ["ann", "bob"]]},
                     "AssertDescription": "nobody else"},
                ],
            },
        },
        "Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}},
    }  # fmt: skip
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"TemplateBody": json.dumps(body), "Parameters": given}


def test_rules(client: Client) -> None:
    cloudformation = client("cloudformation")
    create = cloudformation.create_stack
    assert "tests are small" in refused(create, StackName="ruled", **rules(Stage="test", Size="huge"))
    assert "nobody else" in refused(create, StackName="ruled", **rules(Stage="x", Size="huge", Users="eve"))
    assert "Rule 'Someone' failed" in refused(
        create, StackName="ruled", **rules(Stage="x", Size="y", Users="")
    )
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="ruled")
    create(StackName="ruled", **rules(Stage="prod", Size="huge"))
    assert settled(cloudformation, "ruled")["Status"] == "CREATE_COMPLETE"
    assert "tests are small" in refused(
        cloudformation.update_stack, StackName="ruled", **rules(Stage="test", Size="huge")
    )


def test_functions_that_rules_do_not_have(client: Client) -> None:
    body = json.loads(rules()["TemplateBody"])
    body["Rules"]["Small"]["Assertions"][0]["Assert"] = {"Fn::If": ["A", True, False]}
    assert refused(client("cloudformation").validate_template, TemplateBody=json.dumps(body)) == (
        "Template format error: Following functions are not supported in the Rules block of the template:"
        " [Fn::If]"
    )


def test_includes(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="included-parts")
    part = "Included:\n  Type: AWS::SSM::Parameter\n  Properties: {Type: String, Value: {Ref: Word}}\n"
    s3.put_object(Bucket="included-parts", Key="part.yaml", Body=part)
    s3.put_object(Bucket="included-parts", Key="tags.json", Body='{"color": "green"}')
    s3.put_object(Bucket="included-parts", Key="broken.yaml", Body="{{{")

    def include(key: str) -> dict[str, Any]:
        return {"Name": "AWS::Include", "Parameters": {"Location": f"s3://included-parts/{key}"}}

    own = {"Type": "String", "Value": "own", "Name": "/includes/own",
           "Tags": {"Fn::Transform": include("tags.json")}}  # fmt: skip
    body: dict[str, Any] = {
        "Parameters": {"Word": {"Type": "String", "Default": "included"}},
        "Resources": {
            "Fn::Transform": include("part.yaml"),
            "Own": {"Type": "AWS::SSM::Parameter", "Properties": own},
        },
        "Outputs": {"Included": {"Value": {"Fn::GetAtt": ["Included", "Value"]}}},
    }
    cloudformation = client("cloudformation")
    assert "CAPABILITY_AUTO_EXPAND" in refused(
        cloudformation.create_stack, StackName="includes", TemplateBody=json.dumps(body)
    )
    assert deploy(client, "includes", json.dumps(body))["Included"] == "included"
    tags = client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId="/includes/own")
    assert tags["TagList"] == [{"Key": "color", "Value": "green"}]
    for key, words in (
        ("broken.yaml", "The specified S3 object's content should be valid Yaml/JSON"),
        ("none.yaml", "Transform AWS::Include failed with: S3 error"),
    ):
        body["Resources"]["Fn::Transform"] = include(key)
        message = refused(
            cloudformation.update_stack,
            StackName="includes",
            TemplateBody=json.dumps(body),
            Capabilities=EXPAND,
        )
        assert words in message


def test_alarms_that_do_not_exist_roll_back(client: Client) -> None:
    body = json.dumps(
        {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}}}
    )
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:none"
    triggers = {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}]}
    cloudformation = client("cloudformation")
    quiet = {"MonitoringTimeInMinutes": 0, "RollbackTriggers": []}
    assert deploy(client, "watched", body, RollbackConfiguration=quiet)["Status"] == "CREATE_COMPLETE"
    stack = cloudformation.describe_stacks(StackName="watched")["Stacks"][0]
    assert stack["RollbackConfiguration"] == quiet
    changed = body.replace('"v"', '"w"')
    made = deploy(client, "watched", changed, "update", RollbackConfiguration=triggers)
    assert made["Status"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = cloudformation.describe_stack_events(StackName="watched")["StackEvents"]
    assert any(arn in row.get("ResourceStatusReason", "") for row in reasons)
    other = {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::SNS::Topic"}]}
    assert "Rollback Trigger Type not supported" in refused(
        cloudformation.update_stack, StackName="watched", TemplateBody=changed, RollbackConfiguration=other
    )


def test_resources_to_skip(cloud: RunningCloud, client: Client) -> None:
    """A resource that neither its update nor its rollback can change is passed over when asked."""
    cloudformation, ssm = client("cloudformation"), client("ssm")

    def body(value: str, kind: str = "String") -> str:
        return json.dumps(
            {"Resources": {
                "Stuck": {"Type": "AWS::SSM::Parameter",
                          "Properties": {"Type": "String", "Value": value, "Name": "/skip/stuck"}},
                "Bad": {"Type": "AWS::SSM::Parameter", "DependsOn": "Stuck",
                        "Properties": {"Type": kind, "Value": value}},
            }}
        )  # fmt: skip

    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam = client("iam")
    iam.create_user(UserName="skipper")
    iam.put_user_policy(UserName="skipper", PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="skipper")["AccessKey"]
    as_user = cloud.client("cloudformation", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    as_user.create_stack(StackName="skipping", TemplateBody=body("one"))
    assert settled(cloudformation, "skipping")["Status"] == "CREATE_COMPLETE"
    # The rollback may write no parameter any more once the update has: it is denied the old value.
    ssm.delete_parameter(Name="/skip/stuck")
    policy["Statement"].append(
        {"Effect": "Deny", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:parameter/skip/stuck"}
    )
    iam.put_user_policy(UserName="skipper", PolicyName="all", PolicyDocument=json.dumps(policy))
    as_user.update_stack(StackName="skipping", TemplateBody=body("two"))
    assert settled(cloudformation, "skipping")["Status"] == "UPDATE_ROLLBACK_FAILED"
    assert "cannot be skipped: [Bad]" in refused(
        as_user.continue_update_rollback, StackName="skipping", ResourcesToSkip=["Bad"]
    )
    as_user.continue_update_rollback(StackName="skipping", ResourcesToSkip=["Stuck"])
    assert settled(cloudformation, "skipping")["Status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "can not continue its update rollback" in refused(
        as_user.continue_update_rollback, StackName="skipping"
    )


PLAIN = "Resources:\n  P:\n    Type: AWS::SSM::Parameter\n    Properties: {Type: String, Value: %s}\n"
HOSTILE = {
    "a number of 5,000 digits": PLAIN % ("9" * 5000),
    "a hexadecimal number of 40,000 digits": PLAIN % ("0x" + "f" * 40_000),
    "a number of JSON without end": '{"Resources": {"P": {"Type": "T", "Properties": {"V": 1e999}}}}',
    "no number of JSON": '{"Resources": {"P": {"Type": "T", "Properties": {"V": NaN}}}}',
    "half a character": '{"Resources": {"P": {"Type": "T", "Properties": {"V": "\\ud800"}}}}',
    "deep YAML": PLAIN % ("[" * 500 + "]" * 500),
    "deeper YAML": PLAIN % ("[" * 20_000 + "]" * 20_000),
    "deepest YAML": "- " * 25_000,  # without a bound, libyaml's loader ends the process
    "keys of keys": "? " * 25_000,
    "deep JSON": '{"Resources":' + '{"a":' * 500 + "1" + "}" * 501,
    "deeper JSON": '{"Resources":' + "[" * 20_000 + "]" * 20_000 + "}",
    "aliases that double": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + PLAIN % 1,
    "an alias of itself": "Metadata: &a [*a]\n" + PLAIN % 1,
    "a key twice": "Resources: {P: {Type: T}, P: {Type: T}}",
    "a key twice in JSON": '{"Resources": {"P": 1, "P": 2}}',
    "a program": PLAIN % "!!python/object/apply:os.system [ls]",
    "a list as a key": "? [a]\n: 1\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a bound that is none": "Parameters: {P: {Type: Number, Default: 1, MinValue: x}}\n" + PLAIN % 1,
    "a pattern that is none": "Parameters: {P: {Type: String, Default: a, AllowedPattern: '('}}\n"
    + PLAIN % 1,
    "a parameter that is no number": "Parameters: {P: {Type: Number, Default: nan}}\n" + PLAIN % 1,
    "a reference to a map": PLAIN % "{Ref: {a: b}}",
    "an attribute of numbers": PLAIN % "!GetAtt [1, 2]",
    "no DependsOn": PLAIN % 1 + "    DependsOn: [{a: b}]\n",
    "no condition": PLAIN % 1 + "    Condition: [a]\n",
    "a condition of a condition": "Conditions: {A: !Condition B, B: !Condition A}\n" + PLAIN % 1,
    "an export without a map": PLAIN % 1 + "Outputs: {A: {Value: x, Export: name}}\n",
    "a rule of no function": "Rules: {A: {Assertions: [{Assert: {'Fn::Nothing': [a]}}]}}\n" + PLAIN % 1,
    "outputs without a map": "Outputs: {A: [1]}\n" + PLAIN % 1,
    "mappings without a map": "Mappings: {A: 1}\n" + PLAIN % "!FindInMap [A, b, c]",
    "rules of numbers": "Rules: {A: 1}\n" + PLAIN % 1,
    "too many resources": json.dumps({"Resources": {f"R{n}": {"Type": "T"} for n in range(501)}}),
    "too many parameters": json.dumps(
        {"Parameters": {f"P{n}": {"Type": "String"} for n in range(201)}, "Resources": {"R": {"Type": "T"}}}
    ),
    "too many outputs": json.dumps(
        {"Outputs": {f"O{n}": {"Value": "x"} for n in range(201)}, "Resources": {"R": {"Type": "T"}}}
    ),
    "51,201 bytes": PLAIN % "1" + "#" * 51_200,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_templates(client: Client, body: str) -> None:
    cloudformation = client("cloudformation")
    operations = (cloudformation.create_stack, cloudformation.create_change_set)
    for operation in operations:
        more = {"ChangeSetName": "c", "ChangeSetType": "CREATE"} if operation is operations[1] else {}
        with pytest.raises(ClientError) as failure:
            operation(StackName="hostile", TemplateBody=body, Capabilities=EXPAND, **more)
        assert failure.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="hostile")
    for operation in (cloudformation.validate_template, cloudformation.get_template_summary):
        code = "ValidationError"  # where it looks so far
        try:
            operation(TemplateBody=body)
        except ClientError as failure:
            code = failure.response["Error"]["Code"]
        assert code == "ValidationError"


def test_long_numbers_are_text(client: Client) -> None:
    body = PLAIN % ("9" * 60) + "Outputs: {Value: {Value: !GetAtt P.Value}}\n"
    assert deploy(client, "long-number", body)["Value"] == "9" * 60


MACRO = """
import copy
def handler(event, context):
    params, fragment = event["params"], copy.deepcopy(event["fragment"])
    if params.get("Fail") == "quietly":
        return {"requestId": event["requestId"], "status": "failed"}
    if params.get("Fail") == "aloud":
        return {"requestId": event["requestId"], "status": "failed", "errorMessage": "because it is a test"}
    if params.get("Fail") == "badly":
        raise ValueError("no answer")
    if params.get("Fail") == "oddly":
        return {"requestId": event["requestId"], "status": "success", "fragment": ["no", "template"]}
    if "Resources" in fragment:
        for resource in fragment["Resources"].values():
            resource["Properties"]["Description"] = "by " + event["transformId"]
        return {"requestId": event["requestId"], "status": "success", "fragment": fragment}
    fragment["Value"] = params["Word"] + "-" + event["templateParameterValues"]["Word"]
    return {"requestId": event["requestId"], "status": "success", "fragment": fragment}
"""


def test_macros(cloud: RunningCloud, client: Client) -> None:
    """Parts and whole templates; LocalStack's test_template_engine.snapshot.json has AWS's words."""
    cf, ssm = client("cloudformation"), client("ssm")
    role = make_role(client("iam"), "macros", LOGGING)
    make_function(client("lambda"), role, "macro", MACRO)
    macro = {"Type": "AWS::CloudFormation::Macro", "Properties": {"Name": "Said", "FunctionName": "macro"}}
    body: dict[str, Any] = {
        "Parameters": {"Word": {"Type": "String", "Default": "w"}},
        "Resources": {
            "P": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/macros/p",
                    "Type": "String",
                    "Fn::Transform": {"Name": "Said", "Parameters": {"Word": {"Ref": "Word"}}},
                },
            }
        },
    }
    given = json.dumps({**body, "Transform": "Said"})
    with pytest.raises(ClientError, match="No transform named Said found"):
        cf.create_stack(StackName="said", TemplateBody=given, Capabilities=EXPAND)
    assert deploy(client, "macro", json.dumps({"Resources": {"M": macro}}))["Status"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match=r"Requires capabilities : \[CAPABILITY_AUTO_EXPAND\]"):
        cf.create_stack(StackName="said", TemplateBody=given)
    assert deploy(client, "said", given)["Status"] == "CREATE_COMPLETE"
    found = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/macros/p"]}])
    assert found["Parameters"][0]["Description"] == "by 000000000000::Said"
    assert ssm.get_parameter(Name="/macros/p")["Parameter"]["Value"] == "w-w"
    processed = cf.get_template(StackName="said", TemplateStage="Processed")["TemplateBody"]
    assert "Transform" not in json.dumps(processed)

    for how, words in (
        ("aloud", "Transform 000000000000::Said failed with: because it is a test"),
        ("quietly", "Transform 000000000000::Said failed without an error message."),
        ("badly", "Received malformed response from transform 000000000000::Said"),
        ("oddly", "Template format error: unsupported structure."),
    ):
        failing = json.dumps({**body, "Transform": {"Name": "Said", "Parameters": {"Fail": how}}})
        assert words in refused(
            cf.update_stack, StackName="said", TemplateBody=failing, Capabilities=EXPAND
        ), how
    unnamed = json.dumps({**body, "Transform": {"Name": {"Ref": "Word"}}})
    assert "Key Name of transform definition must be a string." in refused(
        cf.update_stack, StackName="said", TemplateBody=unnamed, Capabilities=EXPAND
    )


def test_secure_strings_where_they_are_not_read(client: Client) -> None:
    """Words quoted by many projects, e.g. for AWS::Cognito::UserPoolIdentityProvider."""
    value = {"Fn::Sub": "x-{{resolve:ssm-secure:/some/secret:1}}"}
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    body = {"Resources": {"P": resource}}
    assert refused(client("cloudformation").create_stack, StackName="n", TemplateBody=json.dumps(body)) == (
        "SSM Secure reference is not supported in: [AWS::SSM::Parameter/Properties/Value]"
    )
