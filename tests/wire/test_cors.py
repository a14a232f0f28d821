"""A page of any origin may call AWS's endpoints; what it may do there is for signatures and tokens to say."""

import json

import urllib3

from running import RunningCloud

ORIGIN = {"origin": "https://app.example"}


def test_a_preflight_is_answered_as_aws_does(cloud: RunningCloud) -> None:
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "amz-sdk-request,content-type,x-amz-target",
    }
    with urllib3.PoolManager() as http:
        answer = http.request("OPTIONS", f"{cloud.url}/", headers=ORIGIN | asked)
    assert (answer.status, answer.data) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == asked["access-control-request-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "172800"


def test_pages_read_answers_and_errors(cloud: RunningCloud) -> None:
    pool = cloud.client("cognito-identity").create_identity_pool(
        IdentityPoolName="page", AllowUnauthenticatedIdentities=True
    )["IdentityPoolId"]
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AWSCognitoIdentityService.GetId",
    }
    with urllib3.PoolManager() as http:
        for wanted, status in ((pool, 200), (pool[:-1] + "x", 400)):
            body = json.dumps({"IdentityPoolId": wanted}).encode()
            answer = http.request("POST", f"{cloud.url}/", headers=ORIGIN | headers, body=body)
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "x-amzn-RequestId" in answer.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in answer.headers
        form = {"content-type": "application/x-www-form-urlencoded"}
        sts = http.request(
            "POST",
            f"{cloud.url}/",
            headers=ORIGIN | form,
            body=b"Action=GetCallerIdentity&Version=2011-06-15",
        )
        assert (sts.status, sts.headers["access-control-allow-origin"]) == (403, "*")
        plain = http.request("POST", f"{cloud.url}/", headers=headers, body=body)
        assert "access-control-allow-origin" not in plain.headers


def test_buckets_keep_their_own_rules(cloud: RunningCloud) -> None:
    cloud.client("s3").create_bucket(Bucket="no-cors-here")
    with urllib3.PoolManager() as http:
        answer = http.request("GET", f"{cloud.url}/no-cors-here/key", headers=ORIGIN)
    assert "access-control-allow-origin" not in answer.headers
