"""CloudFormation over the wire: stack policies, cancelling, signals, wait conditions, custom resources."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, TRUST
from running import RunningCloud
from waiting import until

Client = Callable[..., Any]


def parameter(value: Any = "v", **members: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **members}}


def template(**resources: Any) -> str:
    return json.dumps({"Resources": resources})


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


def reasons(cloudformation: Any, name: str, logical_id: str) -> list[str]:
    """Reasons of a resource's events, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    found = [event for page in pages for event in page["StackEvents"]]
    return [
        event["ResourceStatusReason"]
        for event in reversed(found)
        if event["LogicalResourceId"] == logical_id and "ResourceStatusReason" in event
    ]


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": "*", "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


ALL = statement("Allow", "Update:*")

# Stack policies


def test_a_stack_policy_stops_a_modification(client: Client) -> None:
    cf = client("cloudformation")
    guard = policy(ALL, statement("Deny", "Update:Modify", "LogicalResourceId/Kept"))
    create(cf, "guarded", template(Kept=parameter(), Free=parameter()), StackPolicyBody=guard)
    assert cf.get_stack_policy(StackName="guarded")["StackPolicyBody"] == guard
    stack = update(cf, "guarded", template(Kept=parameter("w"), Free=parameter()))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons(cf, "guarded", "Kept")[-1] == (
        "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource"
        " [LogicalResourceId/Kept]"
    )
    free = update(cf, "guarded", template(Kept=parameter(), Free=parameter("w")))
    assert free["StackStatus"] == "UPDATE_COMPLETE"


def test_with_a_policy_what_it_does_not_allow_is_denied(client: Client) -> None:
    cf = client("cloudformation")
    only = policy(statement("Allow", "Update:*", "LogicalResourceId/A*"))
    create(cf, "narrow", template(A1=parameter(), B=parameter()), StackPolicyBody=only)
    assert (
        update(cf, "narrow", template(A1=parameter("w"), B=parameter()))["StackStatus"] == "UPDATE_COMPLETE"
    )
    stack = update(cf, "narrow", template(A1=parameter("w"), B=parameter("w")))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Action not allowed by stack policy" in reasons(cf, "narrow", "B")[-1]


def test_replacement_and_removal_have_their_own_actions(client: Client) -> None:
    cf, ssm = client("cloudformation"), client("ssm")
    guard = policy(ALL, statement("Deny", ["Update:Replace", "Update:Delete"]))
    create(cf, "whole", template(P=parameter(Name="whole-1"), Q=parameter()), StackPolicyBody=guard)
    modified = update(cf, "whole", template(P=parameter("w", Name="whole-1"), Q=parameter()))
    assert modified["StackStatus"] == "UPDATE_COMPLETE"
    replaced = update(cf, "whole", template(P=parameter("w", Name="whole-2"), Q=parameter()))
    assert replaced["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    removed = update(cf, "whole", template(Q=parameter("w")))
    assert removed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "[Update:Replace, Update:Delete]" in reasons(cf, "whole", "P")[-1]
    assert ssm.get_parameter(Name="whole-1")["Parameter"]["Value"] == "w"


def test_policies_look_at_types(client: Client) -> None:
    cf = client("cloudformation")
    by_type = statement(
        "Deny", "Update:*", Condition={"StringEquals": {"ResourceType": ["AWS::SSM::Parameter"]}}
    )
    group: dict[str, Any] = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 1}}
    create(cf, "typed", template(P=parameter(), G=group), StackPolicyBody=policy(ALL, by_type))
    longer = group | {"Properties": {"RetentionInDays": 3}}
    assert update(cf, "typed", template(P=parameter(), G=longer))["StackStatus"] == "UPDATE_COMPLETE"
    stack = update(cf, "typed", template(P=parameter("w"), G=longer))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_policy_for_one_update(client: Client) -> None:
    cf = client("cloudformation")
    closed = policy(statement("Deny", "Update:*"))
    create(cf, "once", template(P=parameter()), StackPolicyBody=closed)
    stack = update(cf, "once", template(P=parameter("w")), StackPolicyDuringUpdateBody=policy(ALL))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert cf.get_stack_policy(StackName="once")["StackPolicyBody"] == closed
    assert update(cf, "once", template(P=parameter("x")))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    cf.set_stack_policy(StackName="once", StackPolicyBody=policy(ALL))
    assert update(cf, "once", template(P=parameter("x")))["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"Statement": [{"Effect": "Maybe"}]}', policy(statement("Allow", "s3:*")),
     policy(statement("Allow", "Update:*", "arn:aws:s3:::x")),
     json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Resource": "*"}]})],
)  # fmt: skip
def test_what_is_no_stack_policy(client: Client, body: str) -> None:
    cf = client("cloudformation")
    with pytest.raises(ClientError, match=r"Error validating stack policy: Invalid stack policy$"):
        cf.create_stack(StackName="badly-guarded", TemplateBody=template(P=parameter()), StackPolicyBody=body)


