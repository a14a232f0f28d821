"""kill -9 in the middle of the to-do app's whole life, again and again.

People sign up, write to-dos through the API, upload files with the identity pool's credentials, write through
DAX, while stacks are deployed. After each death: what was acknowledged is there, once and whole; nothing half
done shows; the caches agree with the table; interrupted deploys go on to an end.
"""

import http.client
import itertools
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from daxes import connected
from running import RunningCloud
from systems.test_todo import SYSTEMS, User, may
from waiting import PATIENCE, until

ROUNDS = int(os.environ.get("FAULT_ROUNDS_TODO", "3"))
QUICK = Config(retries={"max_attempts": 0}, connect_timeout=PATIENCE, read_timeout=PATIENCE)
PART = 5 << 20
LOST = (BotoCoreError, ClientError, OSError, http.client.HTTPException, urllib3.exceptions.HTTPError)


class Person:
    """Somebody who is signed in, with what they know to be true."""

    def __init__(self, cloud: RunningCloud, outputs: dict[str, str], email: str) -> None:
        user = User(cloud, outputs, email)
        self.token = user.tokens["IdToken"]
        self.identity, keys = user.credentials()
        self.keys = keys
        self.todos: dict[str, set[int]] = {}  # by id: the numbers that its title may have; 0 is no to-do
        self.files: dict[str, set[int]] = {}  # by key: the numbers that its content may be of; 0 is none
        self.through_dax: dict[str, set[int]] = {}
        self.people: dict[str, set[str]] = {}  # by address: the statuses that they may have; "" is no user
        self.versions: set[int] = {0}  # that the stack may have


class Load:
    """Threads that work until the cloud dies."""

    def __init__(self, cloud: RunningCloud, outputs: dict[str, str], person: Person, count: Iterator[int]):
        self._cloud, self._outputs, self._person, self._count = cloud, outputs, person, count
        self._http = urllib3.PoolManager(ca_certs=cloud.ca_file, retries=False, timeout=PATIENCE, maxsize=2)
        work = [self._sign_up, self._todo, self._todo, self._file, self._dax, self._deploy]
        self._threads = [threading.Thread(target=self._until_death, args=(each,)) for each in work]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(2 * PATIENCE)
            assert not thread.is_alive()
        self._http.clear()

    def _until_death(self, work: Callable[[], Callable[[], None]]) -> None:
        try:
            step = work()
            while True:
                step()
        except LOST:
            return

    def _sign_up(self) -> Callable[[], None]:
        idp = self._cloud.client("cognito-idp", config=QUICK.merge(Config(signature_version=UNSIGNED)))

        def step() -> None:
            email = f"p{next(self._count)}@example.com"
            named = {"ClientId": self._outputs["UserPoolClientId"], "Username": email}
            self._person.people[email] = {"", "UNCONFIRMED"}
            idp.sign_up(**named, Password="Secret-2026")
            self._person.people[email] = {"UNCONFIRMED"}
            code = code_of(self._cloud, email)
            self._person.people[email] = {"UNCONFIRMED", "CONFIRMED"}
            idp.confirm_sign_up(**named, ConfirmationCode=code)
            self._person.people[email] = {"CONFIRMED"}

        return step

    def _todo(self) -> Callable[[], None]:
        """A to-do of the thread's own, made and then changed again and again."""
        known = self._person.todos
        identifier = f"{next(self._count):032x}"

        def ask(method: str, path: str, body: Any) -> None:
            answer = self._http.request(
                method,
                self._outputs["ApiUrl"] + path,
                json=body,
                headers={"authorization": self._person.token},
            )
            if answer.status >= 500:  # the function's own calls meet a cloud that is dying
                raise urllib3.exceptions.HTTPError(answer.data)
            assert answer.status in (200, 201), answer.data

        def step() -> None:
            number = next(self._count)
            if identifier not in known:
                known[identifier] = {0, number}
                ask("POST", "/todos", {"id": identifier, "title": str(number)})
            else:
                known[identifier] = known[identifier] | {number}
                ask("PUT", f"/todos/{identifier}", {"title": str(number)})
            known[identifier] = {number}

        return step

    def _file(self) -> Callable[[], None]:
        """A file in two parts, again and again under one key."""
        s3 = self._cloud.client("s3", config=QUICK, **self._person.keys)
        where = {"Bucket": self._outputs["FilesBucket"], "Key": f"private/{self._person.identity}/film"}

        def step() -> None:
            number = next(self._count)
            known = self._person.files
            known[where["Key"]] = known.get(where["Key"], {0}) | {number}
            upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
            parts = [
                {"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"]}
                for n, body in enumerate((content(number), str(number).encode()), 1)
            ]
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            known[where["Key"]] = {number}

        return step

    def _dax(self) -> Callable[[], None]:
        return DaxWriter(self._outputs, self._person.through_dax, self._count).step

    def _deploy(self) -> Callable[[], None]:
        """A stack whose parameters all say which version they are of."""
        cloudformation = self._cloud.client("cloudformation", config=QUICK)

        def step() -> None:
            number = next(self._count)
            self._person.versions.add(number)
            cloudformation.update_stack(StackName="versions", TemplateBody=versions(number))
            until(lambda: not status(cloudformation).endswith("_IN_PROGRESS"), what="the update")
            assert status(cloudformation) == "UPDATE_COMPLETE"
            self._person.versions = {number}

        return step


