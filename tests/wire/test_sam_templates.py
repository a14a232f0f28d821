"""SAM templates as they are written: deployed, used, changed with replacement, failed and deleted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gateways import ask
from packages import zipped
from running import RunningCloud
from waiting import until

Client = Callable[..., Any]
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def change(cloudformation: Any, name: str, body: str, kind: str, **options: Any) -> dict[str, Any]:
    """Deploy by a change set; gives the stack, with its outputs by key as ``Out``."""
    made = cloudformation.create_change_set(
        StackName=name, ChangeSetName=f"{name}-{kind.lower()}", ChangeSetType=kind, TemplateBody=body,
        Capabilities=CAPABILITIES, **options,
    )  # fmt: skip
    seen = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert seen["Status"] == "CREATE_COMPLETE", seen.get("StatusReason")
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    return settled(cloudformation, made["StackId"])


def settled(cloudformation: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        done = (
            stack["StackStatus"].endswith(("_COMPLETE", "_FAILED")) and "CLEANUP" not in stack["StackStatus"]
        )
        return stack if done else None

    stack = until(look, what=f"stack {name}")
    assert stack is not None
    return stack | {"Out": {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}}


def complete(cloudformation: Any, stack: dict[str, Any]) -> dict[str, str]:
    """Outputs of a stack that must have come off."""
    events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    reasons = [row.get("ResourceStatusReason") for row in events if "FAILED" in row["ResourceStatus"]]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons
    return stack["Out"]


def gone(cloudformation: Any, stack: dict[str, Any]) -> None:
    cloudformation.delete_stack(StackName=stack["StackName"])
    ended = settled(cloudformation, stack["StackId"])
    events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    reasons = [row.get("ResourceStatusReason") for row in events if "FAILED" in row["ResourceStatus"]]
    assert ended["StackStatus"] == "DELETE_COMPLETE", reasons


def call(cloud: RunningCloud, function: str, event: Any = None) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event or {}))
    return json.loads(answer["Payload"].read())


SHOP = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: orders
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups: [{Label: {default: Main}, Parameters: [Stage]}]
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Greeting: {Type: "AWS::SSM::Parameter::Value<String>", Default: /shop/greeting}
  Secret: {Type: String, NoEcho: true, Default: hidden}
  Answer: {Type: Number, Default: 41}
Mappings:
  Stages:
    dev: {Memory: 128, Log: DEBUG}
    prod: {Memory: 256, Log: WARN}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Globals:
  Function:
    Runtime: python3.12
    Handler: index.handler
    Timeout: 10
    MemorySize: !FindInMap [Stages, !Ref Stage, Memory]
    Tags: {Project: shop}
    Environment:
      Variables:
        LEVEL: !FindInMap [Stages, !Ref Stage, Log]
        GREETING: !Ref Greeting
  Api:
    Cors: {AllowMethods: "'GET,POST'", AllowHeaders: "'content-type'", AllowOrigin: "'https://shop.example'"}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: !Ref Stage
      Name: !Sub "${AWS::StackName}-api"
      Variables: {color: green}
      Models:
        Order:
          type: object
          required: [item]
          properties: {item: {type: string, minLength: 2}, count: {type: integer}}
  Table:
    Type: AWS::Serverless::SimpleTable
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      PrimaryKey: {Name: id, Type: String}
  Files:
    Type: AWS::S3::Bucket
    Metadata: {Owner: shop}
  Setting:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/${AWS::StackName}/setting", Type: String, Value: !Ref Secret}
  Orders:
    Type: AWS::Serverless::Function
    DependsOn: [Files, Setting]
    Properties:
      Environment:
        Variables: {TABLE: !Ref Table, BUCKET: !Ref Files, OTHER: !Ref Worker, SETTING: !Ref Setting}
      Policies:
        - DynamoDBCrudPolicy: {TableName: !Ref Table}
        - S3CrudPolicy: {BucketName: !Ref Files}
        - LambdaInvokePolicy: {FunctionName: !Ref Worker}
        - SSMParameterReadPolicy: {ParameterName: !Sub "${AWS::StackName}/setting"}
        - Version: "2012-10-17"
          Statement: [{Effect: Allow, Action: "logs:*", Resource: "*"}]
      InlineCode: |
        import boto3, json, os
        table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
        def handler(event, context):
            if event.get("httpMethod") == "POST":
                order = json.loads(event["body"])
                table.put_item(Item={"id": order["item"], "n": order.get("count", 1)})
                boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=order["item"], Body=b"x")
                raw = boto3.client("lambda").invoke(FunctionName=os.environ["OTHER"], Payload=b"{}")
                worked = json.loads(raw["Payload"].read())
                secret = boto3.client("ssm").get_parameter(Name=os.environ["SETTING"])["Parameter"]["Value"]
                body = {"worked": worked, "secret": secret, "color": event["stageVariables"]["color"]}
                return {"statusCode": 201, "body": json.dumps(body)}
            item = table.get_item(Key={"id": event["pathParameters"]["id"]}).get("Item")
            return {"statusCode": 200 if item else 404, "body": json.dumps(item, default=str)}
      Events:
        Post:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /orders
            Method: post
            RequestModel: {Model: Order, Required: true, ValidateBody: true}
        Get:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /orders/{id}
            Method: get
            RequestParameters: [method.request.querystring.verbose]
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      Description: !If [IsProd, the real one, !Ref "AWS::NoValue"]
      ReservedConcurrentExecutions: 5
      EphemeralStorage: {Size: 1024}
      InlineCode: |
        import os
        def handler(event, context):
            return [os.environ["LEVEL"], os.environ["GREETING"], context.function_version]
  ProdOnly:
    Type: AWS::SSM::Parameter
    Condition: IsProd
    Properties: {Type: String, Value: prod}
  Functions:
    Type: AWS::SSM::Parameter
    Properties:
      Type: StringList
      Value: !Join
        - ","
        - - !Select [0, !GetAZs ""]
          - !Select [1, !Split ["|", !Sub "a|${Answer}|c"]]
          - !Select [2, !Cidr ["10.0.0.0/16", 4, 8]]
          - Fn::Base64: !Sub "${AWS::Region} ${!literal}"
          - !GetAtt Worker.Arn
Outputs:
  Url: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}"}
  ApiId: {Value: !Ref Api}
  Worker: {Value: !Ref Worker}
  Version: {Value: !Ref Worker.Version}
  Alias: {Value: !Ref Worker.Alias}
  Bucket: {Value: !Ref Files}
  Functions: {Value: !GetAtt Functions.Value}
  Dev: {Condition: IsDev, Value: "yes", Export: {Name: !Sub "${AWS::StackName}-dev"}}
"""