# Signals


def waiting(count: int = 1, timeout: int = 600) -> str:
    return template(
        Handle={"Type": "AWS::CloudFormation::WaitConditionHandle"},
        Wait={
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": str(timeout), "Count": count},
        },
        After=parameter({"Fn::GetAtt": ["Wait", "Data"]}),
    )


def handle_of(cf: Any, name: str) -> str:
    def look() -> str:
        rows = cf.describe_stack_resources(StackName=name)["StackResources"]
        by_id = {row["LogicalResourceId"]: row for row in rows}
        begun = by_id.get("Wait", {}).get("ResourceStatus") == "CREATE_IN_PROGRESS"
        return by_id["Handle"]["PhysicalResourceId"] if begun else ""

    return until(look, what="the condition to wait")


def put(address: str, answer: Any) -> int:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    request = urllib.request.Request(address, body, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_wait_condition_counts_signals_of_different_ids(client: Client) -> None:
    cf = client("cloudformation")
    cf.create_stack(StackName="waits", TemplateBody=waiting(count=2))
    handle = handle_of(cf, "waits")
    for unique in ("one", "one"):
        assert put(handle, {"Status": "SUCCESS", "UniqueId": unique, "Data": "d1", "Reason": "r"}) == 200
    cf.signal_resource(StackName="waits", LogicalResourceId="Wait", UniqueId="two", Status="SUCCESS")
    assert settled(cf, "waits")["StackStatus"] == "CREATE_COMPLETE"
    name = cf.describe_stack_resource(StackName="waits", LogicalResourceId="After")
    value = client("ssm").get_parameter(Name=name["StackResourceDetail"]["PhysicalResourceId"])
    assert json.loads(value["Parameter"]["Value"]) == {"one": "d1", "two": ""}
    with pytest.raises(ClientError, match="CREATE_COMPLETE state and cannot be signaled"):
        cf.signal_resource(StackName="waits", LogicalResourceId="Wait", UniqueId="x", Status="SUCCESS")


def test_a_failure_signal_and_a_forged_address(client: Client) -> None:
    cf = client("cloudformation")
    cf.create_stack(StackName="waits-badly", TemplateBody=waiting())
    handle = handle_of(cf, "waits-badly")
    assert put(handle[:-4] + "0000", {"Status": "SUCCESS", "UniqueId": "x"}) == 403
    assert put(handle, b"no json") == 400
    assert put(handle, {"Status": "FAILURE", "UniqueId": "x", "Reason": "disk full"}) == 200
    assert settled(cf, "waits-badly")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        "WaitCondition received failed message: 'disk full' for uniqueId: x"
        in reasons(cf, "waits-badly", "Wait")[-1]
    )


