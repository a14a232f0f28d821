"""A user pool's pages: signing in and up by forms, and what they refuse."""

import base64
import hmac
import html
import re
import time
import urllib.request
import uuid
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from browsing import Browser
from running import RunningCloud
from signing_in import CALLBACK, PASSWORD, App, sent_code, totp


@pytest.fixture(scope="module")
def app(cloud: RunningCloud) -> App:
    made = App(cloud)
    made.new_user()
    return made


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


# Attacks on the pages


def test_forms_of_other_sites_are_refused(app: App, browser: Browser) -> None:
    page = browser.get(f"{app.base}/login?{app.query()}")
    fields = page.forms[0]["fields"] | {"username": "ann", "password": PASSWORD}
    url = f"{app.cloud.url}{page.forms[0]['action']}"
    for changed, headers in (
        ({"_csrf": ""}, {}),
        ({"_csrf": "x" * 43}, {}),
        ({}, {"cookie": "a=b"}),
        ({}, {"cookie": "XSRF-TOKEN="}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {"sec-fetch-site": "cross-site"}),
    ):
        answer = browser.post(url, fields | changed, headers)
        assert (answer.status, answer.location) == (403, ""), (changed, headers)
        assert "cognito" not in browser.cookies
    fields.pop("_csrf")
    assert browser.post(url, fields).status == 403


def test_what_is_sent_comes_back_as_text(app: App, browser: Browser) -> None:
    attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
    page = browser.get(f"{app.base}/login?{app.query(state=attack, login_hint=attack, nonce=attack)}")
    assert page.forms[0]["fields"]["username"] == attack
    pages = [page, browser.fill(page, username=attack, password="wrong")]
    signup = browser.get(f"{app.base}/signup?{app.query(state=attack)}")
    pages += [signup, browser.fill(signup, username=attack, password=attack, **{"attribute.email": attack})]
    forgot = browser.get(f"{app.base}/forgotPassword?{app.query(login_hint=attack)}")
    pages += [forgot, browser.fill(forgot, username=attack)]
    for each in pages:
        assert "<script" not in each.body
        assert "<img" not in each.body
        policy = each.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert each.headers["x-frame-options"] == "DENY"
        # With no-referrer browsers would send our own forms from the origin "null", which is refused.
        assert each.headers["referrer-policy"] == "same-origin"
        assert "style=" not in each.body and "onclick" not in each.body
        assert not each.unlabelled
    link = browser.get(f"{app.base}/login?{app.query(state='a b&c=d', redirect_uri='myapp://callback')}")
    assert browser.fill(link, username="ann", password=PASSWORD).answer["state"] == "a b&c=d"