def test_a_shop(cloud: RunningCloud, client: Client) -> None:
    cloudformation, ssm = client("cloudformation"), client("ssm")
    ssm.put_parameter(Name="/shop/greeting", Type="String", Value="hello")
    tags = [{"Key": "team", "Value": "blue"}]
    stack = change(cloudformation, "shop", SHOP, "CREATE", Tags=tags, ClientToken="made-once")
    made = complete(cloudformation, stack)
    shown = {row["ParameterKey"]: row for row in stack["Parameters"]}
    assert shown["Secret"]["ParameterValue"] == "****"
    assert shown["Greeting"]["ResolvedValue"] == "hello"
    zone, answer, block, encoded, arn = made["Functions"].split(",")
    assert (zone, answer, block) == ("us-east-1a", "41", "10.0.2.0/24")
    assert encoded == "dXMtZWFzdC0xICR7bGl0ZXJhbH0="
    assert arn.endswith(f":function:{made['Worker']}")

    base = f"{cloud.https_url}/_aws/execute-api/{made['ApiId']}/dev"
    json_type = {"content-type": "application/json"}
    status, _headers, body = ask(cloud, "POST", f"{base}/orders", b'{"item": "pen", "count": 2}', json_type)
    assert (status, json.loads(body)) == (
        201, {"worked": ["DEBUG", "hello", "$LATEST"], "secret": "hidden", "color": "green"}
    )  # fmt: skip
    assert ask(cloud, "POST", f"{base}/orders", b'{"item": "p"}', json_type)[0] == 400
    status, _headers, body = ask(cloud, "GET", f"{base}/orders/pen")
    assert (status, json.loads(body)["n"]) == (200, "2")
    status, headers, _body = ask(cloud, "OPTIONS", f"{base}/orders", None, {"origin": "https://shop.example"})
    assert status == 200
    assert headers["access-control-allow-origin"] == "https://shop.example"
    assert made["Version"].endswith(":1")
    assert call(cloud, made["Alias"])[2] == "1"
    listed = client("lambda").list_tags(Resource=arn)["Tags"]
    assert listed.items() >= {"team": "blue", "Project": "shop", "lambda:createdBy": "SAM"}.items()

    # A change of code makes a version, and the alias follows; a key of the table replaces it.
    newer = SHOP.replace("context.function_version]", "context.function_version, 'new']")
    newer = newer.replace("PrimaryKey: {Name: id, Type", "PrimaryKey: {Name: key, Type")
    seen = cloudformation.create_change_set(
        StackName="shop", ChangeSetName="look", TemplateBody=newer, Capabilities=CAPABILITIES
    )
    described = cloudformation.describe_change_set(ChangeSetName=seen["Id"])["Changes"]
    replaced = {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"].get("Replacement")
                for row in described}  # fmt: skip
    assert replaced["Table"] == "True"
    stack = change(cloudformation, "shop", newer, "UPDATE")
    updated = complete(cloudformation, stack)
    assert updated["Version"].endswith(":2")
    assert call(cloud, updated["Alias"])[2:] == ["2", "new"]
    versions = client("lambda").list_versions_by_function(FunctionName=made["Worker"])["Versions"]
    assert [row["Version"] for row in versions] == ["$LATEST", "1", "2"], "SAM keeps former versions"

    # What fails takes nothing away.
    broken = newer.replace("'new'", "'newest'").replace("Type: StringList", "Type: Nonsense")
    stack = change(cloudformation, "shop", broken, "UPDATE")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert call(cloud, updated["Alias"])[2:] == ["2", "new"]
    again = [
        {"ParameterKey": "Stage", "ParameterValue": "prod"},
        {"ParameterKey": "Secret", "UsePreviousValue": True},
    ]
    cloudformation.update_stack(
        StackName="shop", UsePreviousTemplate=True, Parameters=again, Capabilities=CAPABILITIES
    )
    stack = settled(cloudformation, "shop")
    prod = complete(cloudformation, stack)
    assert "Dev" not in prod
    assert call(cloud, prod["Worker"])[0] == "WARN"
    assert client("lambda").get_function_configuration(FunctionName=prod["Worker"])["MemorySize"] == 256

    client("s3").delete_object(Bucket=prod["Bucket"], Key="pen")
    gone(cloudformation, stack)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("lambda").get_function(FunctionName=made["Worker"])


