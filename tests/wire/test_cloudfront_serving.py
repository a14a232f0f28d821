"""What the edge serves: caching, origins and their access, errors, ranges, compression, attacks."""

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import brotli
import pytest

from distributions import (
    ALL_METHODS,
    CACHING_DISABLED,
    Web,
    access_control,
    allow,
    allow_distribution,
    behavior,
    cache_policy,
    create,
    fetch,
    http_origin,
    legacy,
    listed,
    private_bucket,
    s3_origin,
    site,
    web,
)
from running import RunningCloud
from waiting import until


@pytest.fixture
def origin() -> Iterator[Web]:
    with web() as running:
        yield running


HTML = {"Body": b"<h1>home</h1>", "ContentType": "text/html"}

# A single-page app in a private bucket


def test_an_app_of_a_private_bucket(cloud: RunningCloud) -> None:
    errors = listed(
        *(
            {"ErrorCode": code, "ResponsePagePath": "/index.html", "ResponseCode": "200"}
            for code in (403, 404)
        )
    )
    id_ = site(
        cloud, "cf-app", {"index.html": HTML, "app.js": {"Body": b"let a", "ContentType": "text/javascript"}},
        DefaultRootObject="index.html", CustomErrorResponses=errors,
    )  # fmt: skip
    first = fetch(cloud, id_, "/")
    assert (first.status, first.body, first.cache) == (200, b"<h1>home</h1>", "Miss from cloudfront")
    assert first.headers["content-type"] == "text/html"
    assert first.headers["server"] == "AmazonS3"
    again = fetch(cloud, id_, "/index.html")
    assert again.cache == "Hit from cloudfront"
    assert int(again.headers["age"]) >= 0
    assert again.headers["via"].endswith(".cloudfront.net (CloudFront)")
    assert len(again.headers["x-amz-cf-id"]) == 56
    assert again.headers["x-amz-cf-id"] != first.headers["x-amz-cf-id"]
    assert fetch(cloud, id_, "/app.js").headers["content-type"] == "text/javascript"
    deep = fetch(cloud, id_, "/todos/17")
    assert (deep.status, deep.body, deep.cache) == (200, b"<h1>home</h1>", "Error from cloudfront")
    assert fetch(cloud, id_, "/todos/17", "HEAD").status == 200


def test_all_addresses_of_a_distribution(cloud: RunningCloud) -> None:
    id_ = site(cloud, "cf-addresses", {"a.txt": b"A"})
    domain = cloud.client("cloudfront").get_distribution(Id=id_)["Distribution"]["DomainName"]
    assert domain.endswith(".cloudfront.net")
    for host in (domain, f"{id_.lower()}.cloudfront.localhost", f"{id_}.CloudFront.localhost:1"):
        assert fetch(cloud, id_, "/a.txt", host=host).body == b"A"
    assert fetch(cloud, id_, f"/_aws/cloudfront/{id_}/a.txt", host="localhost").body == b"A"
    assert fetch(cloud, id_, f"/_aws/cloudfront/{domain.partition('.')[0]}/a.txt", host="x").body == b"A"


def test_stack_outputs_lead_to_the_edge(cloud: RunningCloud) -> None:
    from maycloud.addresses import Addresses

    id_ = site(cloud, "cf-outputs", {"a.txt": b"A"})
    domain = cloud.client("cloudfront").get_distribution(Id=id_)["Distribution"]["DomainName"]
    local = Addresses(cloud.port, host_form=False).localize(f"https://{domain}/a.txt")
    assert local == f"https://localhost:{cloud.port}/_aws/cloudfront/{domain.partition('.')[0]}/a.txt"
    assert fetch(cloud, id_, local.removeprefix(cloud.https_url), host="localhost").body == b"A"
    named = Addresses(4566, host_form=True).localize(f"https://{domain}")
    assert named == f"https://{domain.partition('.')[0]}.cloudfront.localhost:4566"


# Who may read the bucket


def test_without_a_policy_the_bucket_refuses_the_edge(cloud: RunningCloud) -> None:
    private_bucket(cloud, "cf-nopolicy", {"a.txt": b"A"})
    id_ = create(cloud, s3_origin("cf-nopolicy", OriginAccessControlId=access_control(cloud)))
    refused = fetch(cloud, id_, "/a.txt")
    assert (refused.status, refused.cache) == (403, "Error from cloudfront")
    assert b"<Code>AccessDenied</Code>" in refused.body
    allow_distribution(cloud, "cf-nopolicy", id_)
    assert fetch(cloud, id_, "/a.txt").body == b"A"


def test_another_distribution_is_refused(cloud: RunningCloud) -> None:
    private_bucket(cloud, "cf-other", {"a.txt": b"A"})
    control = access_control(cloud)
    mine = create(cloud, s3_origin("cf-other", OriginAccessControlId=control))
    other = create(cloud, s3_origin("cf-other", OriginAccessControlId=control))
    allow_distribution(cloud, "cf-other", mine)
    assert fetch(cloud, mine, "/a.txt").status == 200
    assert fetch(cloud, other, "/a.txt").status == 403


