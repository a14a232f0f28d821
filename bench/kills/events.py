"""Load that causes something: invocations with outcomes, requests to an API, sign-ups with mails, stacks."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import urllib3
from botocore import UNSIGNED
from botocore.config import Config

from bench.kills.parts import QUICK, Cloud, Part, Step, numbers, paged

SOURCE = """
import boto3, json
table = boto3.client("dynamodb")

def handler(event, context):
    number = str(event["n"]) if "n" in event else json.loads(event["body"])["n"]
    if event.get("fail"):
        raise ValueError(number)
    table.put_item(TableName="kills-ran", Item={"h": {"S": number}})
    return {"statusCode": 200, "body": number}
"""
HOME = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{HOME}:function:kills"


def make_function(cloud: Cloud) -> None:
    """The function that both the invocations and the API run, and the table that it writes into."""
    cloud.client("dynamodb").create_table(
        TableName="kills-ran", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
    )  # fmt: skip
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    role = iam.create_role(
        RoleName="kills",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    for name in ("AmazonDynamoDBFullAccess", "AmazonS3FullAccess"):
        iam.attach_role_policy(RoleName="kills", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", SOURCE)
    cloud.client("lambda").create_function(
        FunctionName="kills", Runtime="python3.12", Role=role, Handler="app.handler", Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip


def ran(cloud: Cloud) -> set[str]:
    return {
        item["h"]["S"] for item in paged(cloud.client("dynamodb"), "scan", "Items", TableName="kills-ran")
    }


class Invocations(Part):
    """Events for a function; the outcome of each, once at least, is an object in a bucket."""

    def prepare(self, cloud: Cloud) -> None:
        self.good: set[str] = set()
        self.bad: set[str] = set()
        make_function(cloud)
        cloud.client("s3").create_bucket(Bucket="kills-outcomes")
        client = cloud.client("lambda")
        client.publish_version(FunctionName="kills")
        client.put_function_event_invoke_config(
            FunctionName="kills", MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::kills-outcomes"}},
        )  # fmt: skip

    def connect(self, cloud: Cloud) -> Step:
        client = cloud.client("lambda", config=QUICK)

        def step() -> None:
            number = next(numbers)
            event = {"n": str(number), "fail": number % 3 == 0}
            client.invoke(FunctionName="kills", InvocationType="Event", Payload=json.dumps(event))
            (self.bad if event["fail"] else self.good).add(str(number))
            self.acknowledged += 1

        return step

    def finish(self, cloud: Cloud) -> None:
        wait(lambda: self.good <= ran(cloud), "every event that was accepted to run")
        s3 = cloud.client("s3")
        told: dict[str, str] = {}

        def all_told() -> bool:
            for row in paged(s3, "list_objects_v2", "Contents", Bucket="kills-outcomes"):
                if row["Key"] not in told:
                    body = s3.get_object(Bucket="kills-outcomes", Key=row["Key"])["Body"].read()
                    told[row["Key"]] = json.loads(body)["requestPayload"]["n"]
            return self.bad <= set(told.values())

        wait(all_told, "every failure to reach its destination")


class Requests(Part):
    """POSTs through API Gateway to a function that writes, with an API key whose use is counted."""

    def prepare(self, cloud: Cloud) -> None:
        self.numbers: set[str] = set()
        self.sent = self.counted = 0
        gateway = cloud.client("apigateway")
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
        integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
        post = {"security": [{"key": []}], "x-amazon-apigateway-integration": integration, "responses": {}}
        document = {
            "swagger": "2.0", "info": {"title": "kills", "version": "1"}, "paths": {"/": {"post": post}},
            "securityDefinitions": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        }  # fmt: skip
        self.api = gateway.import_rest_api(body=json.dumps(document).encode())["id"]
        gateway.create_deployment(restApiId=self.api, stageName="s")
        cloud.client("lambda").add_permission(
            FunctionName="kills", StatementId="api", Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )  # fmt: skip
        stages = [{"apiId": self.api, "stage": "s"}]
        quota = {"limit": 1_000_000, "period": "MONTH"}
        self.plan = gateway.create_usage_plan(name="kills", apiStages=stages, quota=quota)["id"]
        key = gateway.create_api_key(name="kills", enabled=True)
        gateway.create_usage_plan_key(usagePlanId=self.plan, keyId=key["id"], keyType="API_KEY")
        self.key = key["value"]

    def connect(self, cloud: Cloud) -> Step:
        http = urllib3.PoolManager(ca_certs=cloud.ca_file, retries=False, timeout=60, maxsize=1)
        url = f"{cloud.https_url}/_aws/execute-api/{self.api}/s/"

        def step() -> None:
            number = str(next(numbers))
            self.sent += 1
            answer = http.request("POST", url, json={"n": number}, headers={"x-api-key": self.key})
            assert answer.status == 200, answer.data
            self.numbers.add(number)
            self.acknowledged += 1

        return step

    def check(self, cloud: Cloud) -> None:
        lost = self.numbers - ran(cloud)
        assert not lost, f"what the API answered is lost: {sorted(lost)[:5]}"


class People(Part):
    """Sign-ups: a user is there if and only if the code was mailed, and the code confirms."""

    def prepare(self, cloud: Cloud) -> None:
        self.known: set[str] = set()
        idp = cloud.client("cognito-idp")
        pool = idp.create_user_pool(
            PoolName="kills", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"]
        )
        self.pool = pool["UserPool"]["Id"]
        app = idp.create_user_pool_client(UserPoolId=self.pool, ClientName="kills")["UserPoolClient"]
        self.app = app["ClientId"]

    def connect(self, cloud: Cloud) -> Step:
        idp = cloud.client("cognito-idp", config=QUICK.merge(Config(signature_version=UNSIGNED)))

        def step() -> None:
            email = f"p{next(numbers)}@example.com"
            idp.sign_up(ClientId=self.app, Username=email, Password="Secret-2026")
            self.known.add(email)
            self.acknowledged += 1

        return step

    def check(self, cloud: Cloud) -> None:
        idp = cloud.client("cognito-idp")
        asked = {"UserPoolId": self.pool, "Filter": 'cognito:user_status = "UNCONFIRMED"'}
        users = {email_of(user) for user in paged(idp, "list_users", "Users", **asked)}
        assert self.known <= users, f"users are lost: {sorted(self.known - users)[:5]}"
        for email in users:
            mail = cloud.admin("GET", f"/_may/inbox?to={quote(email)}")
            assert len(mail) == 1, f"{email} has {len(mail)} mails"
            code = re.search(r"\b\d{6}\b", mail[0]["text"])
            assert code is not None
            idp.confirm_sign_up(ClientId=self.app, Username=email, ConfirmationCode=code[0])
        self.known = set()


def email_of(user: dict[str, Any]) -> str:
    return next(each["Value"] for each in user["Attributes"] if each["Name"] == "email")


class Stacks(Part):
    """Updates of a stack whose parameters depend on each other; an interrupted one goes on to its end."""

    size = 4

    def prepare(self, cloud: Cloud) -> None:
        self.may_be = {0}
        client = cloud.client("cloudformation")
        client.create_stack(StackName="kills", TemplateBody=self.template(0))
        wait(lambda: self.status(client) == "CREATE_COMPLETE", "the stack")

    def template(self, number: int) -> str:
        resources: dict[str, Any] = {}
        for index in range(self.size):
            after = {"DependsOn": [f"P{index - 1}"]} if index else {}
            properties = {"Type": "String", "Name": f"kills-{index}", "Value": str(number)}
            resources[f"P{index}"] = {"Type": "AWS::SSM::Parameter", "Properties": properties, **after}
        return json.dumps({"Resources": resources})

    @staticmethod
    def status(client: Any) -> str:
        return client.describe_stacks(StackName="kills")["Stacks"][0]["StackStatus"]

    def connect(self, cloud: Cloud) -> Step:
        client = cloud.client("cloudformation", config=QUICK)

        def step() -> None:
            number = next(numbers)
            self.may_be.add(number)
            client.update_stack(StackName="kills", TemplateBody=self.template(number))
            self.may_be = {number}  # what was accepted is carried out, whoever dies meanwhile
            self.acknowledged += 1
            wait(lambda: self.status(client) == "UPDATE_COMPLETE", "the update")

        return step

    def check(self, cloud: Cloud) -> None:
        client = cloud.client("cloudformation")
        wait(lambda: not self.status(client).endswith("_IN_PROGRESS"), "the interrupted update to end")
        assert self.status(client) in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), self.status(client)
        names = [f"kills-{index}" for index in range(self.size)]
        found = {each["Value"] for each in cloud.client("ssm").get_parameters(Names=names)["Parameters"]}
        assert len(found) == 1, f"half an update: {sorted(found)}"
        version = int(*found)
        assert version in self.may_be, f"version {version}, but it may be {self.may_be}"
        self.may_be = {version}


def wait(condition: Callable[[], bool], what: str) -> None:
    from waiting import until  # type: ignore[import-not-found]

    until(condition, 120, what)
