"""The console in Chromium: in by a link, round by touch and by keys, with a mail that would like to run."""

import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, Route, expect

from maycloud.cli.console import console as console_command
from running import RunningCloud
from screens import check_accessible, on_phone, picture
from userpools import PASSWORD, new_client

MAIL = (
    "<h1 style='color:#0b6b63'>Welcome to the shop</h1><p>Your code is <b>{####}</b></p>"
    "<script>document.title = 'run'; top.location = 'https://evil.example/'</script>"
    "<img src='https://evil.example/seen.png' onerror='parent.document.title = 1'>"
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>"
    "<form action='/_may/console/sign-out' method=post><button>Go on</button></form>"
    "<a href='https://shop.example/'>To the shop</a>"
)
TEMPLATE = {
    "Description": "A shop's tables and users",
    "Resources": {
        "Orders": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        },
        "Users": {
            "Type": "AWS::Cognito::UserPool",
            "Properties": {
                "AutoVerifiedAttributes": ["email"],
                "EmailVerificationSubject": "Welcome",
                "EmailVerificationMessage": MAIL,
            },
        },
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/shop/orders"}},
    },
    "Outputs": {
        "ShopUrl": {"Value": "https://shop.localhost:4566/"},
        "OrdersTable": {"Value": {"Ref": "Orders"}},
        "UserPoolId": {"Value": {"Ref": "Users"}},
    },
}


@pytest.fixture(scope="module")
def shop(cloud: RunningCloud) -> RunningCloud:
    """A cloud with a stack, a mail, log lines and a denial."""
    stacks, logs, iam = (cloud.client(name) for name in ("cloudformation", "logs", "iam"))
    stacks.create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig={"Delay": 1})
    outputs = {
        each["OutputKey"]: each["OutputValue"]
        for each in stacks.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    }
    app = new_client(cloud, outputs["UserPoolId"])
    cloud.client("cognito-idp").sign_up(
        ClientId=app,
        Username="ann",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
    )
    logs.create_log_stream(logGroupName="/shop/orders", logStreamName="today")
    now = int(time.time() * 1000)
    lines = ["order 1: rice, 2 kg", "order 2: <b>mangoes</b>", "order 2: paid"]
    events = [{"timestamp": now + at, "message": line} for at, line in enumerate(lines)]
    logs.put_log_events(logGroupName="/shop/orders", logStreamName="today", logEvents=events)
    iam.create_user(UserName="orders")
    key = iam.create_access_key(UserName="orders")["AccessKey"]
    denied = cloud.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    with pytest.raises(denied.exceptions.ClientError):
        denied.scan(TableName=outputs["OrdersTable"])
    return cloud


def enter(cloud: RunningCloud, page: Page) -> None:
    shown = CliRunner().invoke(console_command, ["--json", "--data", str(cloud.data)]).output
    page.goto(json.loads(shown)["url"])
    check_accessible(page)
    page.get_by_role("button", name="Go in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.fixture(params=["light", "dark"])
def phone(browser: Browser, shop: RunningCloud, request: pytest.FixtureRequest) -> Iterator[Page]:
    with on_phone(browser, color_scheme=request.param) as page:
        enter(shop, page)
        yield page


def in_scheme(page: Page, scheme: str, name: str) -> None:
    """A picture, where the page is seen in that scheme."""
    if page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches"):
        picture(page, name)


def test_every_room_on_a_phone(phone: Page) -> None:
    page = phone
    left: list[str] = []  # what went out to another origin

    def outside(route: Route) -> None:
        left.append(urlsplit(route.request.url).netloc)
        route.fulfill(body="outside")

    home = urlsplit(page.url).netloc
    page.context.route(lambda url: urlsplit(url).netloc != home, outside)
    expect(page.get_by_role("link", name="https://shop.localhost:4566/")).to_be_visible()
    check_accessible(page)
    in_scheme(page, "light", "console-overview")
    page.get_by_role("link", name="shop", exact=True).click()
    expect(page.get_by_text("AWS::DynamoDB::Table").first).to_be_visible()
    check_accessible(page)

    page.get_by_role("link", name="Inbox").click()
    page.get_by_label("To").fill("ann@example.com")
    page.get_by_role("button", name="Show").click()
    check_accessible(page)
    page.get_by_role("link", name="Welcome").click()
    framed = page.frame_locator("iframe")
    expect(framed.get_by_role("heading", name="Welcome to the shop")).to_be_visible()
    expect(page).to_have_title("Welcome · Maycloud")
    in_scheme(page, "dark", "console-mail")
    framed.get_by_role("button", name="Go on").click()  # which a sandbox does not send
    with page.expect_popup() as popup:
        framed.get_by_role("link", name="To the shop").click()
    assert popup.value.evaluate("window.opener") is None
    popup.value.close()

    page.get_by_role("link", name="Denials").click()
    expect(page.get_by_text("dynamodb:Scan").first).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="Logs").click()
    page.get_by_label("Name contains").fill("shop")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="/shop/orders").click()
    page.get_by_role("link", name="today").click()
    expect(page.get_by_text("order 2: <b>mangoes</b>")).to_be_visible()
    check_accessible(page)
    in_scheme(page, "light", "console-logs")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert left == ["shop.example"]  # the link that was followed


def test_by_keyboard(browser: Browser, shop: RunningCloud) -> None:
    """From the access key to the way past the navigation, without a pointer."""
    page = browser.new_page()
    page.goto(f"{shop.url}/_may/console")
    check_accessible(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("test")
    page.keyboard.press("Tab")
    page.keyboard.type("test")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Region")).to_be_focused()
    page.close()


def test_another_site_in_the_same_browser(browser: Browser, shop: RunningCloud) -> None:
    """A page of another origin: it can neither read with the session, frame a page, nor send a form."""
    with on_phone(browser) as page:
        enter(shop, page)
        home = page.url
        cookies = page.context.cookies()
        assert [(each.get("name"), each.get("httpOnly"), each.get("sameSite")) for each in cookies] == [
            ("may-session", True, "Strict")
        ]
        # The same port under another name: to the browser another site.
        page.goto(shop.url.replace("localhost", "127.0.0.1") + "/_may/health")
        for url in (home, f"{shop.url}/_may/inbox"):
            read = page.evaluate(
                "url => fetch(url, {credentials: 'include'}).then(r => r.text(), e => 'refused')", url
            )
            assert read == "refused"
        page.evaluate(
            "url => { const f = document.createElement('iframe'); f.src = url; document.body.append(f) }",
            home,
        )
        page.wait_for_function("document.querySelector('iframe').contentDocument === null")
        assert all("Overview" not in frame.content() for frame in page.frames[1:])
        page.evaluate(
            "url => { const f = document.createElement('form'); f.method = 'post'; f.action = url;"
            " document.body.append(f); f.submit() }",
            f"{home}/sign-out",
        )
        expect(page.get_by_role("alert")).to_contain_text("not one of the console's")
        page.goto(home)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