def test_a_wait_condition_times_out(fresh_cloud: RunningCloud) -> None:
    cf = fresh_cloud.client("cloudformation")
    cf.create_stack(StackName="late", TemplateBody=waiting(timeout=300))
    handle_of(cf, "late")
    fresh_cloud.advance(301)
    assert settled(cf, "late")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        "WaitCondition timed out. Received 0 conditions when expecting 1" in reasons(cf, "late", "Wait")[-1]
    )


def test_an_update_is_cancelled(client: Client) -> None:
    cf, ssm = client("cloudformation"), client("ssm")
    create(cf, "cancelled", template(P=parameter(Name="cancelled-p")))
    resources = json.loads(waiting())["Resources"]
    changed = parameter("w", Name="cancelled-p")
    with pytest.raises(ClientError, match="CancelUpdateStack cannot be called from current stack status"):
        cf.cancel_update_stack(StackName="cancelled")
    cf.update_stack(StackName="cancelled", TemplateBody=template(P=changed, **resources))
    handle = handle_of(cf, "cancelled")
    cf.cancel_update_stack(StackName="cancelled", ClientRequestToken="stop-it")
    put(handle, {"Status": "SUCCESS", "UniqueId": "x"})  # what runs is waited for
    assert settled(cf, "cancelled")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ssm.get_parameter(Name="cancelled-p")["Parameter"]["Value"] == "v"
    rows = cf.describe_stack_resources(StackName="cancelled")["StackResources"]
    assert [row["LogicalResourceId"] for row in rows] == ["P"]
    found = cf.describe_stack_events(StackName="cancelled")["StackEvents"]
    assert any(event.get("ClientRequestToken") == "stop-it" for event in found)


# Custom resources

SOURCE = """
import json
import cfnresponse

def handler(event, context):
    print("ASKED", json.dumps({k: v for k, v in event.items() if k != "ResponseURL"}))
    wanted = event["ResourceProperties"]
    if event["RequestType"] != "Delete" and wanted.get("Fail") == "true":
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, "made-anyway", reason="no luck")
        return
    if wanted.get("Silent") == "true" and event["RequestType"] == "Create":
        return
    data = {"Doubled": str(int(wanted.get("Number", "0")) * 2)}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "thing-" + wanted.get("Id", "a"))
"""


# As the CDK's providers and cfn-response of npm send answers: to port 443, whatever ResponseURL says.
NODE = """
const https = require("https");
exports.handler = async (event) => {
  const url = new URL(event.ResponseURL);
  const body = JSON.stringify({
    Status: "SUCCESS", PhysicalResourceId: "node", StackId: event.StackId, RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    Data: { Doubled: String(2 * event.ResourceProperties.Number) },
  });
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body, "utf8") };
  const options = { hostname: url.hostname, path: url.pathname + url.search, method: "PUT", headers };
  await new Promise((resolve, reject) => {
    const request = https.request(PORT, (response) => response.resume().on("end", resolve));
    request.on("error", reject);
    request.end(body);
  });
};
"""


def custom(**properties: Any) -> str:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [LOGGING]},
    }
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": SOURCE},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    }  # fmt: skip
    thing = {
        "Type": "Custom::Thing",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["Maker", "Arn"]}, **properties},
    }
    document = json.loads(template(Role=role, Maker=function, Thing=thing))
    document["Outputs"] = {
        "Doubled": {"Value": {"Fn::GetAtt": ["Thing", "Doubled"]}}, "Id": {"Value": {"Ref": "Thing"}},
        "Group": {"Value": {"Fn::Sub": "/aws/lambda/${Maker}"}},
    }  # fmt: skip
    return json.dumps(document)


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}


def asked(logs: Any, group: str, count: int) -> list[dict[str, Any]]:
    """What the function was asked so far, at least `count` times: its lines come after its answers."""

    def lines() -> list[Any]:
        try:
            return logs.filter_log_events(logGroupName=group, filterPattern="ASKED")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    found = until(lambda: (events := lines())[count - 1 :] and events, what=f"{count} requests in the log")
    return [json.loads(event["message"].partition("ASKED ")[2]) for event in found]