def test_without_access_control_the_edge_is_nobody(cloud: RunningCloud) -> None:
    private_bucket(cloud, "cf-nobody", {"a.txt": b"A"})
    id_ = create(cloud, s3_origin("cf-nobody"))
    never = create(
        cloud, s3_origin("cf-nobody", OriginAccessControlId=access_control(cloud, SigningBehavior="never"))
    )
    allow(cloud, "cf-nobody", {"Service": "cloudfront.amazonaws.com"})
    assert fetch(cloud, id_, "/a.txt").status == 403
    assert fetch(cloud, never, "/a.txt").status == 403
    cloud.client("s3").delete_public_access_block(Bucket="cf-nobody")
    allow(cloud, "cf-nobody", "*")
    assert fetch(cloud, id_, "/a.txt").body == b"A"


@pytest.mark.parametrize("form", ["canonical", "arn"])
def test_an_origin_access_identity(cloud: RunningCloud, form: str) -> None:
    made = cloud.client("cloudfront").create_cloud_front_origin_access_identity(
        CloudFrontOriginAccessIdentityConfig={"CallerReference": f"oai-{form}", "Comment": ""}
    )["CloudFrontOriginAccessIdentity"]
    name = f"cf-identity-{form}"
    private_bucket(cloud, name, {"a.txt": b"A"})
    path = f"origin-access-identity/cloudfront/{made['Id']}"
    id_ = create(cloud, s3_origin(name, S3OriginConfig={"OriginAccessIdentity": path}))
    assert fetch(cloud, id_, "/a.txt").status == 403
    arn = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {made['Id']}"
    allow(cloud, name, {"CanonicalUser": made["S3CanonicalUserId"]} if form == "canonical" else {"AWS": arn})
    assert fetch(cloud, id_, "/a.txt").body == b"A"


def test_an_explicit_deny_wins(cloud: RunningCloud) -> None:
    id_ = site(cloud, "cf-denied", {"a.txt": b"A"})
    policy = json.loads(cloud.client("s3").get_bucket_policy(Bucket="cf-denied")["Policy"])
    policy["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::cf-denied/*"}
    )
    cloud.client("s3").put_bucket_policy(Bucket="cf-denied", Policy=json.dumps(policy))
    assert fetch(cloud, id_, "/a.txt").status == 403


# Protocol and methods


def test_redirect_to_https(cloud: RunningCloud) -> None:
    id_ = site(
        cloud, "cf-redirect", {"a.txt": b"A"},
        default=behavior("bucket", ViewerProtocolPolicy="redirect-to-https"),
    )  # fmt: skip
    moved = fetch(cloud, id_, "/a.txt?x=1", secure=False)
    assert (moved.status, moved.cache) == (301, "Redirect from cloudfront")
    assert moved.headers["location"] == f"https://{id_.lower()}.cloudfront.localhost:{cloud.port}/a.txt?x=1"
    path = f"/_aws/cloudfront/{id_}/a.txt"
    by_path = fetch(cloud, id_, path, secure=False, host=f"localhost:{cloud.port}")
    assert by_path.headers["location"] == cloud.https_url + path
    assert fetch(cloud, id_, "/a.txt", "POST", secure=False).status == 307
    assert fetch(cloud, id_, "/a.txt").body == b"A"


def test_https_only(cloud: RunningCloud) -> None:
    id_ = site(
        cloud, "cf-https", {"a.txt": b"A"}, default=behavior("bucket", ViewerProtocolPolicy="https-only")
    )
    refused = fetch(cloud, id_, "/a.txt", secure=False)
    assert refused.status == 403
    assert b"The request could not be satisfied." in refused.body
    assert fetch(cloud, id_, "/a.txt").status == 200


def test_methods_that_are_not_allowed(cloud: RunningCloud) -> None:
    id_ = site(cloud, "cf-methods", {"a.txt": b"A"})
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        refused = fetch(cloud, id_, "/a.txt", method)
        assert refused.status == 403
        assert b"not configured to allow the HTTP request method" in refused.body
        assert refused.headers["server"] == "CloudFront"


def test_unknown_and_disabled_distributions(cloud: RunningCloud) -> None:
    for host in ("e0000000000000.cloudfront.localhost", "x.cloudfront.localhost", "a.b.cloudfront.net"):
        refused = fetch(cloud, "", "/", host=host)
        assert (refused.status, refused.cache) == (403, "Error from cloudfront")
    id_ = site(cloud, "cf-disabled", {"a.txt": b"A"})
    assert fetch(cloud, id_, "/a.txt").status == 200
    client = cloud.client("cloudfront")
    got = client.get_distribution_config(Id=id_)
    client.update_distribution(
        Id=id_, IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"] | {"Enabled": False}
    )
    assert fetch(cloud, id_, "/a.txt").status == 403