CHILD = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Word: {Type: String}}
Resources:
  Say:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: index.handler
      Environment: {Variables: {WORD: !Ref Word}}
      InlineCode: |
        import os
        def handler(event, context):
            return os.environ["WORD"]
Outputs:
  Name: {Value: !Ref Say}
"""

PARENT = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Word: {Type: String, Default: one}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties:
      LayerName: nested-layer
      ContentUri: {Bucket: nested-parts, Key: layer.zip}
      CompatibleRuntimes: [python3.12]
      RetentionPolicy: Delete
  App:
    Type: AWS::Serverless::Application
    Properties:
      Location: https://nested-parts.s3.us-east-1.amazonaws.com/child.yaml
      Parameters: {Word: !Ref Word}
  Plain:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/nested-parts/child.yaml
      Parameters: {Word: !Join ["-", [!Ref Word, plain]]}
  Uses:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://nested-parts/code.zip
      Handler: app.handler
      Runtime: python3.12
      Layers: [!Ref Layer]
      Policies: [S3ReadPolicy: {BucketName: nested-parts}]
Outputs:
  App: {Value: !GetAtt App.Outputs.Name}
  Plain: {Value: !GetAtt Plain.Outputs.Name}
  Uses: {Value: !Ref Uses}
  Layer: {Value: !Ref Layer, Export: {Name: nested-layer-arn}}
"""

IMPORTS = """
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !ImportValue nested-layer-arn}}
"""


def test_nested_applications_and_layers(cloud: RunningCloud, client: Client) -> None:
    s3, cloudformation = client("s3"), client("cloudformation")
    s3.create_bucket(Bucket="nested-parts")
    s3.put_object(Bucket="nested-parts", Key="child.yaml", Body=CHILD)
    files = {"python/shared.py": b"WORD = 'layered'", "python/app2.py": b""}
    s3.put_object(Bucket="nested-parts", Key="layer.zip", Body=zipped(**files))
    source = (
        "import boto3, shared\ndef handler(event, context):\n"
        "    body = boto3.client('s3').get_object(Bucket='nested-parts', Key='child.yaml')['Body'].read()\n"
        "    return [shared.WORD, len(body)]\n"
    )
    s3.put_object(Bucket="nested-parts", Key="code.zip", Body=zipped(app__py=source))
    stack = change(cloudformation, "nested", PARENT, "CREATE")
    made = complete(cloudformation, stack)
    assert call(cloud, made["App"]) == "one"
    assert call(cloud, made["Plain"]) == "one-plain"
    assert call(cloud, made["Uses"]) == ["layered", len(CHILD)]
    cloudformation.create_stack(StackName="imports", TemplateBody=IMPORTS)
    imports = settled(cloudformation, "imports")
    assert cloudformation.list_imports(ExportName="nested-layer-arn")["Imports"] == ["imports"]

    two = [{"ParameterKey": "Word", "ParameterValue": "two"}]
    stack = change(cloudformation, "nested", PARENT, "UPDATE", Parameters=two)
    assert call(cloud, complete(cloudformation, stack)["App"]) == "two"

    # The child's failure fails the parent, and both are as they were.
    broken = CHILD.replace("Handler: index.handler", "Handler: index.handler\n      MemorySize: 1")
    s3.put_object(Bucket="nested-parts", Key="child2.yaml", Body=broken)
    body = PARENT.replace("child.yaml\n      Param", "child2.yaml\n      Param")
    stack = change(cloudformation, "nested", body, "UPDATE", Parameters=two)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert call(cloud, made["Plain"]) == "two-plain"

    cloudformation.delete_stack(StackName="nested")
    failed = settled(cloudformation, "nested")
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "in use by imports" in failed["StackStatusReason"]
    gone(cloudformation, imports)
    gone(cloudformation, failed)
    assert client("lambda").list_layer_versions(LayerName="nested-layer")["LayerVersions"] == []


