"""A user pool's OAuth 2.0 endpoints, as an app and its users' browsers use and attack them."""

import base64
import hashlib
import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from authlib.integrations.requests_client import OAuth2Session

from browsing import Browser
from running import RunningCloud
from signing_in import CALLBACK, PASSWORD, SIGNED_OUT, App, claims_of, pkce


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


# The code flow


def test_a_user_signs_in_with_code_and_pkce(app: App, browser: Browser) -> None:
    verifier, challenge = pkce()
    answer = app.login(browser, code_challenge=challenge, code_challenge_method="S256", nonce="n0nce")
    assert answer.status == 302
    assert answer.location.startswith(f"{CALLBACK}&code=")
    assert answer.answer["state"] == "st&te"
    issued = app.token(browser, code=answer.answer["code"], code_verifier=verifier)
    assert issued.status == 200
    assert issued.headers["cache-control"] == "no-store"
    tokens = json.loads(issued.body)
    assert tokens.keys() == {"id_token", "access_token", "refresh_token", "expires_in", "token_type"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    identity, access = (claims_of(tokens[name]) for name in ("id_token", "access_token"))
    assert identity["nonce"] == "n0nce"
    assert (identity["aud"], identity["token_use"], identity["email"]) == (
        app.client,
        "id",
        "ann@example.com",
    )
    assert (access["client_id"], access["token_use"], access["scope"]) == (
        app.client,
        "access",
        "openid email",
    )
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert identity["at_hash"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert abs(access["auth_time"] - time.time()) < 60
    # A refreshed pair, without another refresh token; then no more after the revocation.
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    again = json.loads(app.token(browser, redirect_uri="", **refresh).body)
    assert again.keys() == {"id_token", "access_token", "expires_in", "token_type"}
    info = browser.request(
        "GET", f"{app.base}/oauth2/userInfo", {"authorization": f"Bearer {again['access_token']}"}
    )
    assert json.loads(info.body) == {
        "sub": identity["sub"],
        "email": "ann@example.com",
        "email_verified": "true",
        "username": "ann",
    }
    revoked = browser.post(
        f"{app.base}/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": app.client}
    )
    assert (revoked.status, revoked.body) == (200, "")
    assert json.loads(app.token(browser, redirect_uri="", **refresh).body) == {"error": "invalid_grant"}
    info = browser.request(
        "GET", f"{app.base}/oauth2/userInfo", {"authorization": f"Bearer {again['access_token']}"}
    )
    assert (info.status, json.loads(info.body)["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in info.headers["www-authenticate"]


def test_a_browser_that_is_signed_in_needs_no_password(app: App, browser: Browser) -> None:
    app.code(browser)
    start = f"{app.base}/oauth2/authorize?"
    again = browser.get(start + app.query(state="two"))
    assert (again.answer["state"], len(again.answer["code"])) == ("two", 36)
    assert "/login?" in browser.get(start + app.query(prompt="login")).location
    assert "code" in browser.get(start + app.query(prompt="none")).answer
    out = browser.get(f"{app.base}/logout?{urlencode({'client_id': app.client, 'logout_uri': SIGNED_OUT})}")
    assert (out.status, out.location) == (302, SIGNED_OUT)
    assert "/login?" in browser.get(start + app.query()).location
    quiet = browser.get(start + app.query(prompt="none"))
    assert (quiet.answer["error"], quiet.answer["state"]) == ("login_required", "st&te")


def test_a_sign_out_ends_the_session_itself(app: App, browser: Browser) -> None:
    app.code(browser)
    kept = dict(browser.cookies)
    browser.get(f"{app.base}/logout?{urlencode({'client_id': app.client, 'logout_uri': SIGNED_OUT})}")
    browser.cookies = kept
    assert "/login?" in browser.get(f"{app.base}/oauth2/authorize?{app.query()}").location
    app.code(browser)
    app.idp.admin_disable_user(UserPoolId=app.pool, Username="ann")
    try:
        assert "/login?" in browser.get(f"{app.base}/oauth2/authorize?{app.query()}").location
    finally:
        app.idp.admin_enable_user(UserPoolId=app.pool, Username="ann")


def test_cookies_are_kept_from_scripts_and_other_sites(cloud: RunningCloud, app: App) -> None:
    browser = Browser(cloud.ca_file)
    try:
        start = f"{cloud.https_url}/_aws/cognito/{app.domain}/login?{app.query()}"
        page = browser.get(start)
        assert browser.set_cookies[0].endswith("; HttpOnly; SameSite=Lax; Secure")
        done = browser.fill(page, username="ann", password=PASSWORD)
        assert done.status == 302
        session = next(line for line in browser.set_cookies if line.startswith("cognito="))
        assert {"HttpOnly", "SameSite=Lax", "Secure", f"Path=/_aws/cognito/{app.domain}/"} <= set(
            session.split("; ")
        )
    finally:
        browser.close()
    plain = Browser()
    plain.get(f"{app.base}/login?{app.query()}")
    assert "Secure" not in plain.set_cookies[0]
    plain.close()


def test_a_domain_has_a_host_of_its_own(cloud: RunningCloud, app: App, browser: Browser) -> None:
    host = {"host": f"{app.domain}.auth.us-east-1.localhost"}
    answer = browser.request("GET", f"{cloud.url}/oauth2/authorize?{app.query()}", host)
    assert (answer.status, answer.location.partition("?")[0]) == (302, "/login")
    page = browser.request("GET", f"{cloud.url}{answer.location}", host)
    assert page.forms[0]["action"].startswith("/login?")
    for wrong in (f"{app.domain}.auth.eu-west-1.localhost", "nobody.auth.us-east-1.localhost"):
        assert browser.request("GET", f"{cloud.url}/login?{app.query()}", {"host": wrong}).status == 404
    assert browser.get(f"{cloud.url}/_aws/cognito/nobody/login?{app.query()}").status == 404


def test_the_implicit_flow_answers_in_the_fragment(app: App, browser: Browser) -> None:
    answer = app.login(browser, response_type="token", nonce="abc")
    assert answer.status == 302
    given = answer.fragment
    assert (given["token_type"], given["expires_in"], given["state"]) == ("Bearer", "3600", "st&te")
    assert claims_of(given["id_token"])["nonce"] == "abc"
    assert "refresh_token" not in given
    only_code, _ = app.new_client(AllowedOAuthFlows=["code"])
    refused = browser.get(
        f"{app.base}/oauth2/authorize?{app.query(client_id=only_code, response_type='token')}"
    )
    assert refused.fragment["error"] == "unauthorized_client"


def test_without_openid_there_is_no_id_token(app: App, browser: Browser) -> None:
    code = app.code(browser, scope="aws.cognito.signin.user.admin")
    tokens = json.loads(app.token(browser, code=code).body)
    assert "id_token" not in tokens
    info = browser.request(
        "GET", f"{app.base}/oauth2/userInfo", {"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert (info.status, json.loads(info.body)["error"]) == (401, "invalid_token")


def test_refresh_tokens_rotate_where_the_client_wants_it(app: App, browser: Browser) -> None:
    client, _ = app.new_client(RefreshTokenRotation={"Feature": "ENABLED"})
    first = json.loads(app.token(browser, code=app.code(browser, client_id=client), client_id=client).body)
    fields = {"grant_type": "refresh_token", "client_id": client, "redirect_uri": ""}
    second = json.loads(app.token(browser, refresh_token=first["refresh_token"], **fields).body)
    assert second["refresh_token"] != first["refresh_token"]
    reused = app.token(browser, refresh_token=first["refresh_token"], **fields)
    assert json.loads(reused.body) == {"error": "invalid_grant"}
    for other in (first["access_token"], "x", second["refresh_token"] + "x"):
        answer = app.token(browser, refresh_token=other, **fields)
        assert (answer.status, json.loads(answer.body)) == (400, {"error": "invalid_grant"})
    theirs = app.token(browser, refresh_token=second["refresh_token"], **(fields | {"client_id": app.client}))
    assert json.loads(theirs.body) == {"error": "invalid_grant"}


def test_clients_with_a_secret_prove_it(app: App, browser: Browser) -> None:
    client, secret = app.new_client(GenerateSecret=True)
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    code = app.code(browser, client_id=client)
    answer = app.token(browser, {"authorization": f"Basic {basic}"}, code=code, client_id="")
    assert answer.status == 200
    code = app.code(Browser(), client_id=client)
    assert app.token(browser, code=code, client_id=client, client_secret=secret).status == 200
    wrong = base64.b64encode(f"{client}:{secret}x".encode()).decode()
    for headers, fields in (
        ({}, {"client_id": client}),
        ({}, {"client_id": client, "client_secret": "wrong"}),
        ({"authorization": f"Basic {wrong}"}, {"client_id": client}),
        ({"authorization": f"Basic {basic}"}, {"client_id": app.client}),
        ({"authorization": "Basic !!!"}, {"client_id": client}),
        ({"authorization": f"Bearer {basic}"}, {"client_id": client}),
        ({}, {"client_id": app.client, "client_secret": "none needed"}),
        ({}, {"client_id": "nobody"}),
        ({}, {"client_id": ""}),
    ):
        refused = app.token(browser, headers, code="x", **fields)
        assert (refused.status, json.loads(refused.body)) == (400, {"error": "invalid_client"}), fields


def test_client_credentials(app: App, browser: Browser) -> None:
    app.idp.create_resource_server(
        UserPoolId=app.pool,
        Identifier="https://api",
        Name="api",
        Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")],
    )
    scopes = ["https://api/read", "https://api/write"]
    client, secret = app.new_client(
        GenerateSecret=True, AllowedOAuthFlows=["client_credentials"], AllowedOAuthScopes=scopes
    )
    fields = {"grant_type": "client_credentials", "client_id": client, "redirect_uri": ""}
    tokens = json.loads(app.token(browser, client_secret=secret, scope=scopes[0], **fields).body)
    assert tokens.keys() == {"access_token", "expires_in", "token_type"}
    claims = claims_of(tokens["access_token"])
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (client, client, scopes[0])
    all_of_them = json.loads(app.token(browser, client_secret=secret, **fields).body)
    assert claims_of(all_of_them["access_token"])["scope"].split() == scopes
    wrong_scope = app.token(browser, client_secret=secret, scope="https://api/other", **fields)
    assert json.loads(wrong_scope.body) == {"error": "invalid_scope"}
    assert json.loads(app.token(browser, client_secret="no", **fields).body) == {"error": "invalid_client"}
    public = app.token(browser, grant_type="client_credentials")
    assert json.loads(public.body) == {"error": "unauthorized_client"}


def test_a_stock_oauth_client_gets_along(cloud: RunningCloud, app: App) -> None:
    """Authlib, over HTTPS, with what the discovery document says: sign in, userInfo, refresh, revoke."""
    client, secret = app.new_client(GenerateSecret=True)
    browser = Browser(cloud.ca_file)
    with urllib.request.urlopen(f"{cloud.url}/{app.pool}/.well-known/openid-configuration") as response:
        said = json.loads(response.read())
    at = {
        name: said[f"{name}_endpoint"].replace(cloud.url, cloud.https_url)
        for name in ("authorization", "token", "userinfo", "revocation")
    }
    session: Any = OAuth2Session(
        client, secret, scope="openid email", redirect_uri=CALLBACK, code_challenge_method="S256",
        revocation_endpoint_auth_method="client_secret_basic",
    )  # fmt: skip
    session.verify, session.trust_env = cloud.ca_file, False
    verifier, _ = pkce()
    url, _state = session.create_authorization_url(at["authorization"], code_verifier=verifier, nonce="n")
    page = browser.get(f"{cloud.https_url}{browser.get(url).location}")
    done = browser.fill(page, username="ann", password=PASSWORD)
    tokens = session.fetch_token(at["token"], authorization_response=done.location, code_verifier=verifier)
    claims = claims_of(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (said["issuer"], client, "n")
    assert session.get(at["userinfo"]).json()["sub"] == claims["sub"]
    again = session.refresh_token(at["token"])
    assert claims_of(again["access_token"])["sub"] == claims["sub"]
    assert session.revoke_token(at["revocation"], tokens["refresh_token"]).status_code == 200
    assert session.get(at["userinfo"]).status_code == 401
    session.close()
    browser.close()


# Attacks on the flow


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "https://app.example/callback", f"{CALLBACK}&x=1", f"{CALLBACK}#f",
        f"{CALLBACK}/../x", CALLBACK.upper(), f" {CALLBACK}", "https://app.example@evil.example/callback",
        "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "https://app.example/callback%3Ffrom=here",
        f"{CALLBACK}\r\nset-cookie: a=b", "myapp://callback.evil",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(
    app: App, browser: Browser, address: str
) -> None:
    for page in ("oauth2/authorize", "login", "signup", "forgotPassword"):
        answer = browser.get(f"{app.base}/{page}?{app.query(redirect_uri=address)}")
        assert (answer.status, answer.location) == (400, ""), page
        assert "evil" not in answer.body
    query = urlencode({"client_id": app.client, "logout_uri": address})
    out = browser.get(f"{app.base}/logout?{query}")
    assert (out.status, out.location) == (400, "")


def test_wrong_clients_are_not_redirected_either(cloud: RunningCloud, app: App, browser: Browser) -> None:
    other = App(cloud)
    without, _ = app.new_client(SupportedIdentityProviders=[])
    for client in ("", "nobody", other.client, without):
        answer = browser.get(f"{app.base}/oauth2/authorize?{app.query(client_id=client)}")
        assert (answer.status, answer.location) == (400, "")
    twice = f"{app.query()}&redirect_uri={quote('https://evil.example/')}"
    assert browser.get(f"{app.base}/oauth2/authorize?{twice}").status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "code token"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"code_challenge": "x" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"identity_provider": "Google"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
    ],
)
def test_other_mistakes_are_told_to_the_app(
    app: App, browser: Browser, changes: dict[str, Any], error: str
) -> None:
    answer = browser.get(f"{app.base}/oauth2/authorize?{app.query(**changes)}")
    assert answer.status == 302
    assert answer.location.startswith(CALLBACK)
    assert (answer.answer["error"], answer.answer["state"]) == (error, "st&te")


def test_codes_are_good_once_and_for_who_asked(app: App, browser: Browser) -> None:
    refused = (400, {"error": "invalid_grant"})

    def attempt(**fields: str) -> tuple[int, Any]:
        answer = app.token(browser, **fields)
        return answer.status, json.loads(answer.body)

    verifier, challenge = pkce()
    bound = {"code_challenge": challenge, "code_challenge_method": "S256"}
    other, _ = app.new_client()
    fresh = lambda **changes: app.code(Browser(), **changes)  # noqa: E731
    assert attempt(code=str(uuid.uuid4())) == refused
    assert attempt(code=fresh(), client_id=other) == refused
    assert attempt(code=fresh(), redirect_uri="myapp://callback") == refused
    assert attempt(code=fresh(**bound)) == refused
    assert attempt(code=fresh(**bound), code_verifier=pkce()[0]) == refused
    assert attempt(code=fresh(**bound), code_verifier=challenge) == refused
    assert attempt(code=fresh(), code_verifier=verifier) == refused
    assert attempt(code=fresh(), redirect_uri="") == (400, {"error": "invalid_request"})
    # A wrong attempt spends the code.
    code = fresh(**bound)
    assert attempt(code=code, code_verifier="x" * 43) == refused
    assert attempt(code=code, code_verifier=verifier) == refused
    # A code used twice was stolen: what the first use gave is taken back.
    code = fresh(**bound)
    status, tokens = attempt(code=code, code_verifier=verifier)
    assert status == 200
    assert attempt(code=code, code_verifier=verifier) == refused
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "redirect_uri": ""}
    assert attempt(**again) == refused


def test_codes_end_after_five_minutes_and_sessions_after_an_hour(fresh_cloud: RunningCloud) -> None:
    app, browser = App(fresh_cloud), Browser()
    app.new_user()
    code = app.code(browser)
    fresh_cloud.advance(301)
    assert json.loads(app.token(browser, code=code).body) == {"error": "invalid_grant"}
    start = f"{app.base}/oauth2/authorize?{app.query()}"
    assert "code" in browser.get(start).answer
    fresh_cloud.advance(3600)
    assert "/login?" in browser.get(start).location
    browser.close()


def test_token_requests_that_are_none(app: App, browser: Browser) -> None:
    url = f"{app.base}/oauth2/token"
    body = lambda page: json.loads(page.body)["error"]  # noqa: E731
    assert browser.get(url).status == 405
    assert body(browser.post(url, {})) == "invalid_request"
    assert body(browser.post(url, {"grant_type": "password"})) == "unsupported_grant_type"
    as_json = browser.request("POST", url, {"content-type": "application/json"}, '{"grant_type": "x"}')
    assert body(as_json) == "invalid_request"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert body(browser.request("POST", url, form, "grant_type=a&grant_type=b")) == "invalid_request"
    assert body(browser.request("POST", url, form, "a=" + "b" * 70_000)) == "invalid_request"
    assert body(app.token(browser, grant_type="refresh_token", redirect_uri="")) == "invalid_request"
    preflight = browser.request("OPTIONS", url, {"origin": "https://app.example"})
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (200, "*")
    revoke = f"{app.base}/oauth2/revoke"
    assert body(browser.post(revoke, {"client_id": app.client})) == "invalid_request"
    assert browser.post(revoke, {"client_id": app.client, "token": "unknown"}).status == 200
    other, _ = app.new_client()
    tokens = json.loads(app.token(browser, code=app.code(browser)).body)
    theirs = {"client_id": other, "token": tokens["refresh_token"]}
    assert body(browser.post(revoke, theirs)) == "invalid_request"
    access = {"client_id": app.client, "token": tokens["access_token"]}
    assert body(browser.post(revoke, access)) == "unsupported_token_type"
    info = f"{app.base}/oauth2/userInfo"
    assert browser.get(info).status == 400
    for bad in ("x", tokens["id_token"], tokens["access_token"][:-6] + "AAAAAA"):
        assert browser.request("GET", info, {"authorization": f"Bearer {bad}"}).status == 401