# Behaviors


def test_behaviors_by_pattern_in_order(cloud: RunningCloud, origin: Web) -> None:
    for path in ("/img/a.jpg", "/img/special/a.jpg", "/other", "/IMG/a.jpg"):
        origin.answer(path, path.encode())
    policies = [{"HeaderName": "x-origin", "HeaderValue": name} for name in ("first", "second", "rest")]
    origins = [
        http_origin(origin.port, Id=each["HeaderValue"], CustomHeaders=listed(each)) for each in policies
    ]
    id_ = create(
        cloud, *origins, default=behavior("rest"),
        CacheBehaviors=listed(
            behavior("first", PathPattern="/img/special/*"), behavior("second", PathPattern="img/?.jp*g")
        ),
    )  # fmt: skip
    for path in ("/img/a.jpg", "/img/special/a.jpg", "/other", "/IMG/a.jpg"):
        assert fetch(cloud, id_, path).body == path.encode()
    chosen = {target: headers["x-origin"] for _, target, headers, _ in origin.seen}
    assert chosen == {
        "/img/a.jpg": "second", "/img/special/a.jpg": "first", "/other": "rest", "/IMG/a.jpg": "rest",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/private/a", "/public/../private/a", "/%70rivate/a", "/public/%2e%2e/private/a", "/./private/a",
        "/private%2Fa", "/public/..%2fprivate/a",
    ],
)  # fmt: skip
def test_no_spelling_gets_round_a_behavior(cloud: RunningCloud, origin: Web, path: str) -> None:
    origin.answer("/a", b"secret")
    id_ = create(
        cloud, http_origin(origin.port),
        CacheBehaviors=listed(
            behavior("web", PathPattern="/private/*", ViewerProtocolPolicy="https-only")
        ),
    )  # fmt: skip
    assert fetch(cloud, id_, path, secure=False).status == 403
    assert origin.seen == []


def test_the_origin_gets_the_path_as_it_was_sent(cloud: RunningCloud, origin: Web) -> None:
    """No less of it: dot segments that are resolved here would lead out of the origin's path."""
    id_ = create(cloud, http_origin(origin.port, OriginPath="/public"))
    paths = ["/../private", "/a/./b", "/%2E%2E/private", "/a//b", "/a%2Fb%3F", "/;@:!$'()*,="]
    for path in paths:
        fetch(cloud, id_, path)
    assert [target for _, target, _, _ in origin.seen] == [f"/public{path}" for path in paths]


def test_a_get_with_a_body_is_refused(cloud: RunningCloud, origin: Web) -> None:
    """As on AWS: an origin that heeds the body would fill the cache with what one viewer made up."""
    origin.answer("/a", b"A")
    id_ = create(cloud, http_origin(origin.port))
    for method in ("GET", "HEAD"):
        assert fetch(cloud, id_, "/a", method, body=b"x").status == 403
    assert origin.seen == []
    assert fetch(cloud, id_, "/a").body == b"A"


@pytest.mark.parametrize("path", ["/a%00b", "/%ff%fe", "/" + "a" * 8200])
def test_paths_that_are_none(cloud: RunningCloud, path: str) -> None:
    id_ = site(cloud, f"cf-paths-{len(path)}", {"a": b"A"})
    assert fetch(cloud, id_, path).status in (400, 414)


# Caching