def test_the_style_sheet_is_served_and_nothing_beside_it(app: App, browser: Browser) -> None:
    sheet = browser.get(f"{app.base}/assets/style.css")
    assert (sheet.status, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    for path in ("assets/../login.html", "assets/login.html", "assets/", "", "nothing"):
        assert browser.request("GET", f"{app.base}/{path}").status == 404
    assert browser.request("DELETE", f"{app.base}/login?{app.query()}").status == 404


def test_wrong_passwords_say_so_and_are_counted(app: App, browser: Browser) -> None:
    app.new_user("guess")
    with app.cloud.held():
        for _ in range(5):
            answer = app.login(browser, "guess", "wrong-Pass1!")
            assert (answer.status, "Incorrect username or password." in answer.text) == (400, True)
        assert "Password attempts exceeded" in app.login(browser, "guess").text
    assert "cognito" not in browser.cookies


def test_a_challenge_of_the_pages_is_no_way_to_tokens(app: App, browser: Browser) -> None:
    """What asks for a new password at the pages cannot be answered at the API, nor the other way round."""
    app.idp.admin_create_user(
        UserPoolId=app.pool, Username="made", TemporaryPassword="Temporary-1", MessageAction="SUPPRESS"
    )
    page = app.login(browser, "made", "Temporary-1")
    assert "Choose a password" in page.text
    answer = {"USERNAME": "made", "NEW_PASSWORD": PASSWORD}
    with pytest.raises(app.idp.exceptions.NotAuthorizedException, match="Invalid session"):
        app.idp.respond_to_auth_challenge(
            ClientId=app.client,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=page.forms[0]["fields"]["session"],
            ChallengeResponses=answer,
        )
    differing = browser.fill(page, password=PASSWORD, confirmPassword="another-One1!")
    assert "not the same" in differing.text
    weak = browser.fill(differing, password="weak", confirmPassword="weak")
    assert "Password did not conform with policy" in weak.text
    done = browser.fill(weak, password=PASSWORD, confirmPassword=PASSWORD)
    assert done.status == 302
    assert app.token(browser, code=done.answer["code"]).status == 200


# Accounts


def test_signing_up_confirming_and_signing_in(cloud: RunningCloud, app: App, browser: Browser) -> None:
    page = browser.get(f"{app.base}/login?{app.query()}")
    signup = browser.get(f"{cloud.url}{next(link for link in page.links if '/signup?' in link)}")
    assert "At least 8 characters" in signup.text
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    fields = {"username": "newcomer", "attribute.email": email}
    weak = browser.fill(signup, password="weak", **fields)
    assert "Password did not conform with policy" in weak.text
    assert weak.forms[0]["fields"]["attribute.email"] == email
    confirm = browser.fill(weak, password=PASSWORD, **fields)
    assert "Confirm your account" in confirm.text
    assert email not in confirm.text  # shown masked
    early = app.login(Browser(), "newcomer")
    assert "Confirm your account" in early.text
    wrong = browser.fill(confirm, code="000000")
    assert (wrong.status, "Invalid verification code" in wrong.text) == (400, True)
    resent = browser.fill(confirm, 1)
    assert "new code is on its way" in resent.text
    login = browser.fill(resent, code=sent_code(cloud, email))
    assert "Your account is confirmed" in login.text
    done = browser.fill(login, username="newcomer", password=PASSWORD)
    assert (done.status, done.location.startswith(CALLBACK)) == (302, True)
    later = browser.get(f"{app.base}/confirm?{app.query()}")
    assert later.forms[0]["fields"].keys() == {"_csrf", "username", "code"}
    assert not later.unlabelled
    taken = browser.fill(signup, password=PASSWORD, **fields)
    assert "User already exists" in taken.text


@pytest.mark.parametrize("name", ["two words", "x" * 129, "tab\there", "nul\0", " ", "line\u2028break"])
def test_names_that_are_none_make_no_accounts(app: App, browser: Browser, name: str) -> None:
    signup = browser.get(f"{app.base}/signup?{app.query()}")
    answer = browser.fill(signup, username=name, password=PASSWORD, **{"attribute.email": "n@example.com"})
    assert (answer.status, "Create an account" in answer.text) == (400, True)
    forgot = browser.get(f"{app.base}/forgotPassword?{app.query()}")
    assert browser.fill(forgot, username=name).status == 400


@pytest.mark.parametrize("password", [f" {PASSWORD}", PASSWORD + "x" * 256, ""])
def test_passwords_that_are_none_make_no_accounts(app: App, browser: Browser, password: str) -> None:
    signup = browser.get(f"{app.base}/signup?{app.query()}")
    fields = {"username": "spaced", "attribute.email": "s@example.com"}
    assert browser.fill(signup, password=password, **fields).status == 400
    with pytest.raises(app.idp.exceptions.UserNotFoundException):
        app.idp.admin_get_user(UserPoolId=app.pool, Username="spaced")


def test_a_forgotten_password_is_set_anew(cloud: RunningCloud, app: App, browser: Browser) -> None:
    app.new_user("forgetful")
    forgot = browser.get(f"{app.base}/forgotPassword?{app.query()}")
    reset = browser.fill(forgot, username="forgetful")
    assert "Set a new password" in reset.text
    code = sent_code(cloud, "forgetful@example.com")
    wanted = {"password": "Another-Secret-1", "confirmPassword": "Another-Secret-1"}
    assert "not the same" in browser.fill(reset, code=code, **(wanted | {"password": PASSWORD})).text
    login = browser.fill(reset, code=code, **wanted)
    assert "Your password is changed" in login.text
    assert browser.fill(login, username="forgetful", password=PASSWORD).status == 400
    assert browser.fill(login, username="forgetful", password="Another-Secret-1").status == 302


def test_where_administrators_make_accounts_nobody_signs_up(cloud: RunningCloud, browser: Browser) -> None:
    closed = App(cloud, {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}})
    page = browser.get(f"{closed.base}/login?{closed.query()}")
    assert not any("/signup" in link for link in page.links)
    assert browser.get(f"{closed.base}/signup?{closed.query()}").status == 400


def test_an_authenticator_is_set_up_and_asked_for(cloud: RunningCloud, browser: Browser) -> None:
    strict = App(cloud)
    strict.idp.set_user_pool_mfa_config(
        UserPoolId=strict.pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )
    strict.new_user()
    setup = strict.login(browser)
    assert "Set up your authenticator app" in setup.text
    found = re.search(r"<code>([A-Z2-7]+)</code>", setup.body)
    assert found is not None
    now = time.time()
    again = browser.fill(setup, code="000000")
    assert again.status == 400
    found = re.search(r"<code>([A-Z2-7]+)</code>", again.body)
    assert found is not None
    done = browser.fill(again, code=totp(found[1], now))
    assert done.status == 302, done.text
    ask = strict.login(Browser(), "ann")
    assert "authenticator app shows" in ask.text
    other = Browser()
    ask = strict.login(other, "ann")
    wrong = other.fill(ask, code="000000")
    assert (wrong.status, "Invalid code" in wrong.text) == (400, True)
    right = other.fill(wrong, code=totp(found[1], now + 30))
    assert right.status == 302, right.text
    assert urlsplit(right.location).netloc == "app.example"