CANARY = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: index.handler
      AutoPublishAlias: live
      DeploymentPreference: {Type: Canary10Percent10Minutes}
      InlineCode: "def handler(event, context): return 1"
"""


def test_gradual_deployments_are_refused_by_name(client: Client) -> None:
    with pytest.raises(ClientError) as failure:
        client("cloudformation").create_stack(
            StackName="canary", TemplateBody=CANARY, Capabilities=CAPABILITIES
        )
    assert failure.value.response["Error"]["Message"] == (
        "Template format error: Unrecognized resource types: [AWS::CodeDeploy::Application,"
        " AWS::CodeDeploy::DeploymentGroup]"
    )


GUARDED = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: nodejs20.x, Handler: index.handler, Timeout: 5}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        DefaultAuthorizer: Keeper
        Authorizers:
          Keeper:
            FunctionArn: !GetAtt Keeper.Arn
            Identity: {Header: X-Key, ReauthorizeEvery: 0}
      GatewayResponses:
        UNAUTHORIZED: {StatusCode: 401, ResponseTemplates: {application/json: '{"who": "are you"}'}}
      MethodSettings:
        - {ResourcePath: "/*", HttpMethod: "*", ThrottlingBurstLimit: 50, ThrottlingRateLimit: 100}
      DefinitionBody:
        openapi: 3.0.1
        info: {title: guarded, version: "1"}
        paths:
          /hello:
            get:
              responses: {}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                uri: !Sub
                  - "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Arn}/invocations"
                  - {Arn: !GetAtt Hello.Arn}
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        exports.handler = async (event) => {
          if (event.authorizationToken !== "open") throw new Error("Unauthorized");
          return { principalId: "me", policyDocument: { Version: "2012-10-17", Statement: [
            { Action: "execute-api:Invoke", Effect: "Allow", Resource: event.methodArn } ] } };
        };
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        exports.handler = async (event) =>
          ({ statusCode: 200, body: event.requestContext.authorizer.principalId });
      Events:
        Hello: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /hello, Method: get}}
Outputs:
  ApiId: {Value: !Ref Api}
"""


def test_an_api_with_a_body_of_its_own_and_an_authorizer(cloud: RunningCloud, client: Client) -> None:
    cloudformation = client("cloudformation")
    stack = change(cloudformation, "guarded", GUARDED, "CREATE")
    base = f"{cloud.https_url}/_aws/execute-api/{complete(cloudformation, stack)['ApiId']}/live"
    status, _headers, body = ask(cloud, "GET", f"{base}/hello")
    assert (status, json.loads(body)) == (401, {"who": "are you"})
    status, _headers, body = ask(cloud, "GET", f"{base}/hello", None, {"x-key": "open"})
    assert (status, body) == (200, b"me")
    gone(cloudformation, stack)


PLAIN_FUNCTION = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: index.handler
      InlineCode: "def handler(event, context): return 1"
Outputs: {Name: {Value: !Ref F}}
"""
SETTINGS = """      MemorySize: 512
      Timeout: 30
      EphemeralStorage: {Size: 2048}
      Tracing: Active
      LoggingConfig: {LogFormat: JSON, LogGroup: /settings/own}
      Environment: {Variables: {COLOR: red}}
      Description: settings
"""


def test_settings_that_a_template_loses(client: Client) -> None:
    cloudformation, functions = client("cloudformation"), client("lambda")
    full = PLAIN_FUNCTION.replace("      InlineCode", f"{SETTINGS}      InlineCode")
    name = complete(cloudformation, change(cloudformation, "settings", full, "CREATE"))["Name"]
    was = functions.get_function_configuration(FunctionName=name)
    assert was["EphemeralStorage"] == {"Size": 2048}
    assert was["LoggingConfig"]["LogFormat"] == "JSON"
    complete(cloudformation, change(cloudformation, "settings", PLAIN_FUNCTION, "UPDATE"))
    now = functions.get_function_configuration(FunctionName=name)
    assert (now["MemorySize"], now["Timeout"], now["Description"]) == (128, 3, "")
    assert now["EphemeralStorage"] == {"Size": 512}
    assert now["TracingConfig"] == {"Mode": "PassThrough"}
    assert now["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    assert not now.get("Environment", {}).get("Variables")