class DaxWriter:
    """Writes one item through DAX, and reads it back from its cache."""

    def __init__(self, outputs: dict[str, str], known: dict[str, set[int]], count: Iterator[int]) -> None:
        self._outputs, self._known, self._count = outputs, known, count
        self._id = f"dax-{next(count)}"

    def step(self) -> None:
        """Until the connection is lost: AWS's client would go on for long."""
        with connected(self._outputs["DaxEndpoint"]) as client:
            while True:
                number = next(self._count)
                known = self._known[self._id] = self._known.get(self._id, {0}) | {number}
                key = {"owner": {"S": "dax"}, "id": {"S": self._id}}
                client.put_item(
                    TableName=self._outputs["TableName"], Item={**key, "title": {"S": str(number)}}
                )
                found = client.get_item(TableName=self._outputs["TableName"], Key=key)["Item"]
                assert found["title"]["S"] == str(number), known
                self._known[self._id] = {number}


def code_of(cloud: RunningCloud, email: str) -> str:
    """The code that a user was sent last; ConnectionError once the cloud is dead."""
    found = re.search(r"\b\d{6}\b", cloud.admin("GET", f"/_may/inbox?to={quote(email)}")[0]["text"])
    assert found is not None
    return found[0]


def content(number: int) -> bytes:
    return str(number).rjust(32).encode() * (PART // 32)


def versions(number: int) -> str:
    """Parameters that depend on each other, so that an update has a middle."""
    resources: dict[str, Any] = {}
    for index in range(8):
        after = {"DependsOn": [f"P{index - 1}"]} if index else {}
        properties = {"Type": "String", "Name": f"version-{index}", "Value": str(number)}
        resources[f"P{index}"] = {"Type": "AWS::SSM::Parameter", "Properties": properties, **after}
    return json.dumps({"Resources": resources})


def status(cloudformation: Any) -> str:
    return cloudformation.describe_stacks(StackName="versions")["Stacks"][0]["StackStatus"]


@pytest.mark.timeout(600)
def test_the_app_outlives_kill_9(tmp_path: Path) -> None:
    cloud = RunningCloud(tmp_path / "data", "--dax-port", "0").start()
    try:
        deployed = may(cloud, "deploy", str(SYSTEMS / "todo"))
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        outputs = json.loads(may(cloud, "outputs", "todo", "--json").stdout)
        cloudformation = cloud.client("cloudformation")
        cloudformation.create_stack(StackName="versions", TemplateBody=versions(0))
        until(lambda: status(cloudformation) == "CREATE_COMPLETE", what="the stack")
        person = Person(cloud, outputs, "an@example.com")
        count = itertools.count(1)
        moments = random.Random(3_012_026)
        kinds = (person.people, person.todos, person.files, person.through_dax)
        for round_ in range(ROUNDS):
            load = Load(cloud, outputs, person, count)
            enough = len(person.people) + 2

            def worked(enough: int = enough) -> bool:
                return len(person.people) >= enough and all(kinds) and 0 not in person.versions

            until(worked, what="everybody to have begun")
            time.sleep(moments.uniform(0.5, 2.0))  # the moment of death, not a wait for anything
            port = cloud.port
            cloud.kill()
            load.join()
            cloud.start(port)
            check(cloud, outputs, person, f"round {round_}")
    finally:
        cloud.stop()


def check(cloud: RunningCloud, outputs: dict[str, str], person: Person, when: str) -> None:
    check_people(cloud, outputs, person, when)
    check_todos(cloud, outputs, person, when)
    check_files(cloud, outputs, person, when)
    check_stack(cloud, person, when)
    assert not list((cloud.data / "staging").iterdir()), f"{when}: what was staged lies about"
    assert "Traceback" not in cloud.log.read_text(), cloud.log.read_text()[-4000:]


def check_people(cloud: RunningCloud, outputs: dict[str, str], person: Person, when: str) -> None:
    """A user is there if and only if the code was sent; it confirms."""
    pages = cloud.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=outputs["UserPoolId"])
    found = {email_of(user): user["UserStatus"] for page in pages for user in page["Users"]}
    for email, statuses in person.people.items():
        assert found.get(email, "") in statuses, f"{when}: {email}"
        person.people[email] = {found.get(email, "")}
    mails = {mail["to"] for mail in cloud.admin("GET", "/_may/inbox")}
    assert found.keys() == mails, f"{when}: a user without a code, or a code without a user"
    unconfirmed = [email for email, status in found.items() if status == "UNCONFIRMED"]
    idp = cloud.client("cognito-idp")
    for email in unconfirmed:
        client, code = outputs["UserPoolClientId"], code_of(cloud, email)
        idp.confirm_sign_up(ClientId=client, Username=email, ConfirmationCode=code)
        person.people[email] = {"CONFIRMED"}