def test_a_link_in_a_mail_confirms(cloud: RunningCloud, browser: Browser) -> None:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html"""
    template = {
        "DefaultEmailOption": "CONFIRM_WITH_LINK",
        "EmailSubjectByLink": "One more step",
        "EmailMessageByLink": "<p>Please {##verify your address##}.</p>",
    }
    app = App(cloud, {"VerificationMessageTemplate": template}, GenerateSecret=True)
    address = f"{app.client}@link.example"
    proof = base64.b64encode(hmac.digest(app.secret.encode(), f"linked{app.client}".encode(), "sha256"))
    app.idp.sign_up(
        ClientId=app.client, Username="linked", Password=PASSWORD, SecretHash=proof.decode(),
        UserAttributes=[{"Name": "email", "Value": address}],
    )  # fmt: skip
    mail = cloud.admin("GET", f"/_may/inbox?to={quote(address)}")[0]
    assert mail["subject"] == "One more step"
    found = re.search(r'<a href="([^"]+)">verify your address</a>', mail["html"])
    assert found is not None
    link = html.unescape(found[1])
    status = lambda: app.idp.admin_get_user(UserPoolId=app.pool, Username="linked")["UserStatus"]  # noqa: E731
    wrong = re.sub(r"confirmation_code=\d+", "confirmation_code=x", link)
    for bad in (wrong, link.replace(app.client, "nobody"), link.partition("?")[0]):
        assert browser.get(bad).status == 400
        assert status() == "UNCONFIRMED"
    page = browser.get(link)
    assert page.status == 200 and "Your registration has been confirmed!" in page.text
    assert status() == "CONFIRMED"
    assert browser.get(link).status == 400


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_pages_wear_what_they_are_given(cloud: RunningCloud, browser: Browser) -> None:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/hosted-ui-classic-branding.html"""
    app = App(cloud)
    idp, css = app.idp, ".submitButton-customizable:hover { background: #123456; }"
    plain = idp.create_user_pool(PoolName="plain")["UserPool"]["Id"]
    with pytest.raises(idp.exceptions.InvalidParameterException, match="existing domain associated"):
        idp.set_ui_customization(UserPoolId=plain, CSS=css)
    assert idp.get_ui_customization(UserPoolId=app.pool)["UICustomization"] == {}
    made = idp.set_ui_customization(UserPoolId=app.pool, CSS=css, ImageFile=PNG)["UICustomization"]
    assert (made["ClientId"], made["CSS"]) == ("ALL", css)
    found = idp.get_ui_customization(UserPoolId=app.pool, ClientId=app.client)["UICustomization"]
    assert found == made
    page = browser.get(f"{app.base}/login?{app.query()}")
    assert page.status == 200 and 'class="submitButton-customizable"' in page.body
    [style] = re.findall(r'href="([^"]*brand[^"]*)"', page.body)
    [logo] = re.findall(r'<img class="logo-customizable" alt="" src="([^"]+)"', page.body)
    assert browser.get(f"{cloud.url}{style}").body == css
    served = urllib.request.urlopen(f"{cloud.url}{logo}", timeout=60)
    assert (served.headers["content-type"], served.read()) == ("image/png", PNG)
    assert urllib.request.urlopen(made["ImageUrl"], timeout=60).read() == PNG
    own = ".banner-customizable { padding: 25px 0px; }"
    idp.set_ui_customization(UserPoolId=app.pool, ClientId=app.client, CSS=own)
    page = browser.get(f"{app.base}/login?{app.query()}")
    assert "logo-customizable" not in page.body
    [style] = re.findall(r'href="([^"]*brand[^"]*)"', page.body)
    assert browser.get(f"{cloud.url}{html.unescape(style)}").body == own


@pytest.mark.parametrize(
    "css",
    [
        "body { color: red }",
        ".label-customizable, h1 { color: red }",
        "@import url(https://evil.example/x.css);",
        ".label-customizable { color: red } </style><script>",
        ".label-customizable",
    ],
)
def test_looks_that_are_refused(app: App, css: str) -> None:
    with pytest.raises(app.idp.exceptions.InvalidParameterException):
        app.idp.set_ui_customization(UserPoolId=app.pool, CSS=css)
    with pytest.raises(app.idp.exceptions.InvalidParameterException):
        app.idp.set_ui_customization(UserPoolId=app.pool, ImageFile=b"<svg onload=alert(1)>")