def test_the_cache_key_and_what_the_origin_gets(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A")
    policy = cache_policy(cloud, queries=["v"], headers=["X-Lang"], cookies=["theme"])
    id_ = create(cloud, http_origin(origin.port), default=behavior("web", CachePolicyId=policy))

    def get(path: str, **headers: Any) -> str:
        return fetch(cloud, id_, path, **headers).cache.partition(" ")[0]

    assert get("/a?v=1&t=1") == "Miss"
    assert get("/a?t=2&v=1") == "Hit"
    assert get("/a?v=2") == "Miss"
    assert get("/a?v=1", x_lang="vi") == "Miss"
    assert get("/a?v=1", x_lang="vi", accept_language="de") == "Hit"
    assert get("/a?v=1", cookie="theme=dark; session=1") == "Miss"
    assert get("/a?v=1", cookie="session=2; theme=dark") == "Hit"
    assert [target for _, target, _, _ in origin.seen] == ["/a?v=1", "/a?v=2", "/a?v=1", "/a?v=1"]
    first, last = origin.seen[0][2], origin.seen[-1][2]
    assert first["user-agent"] == "Amazon CloudFront"
    assert first["host"] == f"localhost:{origin.port}"
    assert first["x-forwarded-for"] == "127.0.0.1"
    assert first["x-amz-cf-id"]
    assert "cookie" not in first
    assert last["cookie"] == "theme=dark"
    assert "authorization" not in last


def test_legacy_forwarded_values(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A")
    forwarded = legacy(
        QueryString=True, QueryStringCacheKeys=listed("v"), Headers=listed("X-Lang"),
        Cookies={"Forward": "whitelist", "WhitelistedNames": listed("theme")},
    )  # fmt: skip
    id_ = create(
        cloud, http_origin(origin.port), default=behavior("web", ForwardedValues=forwarded, MinTTL=0)
    )
    assert fetch(cloud, id_, "/a?v=1&t=1", x_other="o", cookie="theme=x; s=1").cache.startswith("Miss")
    assert fetch(cloud, id_, "/a?v=1&t=2", cookie="theme=x; s=2").cache.startswith("Hit")
    (_, target, headers, _) = origin.seen[0]
    assert target == "/a?v=1&t=1"
    assert headers["cookie"] == "theme=x"
    assert headers["x-other"] == "o"


@pytest.mark.parametrize(
    ("control", "cached"),
    [("max-age=60", True), ("no-store", False), ("private", False), ("no-cache", False),
     ("max-age=0", False), ("max-age=0, s-maxage=60", True), ("", True)],
)  # fmt: skip
def test_cache_control(cloud: RunningCloud, origin: Web, control: str, cached: bool) -> None:
    given: dict[str, Any] = {"Cache_Control": control} if control else {}
    origin.answer("/a", b"A", **given)
    id_ = create(cloud, http_origin(origin.port), default=behavior("web", CachePolicyId=cache_policy(cloud)))
    assert fetch(cloud, id_, "/a").cache == "Miss from cloudfront"
    assert fetch(cloud, id_, "/a").cache == ("Hit" if cached else "Miss") + " from cloudfront"
    assert len(origin.seen) == (1 if cached else 2)


def test_expiry_and_revalidation(fresh_cloud: RunningCloud, origin: Web) -> None:
    cloud = fresh_cloud
    cloud.hold()
    origin.answer("/a", b"A", ETag='"one"', Cache_Control="max-age=10")
    id_ = create(cloud, http_origin(origin.port), default=behavior("web", CachePolicyId=cache_policy(cloud)))
    fetch(cloud, id_, "/a")
    cloud.advance(5)
    hit = fetch(cloud, id_, "/a")
    assert hit.cache == "Hit from cloudfront"
    assert int(hit.headers["age"]) >= 5
    cloud.advance(6)
    fresh = fetch(cloud, id_, "/a")
    assert (fresh.status, fresh.body, fresh.cache) == (200, b"A", "RefreshHit from cloudfront")
    assert origin.seen[-1][2]["if-none-match"] == '"one"'
    assert fetch(cloud, id_, "/a").cache == "Hit from cloudfront"
    cloud.advance(20)
    origin.answer("/a", b"B", ETag='"two"')
    assert fetch(cloud, id_, "/a").body == b"B"


def test_a_stale_copy_is_better_than_an_origin_that_fails(fresh_cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A", Cache_Control="max-age=1")
    policy = cache_policy(fresh_cloud)
    id_ = create(fresh_cloud, http_origin(origin.port), default=behavior("web", CachePolicyId=policy))
    fetch(fresh_cloud, id_, "/a")
    fresh_cloud.advance(5)
    origin.answer("/a", b"broken", 503)
    assert fetch(fresh_cloud, id_, "/a").body == b"A"


def test_caching_disabled_passes_everything(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/api", b"made", 201, Set_Cookie="s=1")
    all_viewer = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    id_ = create(
        cloud, http_origin(origin.port),
        default=behavior(
            "web", CachePolicyId=CACHING_DISABLED, OriginRequestPolicyId=all_viewer,
            AllowedMethods=listed(*ALL_METHODS),
        ),
    )  # fmt: skip
    answer = fetch(
        cloud, id_, "/api?x=1&y=%20", "POST", body=b'{"a": 1}', authorization="Bearer t", cookie="s=1",
        x_amz_cf_id="forged", x_forwarded_for="1.2.3.4", connection="x-drop",
        x_drop="1",
    )  # fmt: skip
    assert (answer.status, answer.body) == (201, b"made")
    assert answer.headers["set-cookie"] == "s=1"
    method, target, headers, body = origin.seen[0]
    assert (method, target, body) == ("POST", "/api?x=1&y=%20", b'{"a": 1}')
    assert headers["authorization"] == "Bearer t"
    assert headers["cookie"] == "s=1"
    assert headers["host"] == f"localhost:{origin.port}"
    assert headers["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
    assert headers["x-amz-cf-id"] != "forged"
    assert "x-drop" not in headers
    origin.answer("/api", b"read")
    assert fetch(cloud, id_, "/api").cache == "Miss from cloudfront"
    assert fetch(cloud, id_, "/api").cache == "Miss from cloudfront"


def test_cookies_of_one_are_not_set_for_all(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A", Set_Cookie="session=1")
    id_ = create(cloud, http_origin(origin.port))
    assert "set-cookie" not in fetch(cloud, id_, "/a").headers
    assert "set-cookie" not in fetch(cloud, id_, "/a").headers


def test_simultaneous_misses_ask_the_origin_once(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A" * 1000)
    origin.hold = threading.Event()
    id_ = create(cloud, http_origin(origin.port))
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(fetch, cloud, id_, "/a") for _ in range(10)]
        until(lambda: origin.seen, what="the origin to be asked")
        origin.hold.set()
        answers = [each.result() for each in waiting]
    assert {each.body for each in answers} == {b"A" * 1000}
    assert sorted(each.cache for each in answers)[-1] == "Miss from cloudfront"
    assert len(origin.seen) == 1


def test_validators_of_the_viewer(cloud: RunningCloud) -> None:
    id_ = site(cloud, "cf-validators", {"a.txt": b"A"})
    first = fetch(cloud, id_, "/a.txt")
    for _ in range(2):
        kept = fetch(cloud, id_, "/a.txt", if_none_match=first.headers["etag"])
        assert (kept.status, kept.body) == (304, b"")
        assert kept.headers["etag"] == first.headers["etag"]
    assert fetch(cloud, id_, "/a.txt", if_modified_since=first.headers["last-modified"]).status == 304
    assert fetch(cloud, id_, "/a.txt", if_none_match='"other"').status == 200


def test_ranges_from_cache_and_origin(cloud: RunningCloud) -> None:
    data = bytes(range(256)) * 400  # past what S3 keeps inline
    id_ = site(cloud, "cf-ranges", {"small": b"0123456789", "large": data})
    miss = fetch(cloud, id_, "/small", range="bytes=2-4")
    assert (miss.status, miss.body, miss.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert fetch(cloud, id_, "/small").cache == "Hit from cloudfront"
    assert fetch(cloud, id_, "/small", range="bytes=-3").body == b"789"
    assert fetch(cloud, id_, "/large", range="bytes=256-").body == data[256:]
    wrong = fetch(cloud, id_, "/small", range="bytes=10-")
    assert (wrong.status, wrong.headers["content-range"]) == (416, "bytes */10")
    etag = miss.headers["etag"]
    assert fetch(cloud, id_, "/small", range="bytes=0-1", if_range=etag).status == 206
    assert fetch(cloud, id_, "/small", range="bytes=0-1", if_range='"old"').status == 200
    assert fetch(cloud, id_, "/small", range="bytes=0-1,3-4").status == 200


def test_large_bodies_stream(cloud: RunningCloud, origin: Web) -> None:
    data = b"0123456789abcdef" * (9 << 16)  # 9 MiB: more than an entry of the cache
    origin.answer("/big", data)
    id_ = create(cloud, http_origin(origin.port))
    assert fetch(cloud, id_, "/big").body == data
    assert fetch(cloud, id_, "/big").cache == "Miss from cloudfront"
    bucket = site(cloud, "cf-large", {"big": data})
    assert fetch(cloud, bucket, "/big").body == data
    part = fetch(cloud, bucket, "/big", range=f"bytes={len(data) - 4}-")
    assert (part.status, part.body) == (206, b"cdef")


def test_parts_of_what_is_too_long_to_keep(cloud: RunningCloud, origin: Web) -> None:
    data = b"0123456789abcdef" * (9 << 16)
    bucket = site(cloud, "cf-parts", {})
    s3 = cloud.client("s3")
    upload = s3.create_multipart_upload(Bucket="cf-parts", Key="big")["UploadId"]
    where = {"Bucket": "cf-parts", "Key": "big", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
        for number, body in ((1, data[: 6 << 20]), (2, data[6 << 20 :]))
    ]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert fetch(cloud, bucket, "/big").body == data
    part = fetch(cloud, bucket, "/big", range=f"bytes={(6 << 20) - 2}-{(6 << 20) + 1}")
    assert (part.status, part.body) == (206, data[(6 << 20) - 2 : (6 << 20) + 2])
    assert part.headers["content-range"] == f"bytes {(6 << 20) - 2}-{(6 << 20) + 1}/{len(data)}"

    origin.answer("/big", data)
    web_id = create(cloud, http_origin(origin.port))
    assert len(fetch(cloud, web_id, "/big", range="bytes=0-1").body) == len(
        data
    )  # the origin knows no ranges
    assert origin.seen[-1][2]["range"] == "bytes=0-1"


def test_a_body_without_a_length_is_kept_if_short(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/chunked", b"hello", Transfer_Encoding="chunked")
    id_ = create(cloud, http_origin(origin.port))
    assert fetch(cloud, id_, "/chunked").body == b"hello"
    assert fetch(cloud, id_, "/chunked").cache == "Hit from cloudfront"


def test_head(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"12345")
    id_ = create(cloud, http_origin(origin.port))
    head = fetch(cloud, id_, "/a", "HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "5", b"")
    fetch(cloud, id_, "/a")
    hit = fetch(cloud, id_, "/a", "HEAD")
    assert (hit.cache, hit.headers["content-length"]) == ("Hit from cloudfront", "5")


def test_compression(cloud: RunningCloud) -> None:
    text = b"hello world " * 500
    id_ = site(
        cloud, "cf-gzip",
        {
            "a.js": {"Body": text, "ContentType": "text/javascript"},
            "a.png": {"Body": text, "ContentType": "image/png"},
            "s.js": {"Body": b"short", "ContentType": "text/javascript"},
        },
        default=behavior("bucket", Compress=True),
    )  # fmt: skip
    packed = fetch(cloud, id_, "/a.js", accept_encoding="gzip, deflate")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == text
    assert packed.headers["etag"].startswith('W/"')
    assert "Accept-Encoding" in packed.headers["vary"]
    again = fetch(cloud, id_, "/a.js", accept_encoding="gzip")
    assert (again.cache, again.body) == ("Hit from cloudfront", packed.body)
    assert fetch(cloud, id_, "/a.js", accept_encoding="gzip;q=0").body == text
    assert fetch(cloud, id_, "/a.js").body == text
    for path in ("/a.png", "/s.js"):
        assert "content-encoding" not in fetch(cloud, id_, path, accept_encoding="gzip").headers


def test_brotli_where_the_viewer_takes_it(cloud: RunningCloud, origin: Web) -> None:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html"""
    text = b"hello world " * 500
    id_ = site(
        cloud, "cf-brotli", {"a.js": {"Body": text, "ContentType": "text/javascript"}},
        default=behavior("bucket", Compress=True),
    )  # fmt: skip
    packed = fetch(cloud, id_, "/a.js", accept_encoding="gzip, deflate, br")
    assert packed.headers["content-encoding"] == "br"
    assert brotli.decompress(packed.body) == text
    assert packed.headers["etag"].startswith('W/"')
    again = fetch(cloud, id_, "/a.js", accept_encoding="br, gzip")
    assert (again.cache, again.body) == ("Hit from cloudfront", packed.body)
    zipped = fetch(cloud, id_, "/a.js", accept_encoding="gzip, br;q=0")
    assert (zipped.cache, zipped.headers["content-encoding"]) == ("Miss from cloudfront", "gzip")
    assert gzip.decompress(zipped.body) == text

    # Without the policy's word for Brotli there is gzip alone; the origin gets the header normalized.
    policy = cache_policy(cloud, gzip=True)
    only = behavior("web", CachePolicyId=policy, Compress=True)
    id_ = create(cloud, http_origin(origin.port), default=only)
    fetch(cloud, id_, "/only", accept_encoding="br;q=1, gzip;q=0.8, *;q=0.1")
    assert origin.asked("/only")[0]["accept-encoding"] == "gzip"
    both = behavior("web", CachePolicyId=cache_policy(cloud, gzip=True, brotli=True))
    id_ = create(cloud, http_origin(origin.port), default=both)
    fetch(cloud, id_, "/both", accept_encoding="gzip, br, zstd")
    assert origin.asked("/both")[0]["accept-encoding"] == "br,gzip"


# Alternate names

CERTIFICATE = {
    "ACMCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/names",
    "SSLSupportMethod": "sni-only",
    "MinimumProtocolVersion": "TLSv1.2_2021",
}


def test_alternate_names(cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"""
    named = {"ViewerCertificate": CERTIFICATE}
    one = site(
        cloud, "cf-alias-one", {"index.html": {"Body": b"one", "ContentType": "text/html"}},
        DefaultRootObject="index.html", Aliases=listed("www.alias.example"), **named,
    )  # fmt: skip
    site(
        cloud, "cf-alias-two", {"index.html": {"Body": b"two", "ContentType": "text/html"}},
        DefaultRootObject="index.html", Aliases=listed("*.alias.example"), **named,
    )  # fmt: skip

    def ask(host: str, path: str = "/") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
        with closing(connection):
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read()

    assert ask("www.alias.example") == (200, b"one")
    assert ask(f"WWW.Alias.example.:{cloud.port}") == (200, b"one")
    assert ask("shop.alias.example") == (200, b"two")
    assert ask("deep.shop.alias.example") == (200, b"two")
    # The bare domain is no name of the wildcard's, and neither takes AWS's own or the cloud's.
    assert ask("alias.example")[1] not in (b"one", b"two")
    assert ask("s3.us-east-1.amazonaws.com")[1] not in (b"one", b"two")
    assert ask("www.alias.example", "/_may/health")[0] == 200

    context = ssl.create_default_context(cafile=str(cloud.data / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", cloud.port))
    with context.wrap_socket(plain, server_hostname="www.alias.example") as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: www.alias.example\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := secure.recv(65536):
            answer += piece
    assert answer.endswith(b"one")

    client = cloud.client("cloudfront")
    got = client.get_distribution_config(Id=one)
    config = got["DistributionConfig"] | {"Aliases": listed("other.alias.example")}
    client.update_distribution(Id=one, IfMatch=got["ETag"], DistributionConfig=config)
    assert ask("other.alias.example") == (200, b"one")
    assert ask("www.alias.example") == (200, b"two")


# Invalidations


def test_invalidations(cloud: RunningCloud) -> None:
    id_ = site(
        cloud, "cf-invalidate",
        {"index.html": b"1", "img/a": b"1", "img/b": b"1", "other": b"1"}, DefaultRootObject="index.html",
    )  # fmt: skip
    paths = ["/", "/img/a", "/img/b", "/other"]

    def states() -> list[str]:
        return [fetch(cloud, id_, path).cache.partition(" ")[0] for path in paths]

    def invalidate(*which: str) -> None:
        cloud.client("cloudfront").create_invalidation(
            DistributionId=id_,
            InvalidationBatch={"Paths": listed(*which), "CallerReference": "-".join(which)},
        )

    states()
    assert states() == ["Hit"] * 4
    invalidate("/img/a")
    assert states() == ["Hit", "Miss", "Hit", "Hit"]
    invalidate("/img/*")
    assert states() == ["Hit", "Miss", "Miss", "Hit"]
    invalidate("/")
    assert states() == ["Miss", "Hit", "Hit", "Hit"]
    invalidate("/*")
    assert states() == ["Miss"] * 4


def test_an_invalidation_counts_for_what_is_on_its_way(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"old")
    origin.hold = threading.Event()
    id_ = create(cloud, http_origin(origin.port))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fetch, cloud, id_, "/a")
        until(lambda: origin.seen, what="the origin to be asked")
        cloud.client("cloudfront").create_invalidation(
            DistributionId=id_, InvalidationBatch={"Paths": listed("/*"), "CallerReference": "race"}
        )
        origin.hold.set()
        assert waiting.result().body == b"old"
    origin.answer("/a", b"new")
    assert fetch(cloud, id_, "/a").body == b"new"


# Errors


def test_errors_are_kept_a_little_while(fresh_cloud: RunningCloud, origin: Web) -> None:
    id_ = create(fresh_cloud, http_origin(origin.port))
    fresh_cloud.hold()
    for _ in range(2):
        missing = fetch(fresh_cloud, id_, "/none")
        assert (missing.status, missing.body, missing.cache) == (
            404,
            b"nothing here",
            "Error from cloudfront",
        )
    assert len(origin.seen) == 1
    fresh_cloud.advance(11)
    origin.answer("/none", b"now")
    assert fetch(fresh_cloud, id_, "/none").body == b"now"


def test_an_error_page_of_its_own(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/errors/404.html", b"<h1>lost</h1>", Content_Type="text/html")
    errors = listed(
        {
            "ErrorCode": 404, "ResponsePagePath": "/errors/404.html", "ResponseCode": "404",
            "ErrorCachingMinTTL": 0,
        },
        {"ErrorCode": 500, "ResponsePagePath": "/none.html", "ResponseCode": "200"},
    )  # fmt: skip
    id_ = create(cloud, http_origin(origin.port), CustomErrorResponses=errors)
    for _ in range(2):
        lost = fetch(cloud, id_, "/nowhere")
        assert (lost.status, lost.body) == (404, b"<h1>lost</h1>")
    assert len(origin.asked("/nowhere")) == 2
    assert len(origin.asked("/errors/404.html")) == 1
    origin.answer("/broken", b"own words", 500)
    assert fetch(cloud, id_, "/broken").body == b"own words"


def test_an_origin_that_is_not_there(cloud: RunningCloud) -> None:
    with web() as gone:
        port = gone.port
    id_ = create(cloud, http_origin(port))
    answer = fetch(cloud, id_, "/")
    assert (answer.status, answer.cache) == (502, "Error from cloudfront")
    assert b"wasn't able to connect to the origin" in answer.body


def test_writing_through_the_edge_needs_the_buckets_word(cloud: RunningCloud) -> None:
    everything = behavior("bucket", AllowedMethods=listed(*ALL_METHODS))
    id_ = site(cloud, "cf-writes", {"a.txt": b"A"}, default=everything)
    assert fetch(cloud, id_, "/b.txt", "PUT", body=b"B").status == 403
    assert fetch(cloud, id_, "/a.txt", "DELETE").status == 403
    policy = json.loads(cloud.client("s3").get_bucket_policy(Bucket="cf-writes")["Policy"])
    policy["Statement"][0]["Action"] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    cloud.client("s3").put_bucket_policy(Bucket="cf-writes", Policy=json.dumps(policy))
    assert fetch(cloud, id_, "/b.txt", "PUT", body=b"B", content_type="text/x").status == 200
    stored = cloud.client("s3").get_object(Bucket="cf-writes", Key="b.txt")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"B", "text/x")
    assert fetch(cloud, id_, "/b.txt", "DELETE").status == 204
    assert fetch(cloud, id_, "/a.txt", "POST", body=b"x").status == 405


# Inside the cloud, and going in circles


def test_another_distribution_as_origin_and_itself(cloud: RunningCloud) -> None:
    inner = site(cloud, "cf-inner", {"a.txt": b"A"})
    domain = cloud.client("cloudfront").get_distribution(Id=inner)["Distribution"]["DomainName"]
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    outer = create(cloud, {"Id": "inner", "DomainName": domain, "CustomOriginConfig": custom})
    assert fetch(cloud, outer, "/a.txt").body == b"A"
    client = cloud.client("cloudfront")
    got = client.get_distribution_config(Id=outer)
    config = got["DistributionConfig"]
    config["Origins"]["Items"][0]["DomainName"] = client.get_distribution(Id=outer)["Distribution"][
        "DomainName"
    ]
    client.update_distribution(Id=outer, IfMatch=got["ETag"], DistributionConfig=config)
    assert fetch(cloud, outer, "/round").status == 403


def test_an_api_behind_the_edge(cloud: RunningCloud) -> None:
    api = cloud.client("apigateway")
    id_ = api.create_rest_api(name="cf-api")["id"]
    root = api.get_resources(restApiId=id_)["items"][0]["id"]
    where = {"restApiId": id_, "resourceId": root, "httpMethod": "GET"}
    api.put_method(**where, authorizationType="NONE")
    api.put_method_response(**where, statusCode="200")
    template = {"application/json": '{"statusCode": 200}'}
    api.put_integration(**where, type="MOCK", requestTemplates=template)
    answer = {"application/json": '{"q": "$input.params(\'q\')"}'}
    api.put_integration_response(**where, statusCode="200", responseTemplates=answer)
    api.create_deployment(restApiId=id_, stageName="prod")
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    behind = {
        "Id": "api", "DomainName": f"{id_}.execute-api.us-east-1.amazonaws.com", "OriginPath": "/prod",
        "CustomOriginConfig": custom,
    }  # fmt: skip
    front = create(
        cloud, behind,
        default=behavior(
            "api", CachePolicyId=CACHING_DISABLED,
            OriginRequestPolicyId="b689b0a8-53d0-40ab-baf2-68738e2966ac",
        ),
    )  # fmt: skip
    got = fetch(cloud, front, "/?q=7")
    assert (got.status, json.loads(got.body)) == (200, {"q": "7"})


def test_response_headers_policies(cloud: RunningCloud, origin: Web) -> None:
    origin.answer("/a", b"A", X_Powered_By="x", X_Frame_Options="DENY")
    made = cloud.client("cloudfront").create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": "serving",
            "CorsConfig": {
                "AccessControlAllowOrigins": listed("https://*.example.com"),
                "AccessControlAllowHeaders": listed("x-a"),
                "AccessControlAllowMethods": listed("GET", "PUT"),
                "AccessControlAllowCredentials": True,
                "OriginOverride": True,
            },
            "SecurityHeadersConfig": {
                "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
                "StrictTransportSecurity": {
                    "Override": True, "AccessControlMaxAgeSec": 60, "IncludeSubdomains": True,
                },
                "ContentTypeOptions": {"Override": True},
            },
            "CustomHeadersConfig": listed({"Header": "X-Mine", "Value": "yes", "Override": True}),
            "RemoveHeadersConfig": listed({"Header": "X-Powered-By"}),
        }
    )["ResponseHeadersPolicy"]["Id"]  # fmt: skip
    id_ = create(cloud, http_origin(origin.port), default=behavior("web", ResponseHeadersPolicyId=made))
    for _ in range(2):
        headers = fetch(cloud, id_, "/a", origin="https://app.example.com").headers
        assert headers["access-control-allow-origin"] == "https://app.example.com"
        assert headers["access-control-allow-credentials"] == "true"
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"] == "max-age=60; includeSubDomains"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-mine"] == "yes"
        assert "x-powered-by" not in headers
    assert "access-control-allow-origin" not in fetch(cloud, id_, "/a", origin="https://evil.com").headers
    assert "access-control-allow-origin" not in fetch(cloud, id_, "/a").headers


def test_many_requests_on_one_connection(cloud: RunningCloud) -> None:
    id_ = site(cloud, "cf-connection", {"a": b"A", "b": b"BB"})
    context = ssl.create_default_context(cafile=cloud.ca_file)
    connection = http.client.HTTPSConnection("localhost", cloud.port, timeout=60, context=context)
    seen: list[Any] = []
    for path in ("/a", "/b", "/a", "/nope", "/b"):
        connection.request("GET", path, headers={"host": f"{id_}.cloudfront.localhost"})
        seen.append(connection.getresponse().read()[:2])
    connection.close()
    assert [seen[0], seen[1], seen[2], seen[4]] == [b"A", b"BB", b"A", b"BB"]
