"""The console: who comes in, and what those try who should not."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from click.testing import CliRunner

from browsing import Browser, Page
from maycloud.cli.console import console as console_command
from maycloud.cloud import Cloud
from maycloud.config import Config
from running import RunningCloud

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
ROOMS = ("", "/inbox", "/denials", "/logs", "/stack?name=plain", "/mail?id=1", "/mail/html?id=1", "/nowhere")


async def put_mails(folder: Path) -> None:
    cloud = Cloud(Config(folder, port=0))
    await cloud.start()
    cloud.inbox.put(f"{EVIL}@example.com", "ann@example.com", EVIL, f"{EVIL} javascript:alert(3)", EVIL)
    cloud.inbox.put("a@example.com", "bob@example.com", "For Bob", "See https://example.com/a?b=1&c=2.")
    await cloud.store.db.committed()
    await cloud.stop()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A cloud whose stacks, logs and mails hold what somebody would like a browser to run."""
    data = tmp_path_factory.mktemp("console") / "data"
    asyncio.run(put_mails(data))
    running = RunningCloud(data).start()
    stacks, logs = running.client("cloudformation"), running.client("logs")
    template = {
        "Description": EVIL,
        "Resources": {
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "plain-group"}}
        },
        "Outputs": {
            "Site": {"Value": "https://app.example/?a=1&b=2"},
            "Script": {"Value": "javascript:alert(1)"},
            "Evil": {"Value": EVIL},
        },
    }  # fmt: skip
    stacks.create_stack(StackName="plain", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="plain", WaiterConfig={"Delay": 1})
    logs.create_log_stream(logGroupName="plain-group", logStreamName="<b>stream")
    event = {"timestamp": int(time.time() * 1000), "message": EVIL}
    logs.put_log_events(logGroupName="plain-group", logStreamName="<b>stream", logEvents=[event])
    yield running
    running.stop()


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


def address(cloud: RunningCloud, path: str = "") -> str:
    return f"{cloud.url}/_may/console{path}"


def sign_in(cloud: RunningCloud, browser: Browser, key: str = "test", secret: str = "test") -> Page:
    return browser.fill(browser.get(address(cloud)), key=key, secret=secret)