def email_of(user: dict[str, Any]) -> str:
    return next(each["Value"] for each in user["Attributes"] if each["Name"] == "email")


def check_todos(cloud: RunningCloud, outputs: dict[str, str], person: Person, when: str) -> None:
    """List, single reads through DAX and the table say the same, which is what was acknowledged."""
    pool = urllib3.PoolManager(ca_certs=cloud.ca_file, timeout=PATIENCE, retries=False)

    def get(path: str) -> Any:
        answer = pool.request("GET", outputs["ApiUrl"] + path, headers={"authorization": person.token})
        assert answer.status == 200, f"{when}: {path} is {answer.status} {answer.data!r}"
        return json.loads(answer.data)

    first, cached = get("/todos?limit=200"), get("/todos?limit=200")
    assert first == cached
    listed = {todo["id"]: int(todo["title"]) for todo in first["todos"]}
    assert listed.keys() <= person.todos.keys()
    for identifier, numbers in person.todos.items():
        assert listed.get(identifier, 0) in numbers, f"{when}: to-do {identifier}"
    for identifier, number in listed.items():
        assert get(f"/todos/{identifier}")["title"] == str(number), f"{when}: DAX and table differ"
        person.todos[identifier] = {number}
    pool.clear()
    table = cloud.client("dynamodb")
    for identifier, numbers in person.through_dax.items():
        key = {"owner": {"S": "dax"}, "id": {"S": identifier}}
        item = table.get_item(TableName=outputs["TableName"], Key=key).get("Item")
        number = int(item["title"]["S"]) if item else 0
        assert number in numbers, f"{when}: what DAX acknowledged"
        with connected(outputs["DaxEndpoint"]) as dax:
            assert dax.get_item(TableName=outputs["TableName"], Key=key).get("Item") == item
        person.through_dax[identifier] = {number}


def check_files(cloud: RunningCloud, outputs: dict[str, str], person: Person, when: str) -> None:
    s3 = cloud.client("s3", **person.keys)
    for key, numbers in person.files.items():
        try:
            body = s3.get_object(Bucket=outputs["FilesBucket"], Key=key)["Body"].read()
        except ClientError:
            assert 0 in numbers, f"{when}: {key} is lost"
            continue
        number = int(body[PART:])
        assert number in numbers and body[:PART] == content(number), f"{when}: {key} is torn"
        person.files[key] = {number}


def check_stack(cloud: RunningCloud, person: Person, when: str) -> None:
    """The interrupted update ends, and all of the stack is of one version."""
    cloudformation = cloud.client("cloudformation")
    until(lambda: not status(cloudformation).endswith("_IN_PROGRESS"), what=f"{when}: the update to end")
    assert status(cloudformation) in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    names = [f"version-{index}" for index in range(8)]
    found = {each["Value"] for each in cloud.client("ssm").get_parameters(Names=names)["Parameters"]}
    assert len(found) == 1, f"{when}: half an update"
    version = int(*found)
    assert version in person.versions, f"{when}: an update is lost"
    person.versions = {version}