NEEDS = {"Capabilities": ["CAPABILITY_IAM"]}


def test_a_custom_resource_lives(client: Client) -> None:
    cf, logs = client("cloudformation"), client("logs")
    stack = create(cf, "customs", custom(Number=21, Flag=True, List=[1, {"a": False}]), **NEEDS)
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cf, "customs", "Thing")
    found = outputs(stack)
    assert (found["Doubled"], found["Id"]) == ("42", "thing-a")
    first = asked(logs, found["Group"], 1)[0]
    assert first["RequestType"] == "Create"
    assert first["ResourceType"] == "Custom::Thing"
    assert first["ResourceProperties"] | {"ServiceToken": ""} == {
        "ServiceToken": "", "Number": "21", "Flag": "true", "List": ["1", {"a": "false"}],
    }  # fmt: skip
    stack = update(cf, "customs", custom(Number=4), **NEEDS)
    assert outputs(stack)["Doubled"] == "8"
    stack = update(cf, "customs", custom(Number=4, Id="b"), **NEEDS)
    assert outputs(stack)["Id"] == "thing-b"
    events = asked(logs, found["Group"], 4)  # the last is the former resource's deletion
    kinds = [(event["RequestType"], event.get("PhysicalResourceId")) for event in events]
    assert kinds == [("Create", None), ("Update", "thing-a"), ("Update", "thing-a"), ("Delete", "thing-a")]
    assert events[1]["OldResourceProperties"]["Number"] == "21"
    cf.delete_stack(StackName="customs")
    assert settled(cf, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert asked(logs, found["Group"], 5)[-1]["PhysicalResourceId"] == "thing-b"


@pytest.mark.parametrize("options", ["options", "{ ...options, port: 443 }", "url, options"])
def test_a_custom_resource_of_node_that_knows_one_port(client: Client, options: str) -> None:
    """aws-cdk-lib's custom-resource-handlers/nodejs-entrypoint, and AWS's text of cfn-response:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
    """
    cf = client("cloudformation")
    document = json.loads(custom(Number=21))
    source = NODE.replace("PORT", options)
    if options.startswith("url"):
        source = source.replace("https", "http")  # the address as it is needs no help
    document["Resources"]["Maker"]["Properties"] |= {"Runtime": "nodejs22.x", "Code": {"ZipFile": source}}
    stack = create(cf, "customs-node", json.dumps(document), **NEEDS)
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cf, "customs-node", "Thing")
    assert (outputs(stack)["Doubled"], outputs(stack)["Id"]) == ("42", "node")
    cf.delete_stack(StackName="customs-node")
    assert settled(cf, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_custom_resource_that_fails_is_deleted_again(client: Client) -> None:
    cf = client("cloudformation")
    stack = create(cf, "customs-fail", custom(Fail=True), **NEEDS)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told = [reason for reason in reasons(cf, "customs-fail", "Thing") if "Received" in reason]
    assert "Received response status [FAILED] from custom resource. Message returned: no luck" in told[0]
    rows = cf.describe_stack_events(StackName="customs-fail")["StackEvents"]
    deleted = [row for row in rows if row["ResourceStatus"] == "DELETE_COMPLETE"]
    assert "made-anyway" in [row["PhysicalResourceId"] for row in deleted]


def test_a_custom_resource_that_never_answers(fresh_cloud: RunningCloud) -> None:
    cf = fresh_cloud.client("cloudformation")
    cf.create_stack(StackName="silent", TemplateBody=custom(Silent=True, ServiceTimeout=60), **NEEDS)
    logs = fresh_cloud.client("logs")
    until(lambda: logs.describe_log_groups()["logGroups"], what="the function to be asked")
    fresh_cloud.advance(61)
    assert settled(cf, "silent")["StackStatus"] == "ROLLBACK_COMPLETE"
    told = [reason for reason in reasons(cf, "silent", "Thing") if "did not receive" in reason]
    assert "CloudFormation did not receive a response from your Custom Resource" in told[0]