def signed(cloud: RunningCloud, credentials: Credentials) -> dict[str, str]:
    """Headers of a request for a link."""
    request = AWSRequest(
        "POST", address(cloud, "/link"), data=b"{}", headers={"host": urlsplit(cloud.url).netloc}
    )
    SigV4Auth(credentials, "may", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_a_session_sees_the_rooms_and_ends(cloud: RunningCloud, browser: Browser) -> None:
    entered = sign_in(cloud, browser)
    assert (entered.status, entered.location) == (303, "/_may/console")
    cookie = browser.set_cookies[0]
    assert cookie.startswith("may-session=")
    assert {"Path=/_may/", "HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    session = browser.cookies["may-session"]
    overview = browser.get(address(cloud))
    assert "plain" in overview.text and "CREATE_COMPLETE" in overview.text
    assert "https://app.example/?a=1&b=2" in overview.links
    stack = browser.get(address(cloud, "/stack?name=plain"))
    assert "AWS::Logs::LogGroup" in stack.text and "plain-group" in stack.text
    assert browser.get(address(cloud, "/inbox?to=BOB@example.com")).text.count("example.com") >= 2
    assert "For Bob" not in browser.get(address(cloud, "/inbox?to=ann@example.com")).text
    assert "plain-group" in browser.get(address(cloud, "/logs?find=plain")).text
    assert "plain-group" not in browser.get(address(cloud, "/logs?region=eu-west-1")).text
    assert browser.get(address(cloud, "/nowhere")).status == 404
    assert browser.fill(overview).status == 303  # the first form signs out
    assert browser.cookies == {}
    browser.cookies["may-session"] = session
    assert browser.get(address(cloud)).forms[0]["action"].endswith("/sign-in")


def test_over_https_the_cookie_is_secure(cloud: RunningCloud) -> None:
    browser = Browser(cloud.ca_file)
    page = browser.get(f"{cloud.https_url}/_may/console")
    browser.fill(page, key="test", secret="test")
    assert browser.set_cookies[0].startswith("__Secure-may-session=")
    assert "; Secure" in browser.set_cookies[0]
    assert "plain" in browser.get(f"{cloud.https_url}/_may/console").text
    browser.close()


def test_nothing_without_a_session(cloud: RunningCloud, browser: Browser) -> None:
    for cookie in ("", "may-session=", "may-session=forged", f"may-session={'x' * 5000}", "may-session=\xff",
                   "__Secure-may-session=x", "a=1;;=;"):  # fmt: skip
        for room in ROOMS:
            page = browser.request("GET", address(cloud, room), {"cookie": cookie})
            assert page.status in (200, 403)
            assert page.forms[0]["action"].endswith("/sign-in"), room
            assert "plain-group" not in page.body and "example.com" not in page.body
        page = browser.request("GET", f"{cloud.url}/_may/inbox", {"cookie": cookie})
        assert (page.status, json.loads(page.body)["code"]) == (403, "MissingAuthenticationToken")


def test_the_session_reads_the_inbox_as_json(cloud: RunningCloud, browser: Browser) -> None:
    sign_in(cloud, browser)
    mails = json.loads(browser.get(f"{cloud.url}/_may/inbox?to=bob%40example.com").body)
    assert [mail["subject"] for mail in mails] == ["For Bob"]
    for refused in (
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:1"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"host": f"evil.example:{cloud.port}"},
        {"authorization": "AWS4-HMAC-SHA256 nonsense"},
    ):
        page = browser.request("GET", f"{cloud.url}/_may/inbox", refused)
        assert page.status in (400, 403), refused
        assert "For Bob" not in page.body
    for path in ("status", "clock"):  # only the inbox
        assert browser.get(f"{cloud.url}/_may/{path}").status == 403
    assert browser.post(f"{cloud.url}/_may/clock", {}).status == 403


def test_a_session_ends_with_its_time(fresh_cloud: RunningCloud, browser: Browser) -> None:
    sign_in(fresh_cloud, browser)
    assert browser.get(address(fresh_cloud)).text.count("Sign out") == 1
    fresh_cloud.advance(12 * 3600 + 1)
    assert "Sign out" not in browser.get(address(fresh_cloud)).text
    assert browser.get(f"{fresh_cloud.url}/_may/inbox").status == 403


def test_a_session_ends_with_its_key_and_survives_a_crash(
    fresh_cloud: RunningCloud, browser: Browser
) -> None:
    iam = fresh_cloud.client("iam")
    iam.create_user(UserName="root2")
    iam.attach_user_policy(UserName="root2", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="root2")["AccessKey"]
    assert sign_in(fresh_cloud, browser, key["AccessKeyId"], key["SecretAccessKey"]).status == 303
    port = fresh_cloud.port
    fresh_cloud.kill()
    fresh_cloud.start(port)
    assert "Sign out" in browser.get(address(fresh_cloud)).text
    iam.detach_user_policy(UserName="root2", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert "Sign out" not in browser.get(address(fresh_cloud)).text
    iam.attach_user_policy(UserName="root2", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert "Sign out" in browser.get(address(fresh_cloud)).text
    iam.update_access_key(UserName="root2", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert "Sign out" not in browser.get(address(fresh_cloud)).text
    # A new secret of the administrator's ends what the old one opened.
    other = Browser()
    sign_in(fresh_cloud, other)
    fresh_cloud.stop()
    fresh_cloud.options = ("--admin-secret", "another")
    fresh_cloud.start(port)
    assert "Sign out" not in other.get(address(fresh_cloud)).text
    assert sign_in(fresh_cloud, other, secret="another").status == 303
    other.close()


def test_only_administrators_come_in(cloud: RunningCloud, browser: Browser) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="reader")
    iam.attach_user_policy(UserName="reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    secret = key["SecretAccessKey"]
    for given in ((key["AccessKeyId"], secret), ("nobody", "test"), ("test", "Test"), ("test", ""), ("", "")):
        page = sign_in(cloud, browser, *given)
        assert page.status == 403, given
        assert "may-session" not in browser.cookies
        assert "not an administrator" in page.text
        assert sign_in(cloud, browser).status == 303  # which also forgets the wrong one
        browser.fill(browser.get(address(cloud)))
    assert (
        browser.post(
            address(cloud, "/link"), {}, signed(cloud, Credentials(key["AccessKeyId"], secret))
        ).status
        == 403
    )
    assert (
        browser.post(address(cloud, "/link"), {}, signed(cloud, Credentials("test", "wrong"))).status == 403
    )
    assert browser.post(address(cloud, "/link"), {}).status == 403


def test_another_accounts_administrator_sees_that_account(cloud: RunningCloud, browser: Browser) -> None:
    cloud.client("iam").create_user(UserName="powerless")
    key = cloud.client("iam").create_access_key(UserName="powerless")["AccessKey"]
    nobody = cloud.client("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    with pytest.raises(nobody.exceptions.ClientError):
        nobody.list_users()
    sign_in(cloud, browser)
    assert "iam:ListUsers" in browser.get(address(cloud, "/denials")).text
    other = Browser()
    assert sign_in(cloud, other, "111122223333", "test").status == 303
    assert "plain" not in other.get(address(cloud)).text
    assert "iam:ListUsers" not in other.get(address(cloud, "/denials")).text
    assert other.get(address(cloud, "/stack?name=plain")).status == 404
    other.close()


def test_guessing_is_slowed(fresh_cloud: RunningCloud, browser: Browser) -> None:
    for number in range(5):
        page = sign_in(fresh_cloud, browser, f"key{number}" if number % 2 else "test", f"guess{number}")
        assert page.status == 403
    page = sign_in(fresh_cloud, browser)  # the right one, too soon
    assert page.status == 429
    assert "Too many attempts" in page.text
    fresh_cloud.advance(1)
    for wait in (2, 4, 8):
        assert sign_in(fresh_cloud, browser, secret="guess").status == 403
        assert sign_in(fresh_cloud, browser).status == 429
        fresh_cloud.advance(wait)
    assert sign_in(fresh_cloud, browser).status == 303


def test_a_link_signs_in_once(cloud: RunningCloud, browser: Browser) -> None:
    shown = CliRunner().invoke(console_command, ["--json", "--data", str(cloud.data)]).output
    url = json.loads(shown)["url"]
    ticket = parse_qs(urlsplit(url).query)["link"][0]
    browser.get(url)  # looking uses nothing up
    page = browser.get(url)
    assert "arn:aws:iam::000000000000:user/admin" in page.text
    assert browser.fill(page).status == 303
    assert "plain" in browser.get(address(cloud)).text
    thief = Browser()
    for attempt in (
        thief.get(url),
        thief.fill(page),
        thief.get(address(cloud, f"/enter?link={quote('<b>')}")),
    ):
        assert attempt.status == 403
        assert "may-session" not in thief.cookies
    thief.cookies["may-session"] = ticket  # a link is no session
    assert "Sign out" not in thief.get(address(cloud)).text
    thief.close()


def test_a_link_ends_after_five_minutes(fresh_cloud: RunningCloud, browser: Browser) -> None:
    output = CliRunner().invoke(console_command, ["--data", str(fresh_cloud.data)]).output
    url = output.split()[0]
    page = browser.get(url)
    fresh_cloud.advance(301)
    assert browser.get(url).status == 403
    assert browser.fill(page).status == 403
    assert browser.cookies.keys() <= {"may-form"}


def test_forms_of_others_are_refused(cloud: RunningCloud, browser: Browser) -> None:
    page = browser.get(address(cloud))
    right = {"key": "test", "secret": "test"} | {"token": page.forms[0]["fields"]["token"]}
    for fields, headers in (
        (right | {"token": ""}, {}),
        (right | {"token": "0" * 64}, {}),
        ({"key": "test", "secret": "test"}, {}),
        (right, {"cookie": ""}),
        (right, {"cookie": "may-form=another"}),
        (right, {"origin": "https://evil.example"}),
        (right, {"origin": "http://localhost:1"}),
        (right, {"origin": "null"}),
        (right, {"sec-fetch-site": "cross-site"}),
        (right, {"sec-fetch-site": "same-site"}),
    ):
        answer = browser.post(address(cloud, "/sign-in"), fields, headers)
        assert answer.status == 403, (fields, headers)
        assert "may-session" not in browser.cookies
    sign_in(cloud, browser)
    token = browser.get(address(cloud)).forms[0]["fields"]["token"]
    for fields, headers in (
        ({}, {}),
        ({"token": right["token"]}, {}),  # of the time before
        ({"token": token}, {"origin": "https://evil.example"}),
    ):
        assert browser.post(address(cloud, "/sign-out"), fields, headers).status == 403
        assert "Sign out" in browser.get(address(cloud)).text
    big = browser.post(address(cloud, "/sign-out"), {"token": token, "more": "x" * 2_000_000})
    assert big.status == 403
    assert browser.request("POST", address(cloud, "/sign-out"), {}, "%ff%fe=%00").status == 403
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert browser.request(method, address(cloud)).status == 405


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "bucket.s3.amazonaws.com"])
def test_other_names_for_this_machine_show_nothing(cloud: RunningCloud, browser: Browser, host: str) -> None:
    """DNS rebinding: https://en.wikipedia.org/wiki/DNS_rebinding."""
    sign_in(cloud, browser)
    for path in ("", "/sign-in", "/style.css", "/inbox", "/link"):
        for method in ("GET", "POST"):
            page = browser.request(method, address(cloud, path), {"host": host})
            assert page.status in (400, 421)
            assert "form" not in page.body and "plain" not in page.body
    assert browser.request("GET", address(cloud), {"host": "127.0.0.1"}).status == 200


def test_what_others_wrote_is_only_text(cloud: RunningCloud, browser: Browser) -> None:
    sign_in(cloud, browser)
    mails = json.loads(browser.get(f"{cloud.url}/_may/inbox?to=ann%40example.com").body)
    stream = quote("<b>stream")
    for room in (
        "", "/stack?name=plain", "/inbox", f"/inbox?to={quote(EVIL)}", f"/mail?id={mails[0]['id']}",
        f"/mail?id={quote(EVIL)}", "/logs/group?group=plain-group", f"/stack?name={quote(EVIL)}",
        f"/logs/stream?group=plain-group&stream={stream}", f"/logs?find={quote(EVIL)}",
        f"/logs/group?group={quote(EVIL)}", f"/logs?region={quote(EVIL)}", f"/logs?next={quote(EVIL)}",
        f"/logs/stream?group=plain-group&stream={stream}&next={quote(EVIL)}", "/%3Cscript%3E",
    ):  # fmt: skip
        page = browser.get(address(cloud, room))
        assert page.status in (200, 404), room
        assert "<script" not in page.body and "<img" not in page.body and "<b>" not in page.body, room
        assert not any(link.startswith("javascript") for link in page.links), room
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
        assert "frame-ancestors 'none'" in policy and page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert not page.unlabelled
    shown = browser.get(address(cloud, f"/logs/stream?group=plain-group&stream={stream}"))
    assert EVIL in shown.text


def test_a_mails_html_is_a_page_of_no_origin(cloud: RunningCloud, browser: Browser) -> None:
    sign_in(cloud, browser)
    mail = json.loads(browser.get(f"{cloud.url}/_may/inbox?to=ann%40example.com").body)[0]
    page = browser.get(address(cloud, f"/mail?id={mail['id']}"))
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.body
    framed = browser.get(address(cloud, f"/mail/html?id={mail['id']}"))
    policy = framed.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    for word in ("allow-scripts", "allow-same-origin", "allow-forms", "allow-top-navigation", "'self' "):
        assert word not in policy
    assert "default-src 'none'" in policy
    text = browser.get(f"{address(cloud)}/mail?id={for_bob(cloud, browser)}")
    assert "https://example.com/a?b=1&c=2" in text.links
    assert browser.get(address(cloud, f"/mail/html?id={for_bob(cloud, browser)}")).text == ""


def for_bob(cloud: RunningCloud, browser: Browser) -> str:
    return json.loads(browser.get(f"{cloud.url}/_may/inbox?to=bob%40example.com").body)[0]["id"]


def test_secrets_stay_out_of_log_and_database(cloud: RunningCloud, browser: Browser) -> None:
    sign_in(cloud, browser)
    session = browser.cookies["may-session"].encode()
    for file in (cloud.log, cloud.data / "cloud.db", cloud.data / "cloud.db-wal"):
        if file.exists():
            assert session not in file.read_bytes()
