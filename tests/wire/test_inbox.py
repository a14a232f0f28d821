"""The inbox: what services mail, read by administrators alone."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from click.testing import CliRunner

from maycloud.cli.inbox import inbox as inbox_command
from maycloud.cloud import Cloud
from maycloud.config import Config
from maycloud.inbox import KEPT, SHOWN, Inbox
from maycloud.store import Store
from running import ADMIN, RunningCloud


async def put(folder: Path, *mails: tuple[str, str]) -> None:
    """Mails as a service of the cloud sends them: (to, subject)."""
    cloud = Cloud(Config(folder, port=0))
    await cloud.start()
    for to, subject in mails:
        cloud.inbox.put("no-reply@verificationemail.com", to, subject, f"text of {subject}", "<b>html</b>")
    await cloud.store.db.committed()
    await cloud.stop()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A cloud whose services have sent three mails before it was started again."""
    data = tmp_path_factory.mktemp("inbox") / "data"
    asyncio.run(put(data, ("ann@example.com", "first"), ("bob@example.com", "other"),
                    ("Ann@Example.com", "second [bold]\x1b[31m")))  # fmt: skip
    running = RunningCloud(data).start()
    yield running
    running.stop()


def get(cloud: RunningCloud, path: str, credentials: Credentials | None) -> tuple[int, Any]:
    signed = AWSRequest("GET", cloud.url + path, headers={"host": f"localhost:{cloud.port}"})
    if credentials is not None:
        SigV4Auth(credentials, "may", "eu-west-1").add_auth(signed)
    with urllib3.PoolManager() as http:
        response = http.request("GET", cloud.url + path, headers=dict(signed.headers.items()))
        return response.status, json.loads(response.data)


def test_mails_of_an_address_come_newest_first(cloud: RunningCloud) -> None:
    status, mails = get(cloud, f"/_may/inbox?to={quote('ann@example.com')}", Credentials(*ADMIN))
    assert status == 200
    assert [mail["subject"] for mail in mails] == ["second [bold]\x1b[31m", "first"]
    assert mails[1].keys() == {"id", "from", "to", "subject", "text", "html", "receivedAt"}
    assert mails[1]["from"] == "no-reply@verificationemail.com"
    assert mails[1]["text"] == "text of first"
    assert mails[1]["html"] == "<b>html</b>"
    assert mails[1]["receivedAt"].endswith("Z")
    assert get(cloud, "/_may/inbox?to=", Credentials(*ADMIN)) == (200, [])
    assert get(cloud, "/_may/inbox?to=%27%20OR%201%3D1", Credentials(*ADMIN)) == (200, [])


def test_an_administrator_of_any_account_reads_all(cloud: RunningCloud) -> None:
    status, mails = get(cloud, "/_may/inbox", Credentials("111122223333", ADMIN[1]))
    assert (status, len(mails)) == (200, 3)


def test_others_are_refused(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    someone = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    for credentials, code in (
        (None, "MissingAuthenticationToken"),
        (someone, "AccessDenied"),
        (Credentials("test", "wrong"), "InvalidSignatureException"),
        (Credentials("AKIANOBODY", "wrong"), "UnrecognizedClientException"),
    ):
        status, answer = get(cloud, "/_may/inbox?to=ann%40example.com", credentials)
        assert (status, answer["code"]) == (403, code)
        assert answer["message"]


def test_the_command_prints_a_table_and_no_escapes(cloud: RunningCloud) -> None:
    data = str(cloud.data)
    shown = CliRunner().invoke(inbox_command, ["ann@example.com", "--data", data]).output
    assert "text of first" in shown
    assert "second [bold]" in shown
    assert "\x1b" not in shown
    assert "other" not in shown
    listed = json.loads(CliRunner().invoke(inbox_command, ["--json", "--data", data]).output)
    assert [mail["to"] for mail in listed] == ["Ann@Example.com", "bob@example.com", "ann@example.com"]
    nothing = CliRunner().invoke(inbox_command, ["none@example.com", "--data", data]).output
    assert nothing == "no mail to none@example.com yet\n"


async def test_the_oldest_mails_make_room(tmp_path: Path) -> None:
    store = Store(tmp_path)
    inbox = Inbox(store)
    for number in range(KEPT + 5):
        inbox.put("a@example.com", f"u{number % 2}@example.com", str(number), "")
    assert store.db.row("SELECT min(number), count(*) FROM inbox_mails") == (6, KEPT)
    assert len(inbox.mails()) == SHOWN
    assert inbox.mails("u0@example.com")[0]["subject"] == str(KEPT + 4)
    await store.close()
