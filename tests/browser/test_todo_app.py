"""The to-do app in Chromium, at the size of a phone: from sign-up to sign-out, offline in between.

With MAY_PICTURES set to a folder, `make pictures`, what is seen on the way is kept there for the docs.
"""

import base64
import hmac
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from running import RunningCloud
from screens import check_accessible, on_phone, picture
from waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
PASSWORD = "Xoai-chin-2026"


def may(cloud: RunningCloud, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", *arguments, "--data", str(cloud.data)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def outputs(cloud: RunningCloud) -> dict[str, str]:
    may(cloud, "deploy", str(ROOT / "systems/todo"))
    return json.loads(may(cloud, "outputs", "todo", "--json"))


@pytest.fixture
def phone(browser: Browser, outputs: dict[str, str]) -> Iterator[Page]:
    """The app, just opened on a phone."""
    with on_phone(browser) as page:
        page.goto(outputs["AppUrl"])
        yield page


def sign_up(cloud: RunningCloud, page: Page, email: str) -> None:
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    check_accessible(page)
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("Code from the e-mail").fill(code_for(cloud, email))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="To-dos")).to_be_visible()


def code_for(cloud: RunningCloud, email: str) -> str:
    mails = until(lambda: cloud.admin("GET", f"/_may/inbox?to={quote(email)}"), what="the mail with the code")
    found = re.search(r"\b\d{6}\b", mails[0]["text"])
    assert found is not None
    return found[0]


@contextmanager
def other_device(context: BrowserContext) -> Iterator[Page]:
    """The app in a browser that knows nothing of the first."""
    assert context.browser is not None
    second = context.browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", ignore_https_errors=True
    )
    second.set_default_timeout(PATIENCE * 1000)
    page = second.new_page()
    page.goto(context.pages[0].url)
    yield page
    second.close()


def totp(key: str, ahead: int = 0) -> str:
    """The code of an authenticator app, or one of the next half minutes (RFC 6238)."""
    counter = int(time.time()) // 30 + ahead
    digest = hmac.digest(base64.b32decode(key + "=" * (-len(key) % 8)), counter.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def add(page: Page, title: str) -> None:
    page.get_by_label("What is to be done?").fill(title)
    page.get_by_role("button", name="Add").click()


def saved(page: Page) -> None:
    expect(page.get_by_text("Everything is saved")).to_be_visible()


def test_from_sign_up_to_sign_out(cloud: RunningCloud, phone: Page) -> None:
    page = phone
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    check_accessible(page)
    picture(page, "todo-sign-in")
    sign_up(cloud, page, "lan@example.com")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()

    for title in ("Buy rice", "Gọi cho mẹ", "Water the mint"):
        add(page, title)
    saved(page)
    page.get_by_label("Mark “Buy rice” as done").check()
    page.get_by_role("button", name="Edit “Water the mint”").click()
    page.get_by_label("Edit “Water the mint”").fill("Water the mint and the basil")
    page.keyboard.press("Enter")
    saved(page)
    check_accessible(page)
    picture(page, "todo-list")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_role("listitem")).to_have_text([re.compile("Buy rice")])
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="All").click()
    page.get_by_role("button", name="Delete “Buy rice”").click()
    expect(page.get_by_role("listitem")).to_have_count(2)
    saved(page)
    page.reload()
    expect(page.get_by_role("listitem")).to_have_count(2)

    page.get_by_role("button", name="Account").click()
    expect(page.get_by_text("lan@example.com")).to_be_visible()
    check_accessible(page)
    page.get_by_label("Language").select_option("vi")
    expect(page.get_by_role("button", name="Đăng xuất", exact=True)).to_be_visible()
    picture(page, "todo-account-vi")
    page.get_by_role("button", name="Đăng xuất", exact=True).click()
    expect(page.get_by_role("heading", name="Đăng nhập", exact=True)).to_be_visible()
    page.wait_for_function("!Object.keys(localStorage).some((key) => /todos|Token/.test(key))")


def test_offline_and_back(cloud: RunningCloud, phone: Page) -> None:
    page = phone
    sign_up(cloud, page, "minh@example.com")
    add(page, "Made online")
    saved(page)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    add(page, "Made offline")
    page.get_by_label("Mark “Made online” as done").check()
    expect(page.get_by_text("Offline.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("listitem")).to_have_count(2)
    picture(page, "todo-offline")
    page.context.set_offline(False)
    saved(page)
    with other_device(page.context) as second:
        second.get_by_label("E-mail").fill("minh@example.com")
        second.get_by_label("Password").fill(PASSWORD)
        second.get_by_role("button", name="Sign in", exact=True).click()
        expect(second.get_by_role("listitem")).to_have_count(2)
        expect(second.get_by_label("Mark “Made online” as done")).to_be_checked()


def test_private_files(cloud: RunningCloud, phone: Page) -> None:
    page = phone
    sign_up(cloud, page, "thu@example.com")
    page.get_by_role("button", name="Files").click()
    expect(page.get_by_text("No files yet.")).to_be_visible()
    page.get_by_label("Upload files").set_input_files(ROOT / "systems/todo/photo.jpg")
    shown = page.get_by_role("button", name="Show photo.jpg")
    expect(shown).to_be_visible()
    shown.click()
    image = page.get_by_role("dialog").get_by_role("img")
    expect(image).to_be_visible()
    page.wait_for_function("document.querySelector('dialog img').naturalWidth === 451")
    check_accessible(page)
    picture(page, "todo-files")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Delete “photo.jpg”").click()
    expect(page.get_by_text("No files yet.")).to_be_visible()


def test_a_second_step_and_a_new_password(cloud: RunningCloud, phone: Page) -> None:
    page = phone
    sign_up(cloud, page, "hoa@example.com")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Set up").click()
    key = page.locator("code").inner_text()
    page.get_by_label("Code from the authenticator app").fill(totp(key))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Sign-in asks for a code")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()

    page.get_by_role("button", name="Forgot the password?").click()
    page.get_by_label("E-mail").fill("hoa@example.com")
    page.get_by_role("button", name="Forgot the password?").click()
    page.get_by_label("Code from the e-mail").fill(code_for(cloud, "hoa@example.com"))
    page.get_by_label("New password").fill("Khe-ngot-2026")
    page.get_by_role("button", name="Set new password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Incorrect username or password.")
    page.get_by_label("Password").fill("Khe-ngot-2026")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code from the authenticator app").fill(totp(key, ahead=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="To-dos")).to_be_visible()


def test_sign_in_on_the_hosted_page(cloud: RunningCloud, phone: Page) -> None:
    page = phone
    sign_up(cloud, page, "duc@example.com")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in on the hosted page").click()
    page.wait_for_url(re.compile("/login"))
    check_accessible(page)
    picture(page, "cognito-hosted-sign-in")
    page.get_by_label(re.compile("e-?mail|username", re.IGNORECASE)).first.fill("duc@example.com")
    page.get_by_label(re.compile("^password", re.IGNORECASE)).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    expect(page.get_by_role("heading", name="To-dos")).to_be_visible()
    add(page, "After the hosted page")
    saved(page)
    assert "code=" not in page.url
